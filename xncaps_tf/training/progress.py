"""What a person sees of a training: bars where someone looks, lines where a file does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from xncaps_tf.training.state import Row, columns

_QUIET_SECONDS = 30.0


class Reporter:
    """Reports nothing; the others inherit from it."""

    def start(self, epochs: int, steps: int, done: int) -> None:
        """Training begins: `epochs` of `steps` each, of which `done` steps are behind."""

    def step(self, epoch: int, batch: int) -> None:
        """Batch `batch` (from 1) of epoch `epoch` (from 1) is done."""

    def epoch(self, row: Row) -> None:
        """An epoch is done and saved."""

    def message(self, text: str) -> None:
        """Something a person should know."""

    def stop(self) -> None:
        """Training ends, well or not."""


class Lines(Reporter):
    """A line an epoch, and one every 30 s inside long epochs; for logs and pipes.

    Args:
        write: takes a line of text.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def start(self, epochs: int, steps: int, done: int) -> None:
        self._epochs, self._steps, self._first = epochs, steps, done
        self._began = self._last = time.monotonic()

    def step(self, epoch: int, batch: int) -> None:
        if time.monotonic() - self._last >= _QUIET_SECONDS:
            self._last = time.monotonic()
            left = self._left((epoch - 1) * self._steps + batch)
            self._write(f"epoch {epoch}/{self._epochs} batch {batch}/{self._steps} left {left}")

    def epoch(self, row: Row) -> None:
        self._last = time.monotonic()
        left = self._left(row["epoch"] * self._steps)
        self._write(f"epoch {row['epoch']}/{self._epochs} {_values(row)} left {left}")

    def message(self, text: str) -> None:
        self._write(text)

    def _left(self, done: int) -> str:
        """The time that is left, as m:ss, from the mean of this process's steps."""
        taken = time.monotonic() - self._began
        per_step = taken / max(1, done - self._first)
        seconds = round(per_step * (self._epochs * self._steps - done))
        return f"{seconds // 60}:{seconds % 60:02d}"


class Bars(Reporter):
    """A bar for the whole training and one for the epoch, with the time that is left.

    Args:
        console: a rich.console.Console on a terminal.
    """

    def __init__(self, console: Any) -> None:
        from rich import progress

        self._bars = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
            console=console,
        )

    def start(self, epochs: int, steps: int, done: int) -> None:
        self._epochs, self._steps = epochs, steps
        self._bars.start()
        self._all = self._bars.add_task("training", total=epochs * steps, completed=done)
        self._one = self._bars.add_task("epoch", total=steps, completed=done % steps)

    def step(self, epoch: int, batch: int) -> None:
        self._bars.update(self._all, completed=(epoch - 1) * self._steps + batch)
        description = f"epoch {epoch}/{self._epochs}"
        self._bars.update(self._one, completed=batch, description=description)

    def epoch(self, row: Row) -> None:
        self._bars.console.print(
            f"epoch {row['epoch']}/{self._epochs} {_values(row)}", highlight=False
        )

    def message(self, text: str) -> None:
        self._bars.console.print(text, highlight=False, markup=False)

    def stop(self) -> None:
        self._bars.stop()


def _values(row: Row) -> str:
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return " ".join(f"{name} {columns(row)[name]:.4f}" for name in names if name in row)
