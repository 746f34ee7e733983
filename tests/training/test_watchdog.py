"""The watchdog's decisions, with peers that are sockets of this process."""

from __future__ import annotations

import queue
import socket
import time

import pytest

from xncaps_tf.training import watchdog
from xncaps_tf.training.task import Task


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "INTERVAL", 0.02)


def _watch(port: int, arrival: float | None = None) -> tuple[watchdog.Watchdog, queue.Queue[str]]:
    told: queue.Queue[str] = queue.Queue()
    task = Task("worker", 1, (), (f"127.0.0.1:{port}", "127.0.0.1:9"))
    dog = watchdog.Watchdog(task, "start again", arrival, end=told.put)
    dog.start()
    return dog, told


def test_a_peer_that_goes_before_the_cluster_is_up() -> None:
    peer = socket.create_server(("127.0.0.1", 0))
    dog, told = _watch(peer.getsockname()[1])
    time.sleep(0.3)
    assert told.empty()
    peer.close()
    assert told.get(timeout=5).startswith("worker 1: worker 0 (127.0.0.1:")
    dog.stop()


def test_a_peer_that_never_comes() -> None:
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    _, told = _watch(port, arrival=0.1)
    assert "did not come within" in told.get(timeout=5)


def test_workers_that_do_not_come_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "START_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as peer:
        _, told = _watch(peer.getsockname()[1])
        assert "did not come together" in told.get(timeout=5)


def test_a_peer_that_does_not_answer_twice_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [None, "DeadlineExceededError", None, "UnavailableError", "UnavailableError"]
    asked: list[str] = []

    def health(task: str) -> str | None:
        asked.append(task)
        return answers[len(asked) - 1]

    monkeypatch.setattr(watchdog, "_health_error", health)
    dog, told = _watch(1)
    dog.cluster_is_up()
    line = told.get(timeout=5)
    assert line == (
        "worker 1: worker 0 (127.0.0.1:1) is dead or stopped (UnavailableError); start again"
    )
    assert asked == ["/job:worker/replica:0/task:0"] * 5


def test_after_the_end_nothing_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "_health_error", lambda _: "UnavailableError")
    dog, told = _watch(1)
    dog.stop()
    dog.cluster_is_up()
    time.sleep(0.2)
    assert told.empty()


def test_the_wait_is_under_a_minute() -> None:
    worst = watchdog.FAILURES * (watchdog.INTERVAL + watchdog.REPLY_TIMEOUT)
    assert worst + 2 < 60 and watchdog.START_SECONDS < 60 and watchdog.ARRIVAL_SECONDS < 60
