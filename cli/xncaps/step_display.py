"""What a person sees while a command works: the step, how far it is, how long it all has left."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Generator, Sequence

import click

from xncaps.time_left import Share, TimeLeft, about
from xncaps_converters.output_formats import Report

# Seconds of a conversion of MobileNetV2 with XnODR at 224x224 on two cores of a virtual machine, of
# the counted steps for each sample; calibrating as it was beside EfficientNet-Lite0's other steps.
# Only their ratios count.
_LOAD, _COPY, _CONVERT = 0.8, 0.6, 2.5
_CALIBRATE, _KERAS, _FILE = 0.06, 0.021, 0.0045
_CALIBRATED = 500  # at most


def conversion_shares(*, samples: int, int8: bool = False, verified: bool = True) -> list[Share]:
    """The steps of a conversion, in order."""
    shares = [Share("load", _LOAD), Share("copy the model", _COPY), Share("convert", _CONVERT)]
    if int8:
        shares.append(Share("calibrate int8", _CALIBRATE * _CALIBRATED))
    if verified:
        shares += [Share("run Keras", _KERAS * samples), Share("run the file", _FILE * samples)]
    return shares


def verification_shares(samples: int) -> list[Share]:
    """The steps of a verification, in order."""
    shares = conversion_shares(samples=samples)
    return [share for share in shares if share.step not in ("copy the model", "convert")]


@contextlib.contextmanager
def steps(title: str, shares: Sequence[Share] = (), *, quiet: float = 15.0) -> Generator[Report]:
    """Shows what a report says: the step, how far it is, and about how long all still takes.

    On a terminal a line that is kept up to date; in a log a new one on stderr for each `quiet`
    seconds that the work goes on, so that a short one says nothing.
    """
    left = TimeLeft(shares)
    shown = _bar(title, left) if sys.stdout.isatty() else _lines(title, left, quiet)
    with shown as show:

        def report(step: str, done: float) -> None:
            left.step(step, done)
            show(step, done)

        yield report


@contextlib.contextmanager
def _lines(title: str, left: TimeLeft, quiet: float) -> Generator[Report]:
    began, is_over = time.monotonic(), threading.Event()
    current, share = "", 0.0

    def show(step: str, done: float) -> None:
        nonlocal current, share
        current, share = step, done

    def write() -> None:
        while not is_over.wait(quiet):
            parts = [f"{title}: {current}" if current else title]
            if share > 0:
                parts[0] += f" {share:.0%}"
            parts += [f"{time.monotonic() - began:.0f} s", about(left.seconds())]
            click.echo(", ".join(filter(None, parts)), err=True)

    # It also writes within a step that says nothing for a minute.
    writer = threading.Thread(target=write, name="xncaps-steps", daemon=True)
    writer.start()
    try:
        yield show
    finally:
        is_over.set()
        writer.join()


@contextlib.contextmanager
def _bar(title: str, left: TimeLeft) -> Generator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
    from rich.text import Text

    began = time.monotonic()

    class Left(ProgressColumn):
        """Asked anew at each refresh, so that it counts down within a step too."""

        def render(self, task: Task) -> Text:
            return Text(about(left.seconds()))

    class Elapsed(ProgressColumn):
        """Since the first step, not since the current one."""

        def render(self, task: Task) -> Text:
            return Text(f"{time.monotonic() - began:.0f} s")

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        Elapsed(),
        Left(),
    )
    with Progress(*columns, console=Console(file=sys.stdout), transient=True) as progress:
        task = progress.add_task(title, total=None)
        current = ""

        def show(step: str, done: float) -> None:
            nonlocal task, current
            if step != current:
                progress.remove_task(task)
                task, current = progress.add_task(f"{title}: {step}", total=None), step
            if done > 0:
                progress.update(task, total=1.0, completed=done)

        yield show
