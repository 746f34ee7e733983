"""What the benches promise, and what of a measurement misses it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

FEW = 10  # classes that many are compared with
MANY = {81: 9.5, 200: 24.0}  # classes: how many times as long as of FEW a training step may take
MINUTES = {"folder": 3.0, "grocery": 10.0}  # from pictures to a checked file, on two idle cores


def ratios(times: Mapping[int, Sequence[float]], classes: int) -> tuple[float, float]:
    """The time of so many classes over that of FEW: of the minima, of the medians."""
    long, short = times[classes], times[FEW]
    return min(long) / min(short), statistics.median(long) / statistics.median(short)


def missed_times(batch: int, times: Mapping[int, Sequence[float]]) -> list[str]:
    """What takes longer than is promised.

    The smaller one of `ratios` counts: what else the machine does makes either larger. There is no
    other margin.

    Args:
        batch: the batch size, for the words.
        times: milliseconds of steps by the number of classes.
    """
    return [
        f"XnODR, J {classes}, B {batch}: {ratio:.2f} times J {FEW}, more than {promised:g}"
        for classes, promised in MANY.items()
        if (ratio := min(ratios(times, classes))) > promised
    ]


def missed_memory(layer: Mapping[int, float], plain: Mapping[int, float]) -> list[str]:
    """Where a step's memory grows faster than the classes or is not below the plain form's.

    Args:
        layer: MB a step adds, by the number of classes.
        plain: the same without XLA and blocks.
    """
    missed = list[str]()
    for classes in MANY:
        size, linear = layer[classes], classes / FEW * layer[FEW]
        if size > linear:
            missed.append(f"XnODR, J {classes}: {size:.0f} MB a step, more than {linear:.0f}, "
                          f"{classes / FEW:g} times J {FEW}")  # fmt: skip
        if size >= plain[classes]:
            missed.append(f"XnODR, J {classes}: {size:.0f} MB a step, not below the plain "
                          f"form's {plain[classes]:.0f}")  # fmt: skip
    return missed


def missed_minutes(data: str, minutes: float) -> list[str]:
    """Whether training and converting took longer than is promised of 'folder' or 'grocery'."""
    if minutes <= MINUTES[data]:
        return []
    return [f"{data}: {minutes:.2f} minutes, more than {MINUTES[data]:g}"]
