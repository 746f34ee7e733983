"""What a person sees while a command works: the step, how far it is, how long it all has left."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Generator, Sequence

from xncaps.time_left import Share, TimeLeft, about
from xncaps_converters.output_formats import Report, silent

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
def steps(title: str, shares: Sequence[Share] = ()) -> Generator[Report]:
    """A line on a terminal that a report keeps up to date; nothing where stdout is none.

    It shows the step, how far a step is that counts, how long it has taken in all, and about how
    long all the steps still take.
    """
    if not sys.stdout.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
    from rich.text import Text

    left, began = TimeLeft(shares), time.monotonic()

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

        def report(step: str, done: float) -> None:
            nonlocal task, current
            left.step(step, done)
            if step != current:
                progress.remove_task(task)
                task, current = progress.add_task(f"{title}: {step}", total=None), step
            if done > 0:
                progress.update(task, total=1.0, completed=done)

        yield report
