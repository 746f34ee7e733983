"""What a person sees while a command works: the step, how far it is, how long it has left."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from xncaps_converters.output_formats import Report, silent


@contextlib.contextmanager
def steps(title: str) -> Iterator[Report]:
    """A line on a terminal that a report keeps up to date; nothing where stdout is none.

    A step that knows its share shows the time that is left, any other how long it has taken.
    """
    if not sys.stdout.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("left"),
        Remaining(),
    )
    with Progress(*columns, console=Console(file=sys.stdout), transient=True) as progress:
        task = progress.add_task(title, total=None)
        current = ""

        def report(step: str, done: float) -> None:
            nonlocal task, current
            if step != current:
                progress.remove_task(task)
                task, current = progress.add_task(f"{title}: {step}", total=None), step
            if done > 0:
                progress.update(task, total=1.0, completed=done)

        yield report
