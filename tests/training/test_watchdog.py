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
    monkeypatch.setattr(watchdog, "_health_error", lambda _: "UnavailableError")
    dog, told = _watch()
    dog.stop()
    dog.cluster_is_up()
    time.sleep(0.2)
    assert told.empty()


def test_the_wait_is_under_a_minute() -> None:
    worst = watchdog.FAILURES * (watchdog.INTERVAL + watchdog.REPLY_TIMEOUT)
    assert worst + 2 < 60 and watchdog.START_SECONDS < 60 and watchdog.ARRIVAL_SECONDS < 60
