"""A printed row of the speed tables: two times, their ratio and what it has to be."""

from __future__ import annotations

import sys

FLOOR = 0.8  # of its figure: below it `--check` fails


def report(
    name: str, ours: float, theirs: float, figure: float | None = None, note: str = ""
) -> bool:
    """Prints microseconds of ours and theirs, how many times faster ours is, and `note`.

    Returns:
        False where the ratio is below `FLOOR` of its figure.
    """
    ratio = theirs / ours
    good = figure is None or ratio >= FLOOR * figure
    asked = "" if figure is None else f" (at least {figure})"
    below = "" if figure is None or ratio >= figure else "  below" if good else "  TOO SLOW"
    sys.stdout.write(
        f"{name:56} {ours:10.2f} us {theirs:10.2f} us {ratio:6.2f} x{note}{asked}{below}\n"
    )
    sys.stdout.flush()
    return good
