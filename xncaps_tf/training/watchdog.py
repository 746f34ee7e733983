"""Ends this process when another worker is dead or stands still.

A collective op waits for every worker, for ever and inside native code, so an exception cannot end
it. While TensorFlow's cluster comes up the main thread may even hold Python's lock, so a process of
its own, the guard, watches that phase; after it a thread does.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypedDict

from xncaps_tf.training.task import Task, TaskFields

INTERVAL = 2.0  # seconds between two rounds
REPLY_TIMEOUT = 8.0  # a peer that answers later stands still
FAILURES = 2  # in a row
START_SECONDS = 45.0  # from the last peer's first sign of life to the cluster being up
ARRIVAL_SECONDS = 45.0  # for a peer's first sign of life, unless told otherwise


class Order(TypedDict):
    """What the guard's process is told: a Task's fields, seconds, a hint, whom to end."""

    task: TaskFields
    arrival: float
    advice: str
    parent: int


class Watchdog:
    """Watches the peers of a task from before TensorFlow's cluster is up until `stop`.

    Args:
        task: this process.
        advice: what to do, ends the printed line.
        arrival: seconds to wait for a peer's first sign of life; None: ARRIVAL_SECONDS.
        end: called with the line when a peer is lost after the start; by default prints it and
            exits with 1. (The guard prints it and kills this process.)
    """

    def __init__(
        self,
        task: Task,
        advice: str,
        arrival: float | None = None,
        end: Callable[[str], object] | None = None,
    ) -> None:
        self._task = task
        self._advice = advice
        self._arrival = ARRIVAL_SECONDS if arrival is None else arrival
        self._end = end or exit_now
        self._is_over = threading.Event()
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begins to watch, by TCP until `cluster_is_up`."""
        order: Order = {
            "task": self._task.fields(),
            "arrival": self._arrival,
            "advice": self._advice,
            "parent": os.getpid(),
        }
        self._guard = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=_descriptor(sys.stderr),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def cluster_is_up(self) -> None:
        """From now on ask TensorFlow's servers: a stopped process still accepts TCP."""
        self._dismiss_guard()
        threading.Thread(target=self._watch, name="xncaps-watchdog", daemon=True).start()

    def stop(self) -> None:
        """The training is over: a peer that exits is no loss any more."""
        self._is_over.set()
        self._dismiss_guard()

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.communicate(timeout=30)  # closes its stdin, which ends it
            self._guard = None

    def _watch(self) -> None:
        reason = self._wait_for_loss()
        if reason is not None and not self._is_over.is_set():
            self._end(_line(self._task, reason, self._advice))

    def _wait_for_loss(self) -> str | None:
        """What was lost, or None when the training is over."""
        failures: dict[str, int] = {}
        while not self._is_over.wait(INTERVAL):
            for name, (task, address) in self._task.peers().items():
                error = _health_error(task)
                failures[name] = failures.get(name, 0) + 1 if error else 0
                if failures[name] >= FAILURES:
                    return f"{name} ({address}) is dead or stopped ({error})"
        return None


def _line(task: Task, reason: str, advice: str) -> str:
    return f"{task.name}: {reason}; {advice}"


def _descriptor(stream: Any) -> int | None:
    """The stream's file descriptor; None (as inherited) where it has none."""
    try:
        return stream.fileno()
    except (AttributeError, OSError):  # a notebook's or a test's stream
        return None


def _health_error(task: str) -> str | None:
    """What keeps a peer from answering, or None."""
    from xncaps_tf._keras import check_peer_health, tf

    try:
        check_peer_health(task, REPLY_TIMEOUT)
    except tf.errors.OpError as error:
        return type(error).__name__
    return None


def wait_for_cluster(
    task: Task, arrival: float, is_dismissed: Callable[[float], bool]
) -> str | None:
    """Watches the peers' ports until the cluster is up.

    Args:
        task: whose peers are watched.
        arrival: seconds to wait for a peer's first sign of life.
        is_dismissed: waits up to so many seconds; True once nobody needs this any more.

    Returns:
        None when dismissed, else what is wrong.
    """
    began = time.monotonic()
    seen: dict[str, float] = {}
    gone: dict[str, int] = {}
    while not is_dismissed(INTERVAL):
        for name, (_, address) in task.peers().items():
            if _accepts(address):
                seen.setdefault(name, time.monotonic())
                gone[name] = 0
            elif name in seen:
                gone[name] += 1
                if gone[name] >= FAILURES:
                    return f"{name} ({address}) is gone"
            elif time.monotonic() - began > arrival:
                return f"{name} ({address}) did not come within {arrival:.0f} s"
        everyone = len(seen) == len(task.peers())
        if everyone and seen and time.monotonic() - max(seen.values()) > START_SECONDS:
            return f"the workers did not come together within {START_SECONDS:.0f} s"
    return None


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=INTERVAL):
            return True
    except OSError:  # not there yet, or gone: the caller counts
        return False


def exit_now(line: str) -> None:
    """Prints the line and ends the process at once: no file is ever half-written here."""
    sys.stderr.write(f"xncaps: {' '.join(line.split())}\n")
    sys.stderr.flush()
    os._exit(1)


def guard(order: Order) -> None:
    """The guard's process: ends when its stdin is closed, or ends its parent."""
    task = Task.of(order["task"])

    def is_dismissed(seconds: float) -> bool:
        return bool(select.select([0], [], [], seconds)[0])

    reason = wait_for_cluster(task, order["arrival"], is_dismissed)
    if reason is not None and not is_dismissed(0):
        line = " ".join(_line(task, reason, order["advice"]).split())
        sys.stderr.write(f"xncaps: {line}\n")
        sys.stderr.flush()
        os.kill(order["parent"], signal.SIGKILL)


if __name__ == "__main__":
    guard(json.loads(sys.argv[1]))
