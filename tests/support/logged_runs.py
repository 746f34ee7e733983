"""`xncaps.reproduce.running` whose runs write down every step that they train.

A worker of a cluster is a process of its own, where nothing is patched; this module it can import.
"""

from __future__ import annotations

import os
import pathlib
import signal
from typing import Any
from unittest import mock

from xncaps.reproduce import running

finished = running.finished


def run(experiment: Any, seed: int, place: running.Place, *rest: Any) -> Any:
    """`running.run`; where `kill` in the folder names it and a step, it is killed there, once."""
    from xncaps_tf.training import progress

    log, kill = _log(place, experiment.name, seed), place.out / "kill"

    class Logged(progress.Lines):
        def start(self, epochs: int, steps: int, done: int) -> None:
            super().start(epochs, steps, done)
            self._write_down(f"from {done}")

        def step(self, epoch: int, batch: int) -> None:
            super().step(epoch, batch)
            number = (epoch - 1) * self._steps + batch
            self._write_down(str(number))
            if kill.is_file() and kill.read_text() == f"{experiment.name} {seed} {number}":
                kill.unlink()
                os.kill(os.getpid(), signal.SIGKILL)

        def _write_down(self, text: str) -> None:
            with open(log, "a", encoding="ascii") as file:
                file.write(f"{text}\n")

    with mock.patch.object(progress, "Lines", Logged):
        return running.run(experiment, seed, place, *rest)


def trainings(place: running.Place, name: str, seed: int) -> list[tuple[int, list[int]]]:
    """Of each training that was started: the steps that were behind it, those that it has made."""
    found: list[tuple[int, list[int]]] = []
    for text in _log(place, name, seed).read_text("ascii").splitlines():
        if text.startswith("from "):
            found.append((int(text.removeprefix("from ")), []))
        else:
            found[-1][1].append(int(text))
    return found


def _log(place: running.Place, name: str, seed: int) -> pathlib.Path:
    return place.out / f"{name}-{seed}.log"
