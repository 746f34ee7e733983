"""Ends this process when another worker is dead or stands still.

A collective op waits for every worker, for ever and inside native code, so an exception cannot end
it. A thread asks each peer for a sign of life and, where none comes, prints a line and exits.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable

from xncaps_tf.training.task import Task

INTERVAL = 2.0  # seconds between two rounds
REPLY_TIMEOUT = 8.0  # a peer that answers later stands still
FAILURES = 2  # in a row
START_SECONDS = 45.0  # from a peer's first sign of life to the cluster being up
ARRIVAL_SECONDS = 45.0  # for a peer's first sign of life, unless told otherwise


class Watchdog:
    """Watches the peers of a task from before TensorFlow's cluster is up until `stop`.

    Args:
        task: this process.
        advice: what to do, ends the printed line.
        arrival: seconds to wait for a peer's first sign of life; None: ARRIVAL_SECONDS.
        end: called with the line when a peer is lost; by default prints it and exits with 1.
    """

    def __init__(
        self,
        task: Task,
        advice: str,
        arrival: float | None = None,
        end: Callable[[str], object] | None = None,
    ) -> None:
        self._task = task
        self._arrival = ARRIVAL_SECONDS if arrival is None else arrival
        self._advice = advice
        self._end = end or exit_now
        self._is_up = threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="xncaps-watchdog", daemon=True)

    def start(self) -> None:
        """Begins to watch, by TCP until `cluster_is_up`."""
        self._thread.start()

    def cluster_is_up(self) -> None:
        """From now on ask TensorFlow's servers: a stopped process still accepts TCP."""
        self._is_up.set()

    def stop(self) -> None:
        """The training is over: a peer that exits is no loss any more."""
        self._is_over.set()

    def _watch(self) -> None:
        reason = self._wait_for_cluster() or self._wait_for_loss()
        if reason is not None and not self._is_over.is_set():
            self._end(f"{self._task.name}: {reason}; {self._advice}")

    def _wait_for_cluster(self) -> str | None:
        """None once the cluster is up; else what is wrong."""
        began = time.monotonic()
        seen: dict[str, float] = {}
        gone: dict[str, int] = {}
        while not self._is_up.is_set() and not self._is_over.is_set():
            for name, (_, address) in self._task.peers().items():
                if _accepts(address):
                    seen.setdefault(name, time.monotonic())
                    gone[name] = 0
                elif name in seen:
                    gone[name] += 1
                    if gone[name] >= FAILURES:
                        return f"{name} ({address}) is gone"
                elif time.monotonic() - began > self._arrival:
                    return f"{name} ({address}) did not come within {self._arrival:.0f} s"
            everyone = len(seen) == len(self._task.peers())
            if everyone and time.monotonic() - max(seen.values()) > START_SECONDS:
                return f"the workers did not come together within {START_SECONDS:.0f} s"
            self._is_up.wait(INTERVAL)
        return None

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


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=INTERVAL):
            return True
    except OSError:  # not there yet, or gone: the caller counts
        return False


def _health_error(task: str) -> str | None:
    """What keeps a peer from answering, or None."""
    from xncaps_tf._keras import check_peer_health, tf

    try:
        check_peer_health(task, REPLY_TIMEOUT)
    except tf.errors.OpError as error:
        return type(error).__name__
    return None


def exit_now(line: str) -> None:
    """Prints the line and ends the process at once: no file is ever half-written here."""
    sys.stderr.write(f"xncaps: {' '.join(line.split())}\n")
    sys.stderr.flush()
    os._exit(1)
