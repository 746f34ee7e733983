"""The watchdog's decisions, with peers that are sockets of this process."""

from __future__ import annotations

import queue
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from xncaps_tf.training import watchdog
from xncaps_tf.training.task import Task

GUARDED = """
import sys, time
from xncaps_tf.training.task import Task
from xncaps_tf.training.watchdog import Watchdog
dog = Watchdog(Task("worker", 1, (), (sys.argv[1], "127.0.0.1:9")), "start again", 0.5)
dog.start()
if sys.argv[2] == "stop":
    time.sleep(1)
    dog.stop()
else:
    time.sleep(60)
"""


RAISES = """
import sys, time
from unittest import mock
from xncaps_tf._keras import tf
from xncaps_tf.training.cluster import Cluster
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.task import Task
wrong = mock.Mock(side_effect=RuntimeError("Collective ops must be configured at startup"))
tf.distribute.MultiWorkerMirroredStrategy = wrong
task = Task("worker", 1, (), (sys.argv[1], "127.0.0.1:9"))
try:
    Cluster(TrainConfig(strategy="multi_worker"), task, "start again", 0.5)
except RuntimeError as error:
    time.sleep(4)  # a notebook goes on
    print("still here:", error)
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "INTERVAL", 0.02)


def _task(port: int) -> Task:
    return Task("worker", 1, (), (f"127.0.0.1:{port}", "127.0.0.1:9"))


def _rounds(number: int, each: Callable[[int], object] = lambda _: None) -> Callable[[float], bool]:
    """Dismisses after so many rounds; `each` is called in every one."""
    count = [0]

    def is_dismissed(seconds: float) -> bool:
        time.sleep(seconds)
        count[0] += 1
        each(count[0])
        return count[0] > number

    return is_dismissed


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def test_a_peer_that_goes_before_the_cluster_is_up() -> None:
    peer = socket.create_server(("127.0.0.1", 0))
    task = _task(peer.getsockname()[1])
    assert watchdog.wait_for_cluster(task, 60, _rounds(5)) is None
    reason = watchdog.wait_for_cluster(task, 60, _rounds(50, lambda n: n == 4 and peer.close()))
    assert reason is not None and reason.startswith("worker 0 (127.0.0.1:")
    assert reason.endswith("is gone")


def test_a_peer_that_never_comes() -> None:
    reason = watchdog.wait_for_cluster(_task(_free_port()), 0.1, _rounds(500))
    assert reason is not None and "did not come within" in reason


def test_workers_that_do_not_come_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "START_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as peer:
        reason = watchdog.wait_for_cluster(_task(peer.getsockname()[1]), 60, _rounds(500))
    assert reason is not None and "did not come together" in reason


@pytest.mark.parametrize("then", ["wait", "stop"])
def test_the_guard_ends_its_process_or_is_dismissed(then: str) -> None:
    """Also where the main thread would hold Python's lock: the guard is a process of its own."""
    address = f"127.0.0.1:{_free_port()}"
    done = subprocess.run(
        [sys.executable, "-c", GUARDED, address, then],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    if then == "stop":
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == -signal.SIGKILL
        assert done.stderr == (
            f"xncaps: worker 1: worker 0 ({address}) did not come within 0 s; start again\n"
        )


def _watch() -> tuple[watchdog.Watchdog, queue.Queue[str]]:
    told: queue.Queue[str] = queue.Queue()
    return watchdog.Watchdog(_task(1), "start again", end=told.put), told


def test_a_peer_that_does_not_answer_twice_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [None, "DeadlineExceededError", None, "UnavailableError", "UnavailableError"]
    asked: list[str] = []

    def health(task: str) -> str | None:
        asked.append(task)
        return answers[len(asked) - 1]

    monkeypatch.setattr(watchdog, "_health_error", health)
    dog, told = _watch()
    dog.cluster_is_up()
    line = told.get(timeout=5)
    assert line == (
        "worker 1: worker 0 (127.0.0.1:1) is dead or stopped (UnavailableError); start again"
    )
    assert asked == ["/job:worker/replica:0/task:0"] * 5


def test_after_the_end_nothing_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def health(task: str) -> str | None:
        asked.append(task)
        return "UnavailableError" if is_over else None

    is_over = False
    monkeypatch.setattr(watchdog, "_health_error", health)
    dog, told = _watch()
    dog.cluster_is_up()
    until = time.monotonic() + 5
    while len(asked) < 3:  # it watches
        assert time.monotonic() < until
        time.sleep(0.01)
    dog.stop()
    is_over = True
    asked.clear()
    time.sleep(0.3)  # 15 intervals
    assert told.empty() and len(asked) <= 1


def test_a_strategy_that_raises_leaves_its_caller_alone() -> None:
    """The guard used to kill it when the other workers had not come."""
    done = subprocess.run(
        [sys.executable, "-c", RAISES, f"127.0.0.1:{_free_port()}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert "still here: Collective ops" in done.stdout
