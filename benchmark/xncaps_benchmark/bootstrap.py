"""A bootstrap over blocks of turns, for medians of times that depend on those before them.

Times of a machine are no independent draws: its clock, its caches and its other work last longer
than a run. A resample therefore takes blocks of turns that followed each other, around the end to
the start (the circular block bootstrap, Politis and Romano 1992), as long as the series itself
asks for: Politis and White, 'Automatic Block-Length Selection for the Dependent Bootstrap' (2004),
with the correction of Patton, Politis and White (2009). It is applied to what moves a median, the
sign of a run's distance from it (Bahadur 1966), averaged over each turn: a spike of a hundred times
the median is one sign, and would hide all else in the autocorrelation of the times themselves.

A percentile interval of few blocks is too narrow; it is stretched by what Student's t and the
missing degree of freedom make of so few (Hesterberg 2015, 'What Teachers Should Know about the
Bootstrap', section 5.3).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
# Fewer blocks than this tell too little of how they differ: the interval is said to be too narrow.
FEWEST_BLOCKS = 10
_MOST_TURNS = 256
_THINNED = 64
_CHUNK = 4_000_000  # numbers that a bootstrap holds at a time


def block_length(series: NDArray[Any]) -> int:
    """Turns that a block should have, 1 to a third of them, for the turns' mean signs [turns]."""
    count = len(series)
    if count < 4:
        return 1
    root = math.sqrt(count)
    window = max(5, int(math.sqrt(math.log10(count))))  # K_N of the paper
    lags = min(math.ceil(root) + window, count - 1)
    centred = series - series.mean()
    covariance = np.array(
        [centred[: count - lag] @ centred[lag:] / count for lag in range(lags + 1)]
    )
    if covariance[0] <= 0:
        return 1
    last = _last_lag(
        np.abs(covariance / covariance[0]), window, 2 * math.sqrt(math.log10(count) / count)
    )
    width = min(2 * max(last, 1), lags)
    lag = np.arange(1, width + 1)
    # The flat-top window: 1 up to the half of the width, then down to 0.
    weighted = np.clip(2 * (1 - lag / width), 0, 1) * covariance[1 : width + 1]
    long_run = covariance[0] + 2 * weighted.sum()
    if long_run <= 0:
        return 1
    # (2 G^2 / D)^(1/3) N^(1/3) with D = 4/3 of the squared long-run variance.
    slope = 2 * (lag * weighted).sum()
    length = (1.5 * (slope / long_run) ** 2 * count) ** (1 / 3)
    return max(1, math.ceil(min(length, 3 * root, count / 3)))


def _last_lag(correlation: NDArray[Any], window: int, threshold: float) -> int:
    """The last lag before `window` of them in a row that cannot be told from zero."""
    for lag in range(1, len(correlation) - window + 1):
        if (correlation[lag : lag + window] < threshold).all():
            return lag - 1
    large = np.flatnonzero(correlation[1:] >= threshold)
    return int(large[-1]) + 1 if len(large) else 1


class Turns:
    """The turns of one series, ready to be drawn from; neighbours are joined where there are many.

    Args:
        turns: times, in turns as they were measured; empty ones are left out.
    """

    def __init__(self, turns: Sequence[NDArray[Any]]) -> None:
        kept = [turn for turn in turns if len(turn)]
        together = -(-len(kept) // _MOST_TURNS)
        self.joined = [
            np.concatenate(kept[at : at + together]) for at in range(0, len(kept), max(together, 1))
        ]
        middle = np.median(np.concatenate(kept)) if kept else 0.0
        self._signs = np.array([np.sign(turn - middle).mean() for turn in self.joined])

    def __len__(self) -> int:
        return len(self.joined)

    def block(self) -> int:
        """Turns of a block."""
        return block_length(self._signs)

    def medians(self, chosen: NDArray[Any]) -> NDArray[Any]:
        """The median of the runs of the turns in each row of `chosen` [resamples, turns]."""
        turns = [_thinned(turn) for turn in self.joined]
        if len({len(turn) for turn in turns}) > 1:
            rows: list[list[int]] = chosen.tolist()
            return np.array([np.median(np.concatenate([turns[at] for at in row])) for row in rows])
        table = np.stack(turns)  # [turns, runs]
        many = max(1, _CHUNK // table.size)
        parts = [
            np.median(
                table[chosen[at : at + many]].reshape(len(chosen[at : at + many]), -1), axis=1
            )
            for at in range(0, len(chosen), many)
        ]
        return np.concatenate(parts)


def draws(generator: np.random.Generator, turns: int, block: int, resamples: int) -> NDArray[Any]:
    """Numbers of turns [resamples, turns]: blocks that begin anywhere, around the end."""
    shape = (resamples, -(-turns // block))
    starts = generator.integers(0, turns, shape)  # pyright: ignore[reportUnknownMemberType]
    chosen = (starts[:, :, None] + np.arange(block)) % turns  # [resamples, blocks, block]
    return chosen.reshape(resamples, -1)[:, :turns]


def interval(
    logarithms: NDArray[Any], estimate: float, blocks: float, confidence: float
) -> tuple[float, float]:
    """Ends of the interval of a positive number, out of the logarithms of its resamples.

    Args:
        logarithms: of the resampled numbers, [resamples].
        estimate: the number itself.
        blocks: how many blocks a resample had.
        confidence: such as 0.95.
    """
    tail = (1 - confidence) / 2
    low, high = np.percentile(logarithms, [100 * tail, 100 * (1 - tail)])
    free = max(blocks - 1, 1.0)
    normal = statistics.NormalDist().inv_cdf(1 - tail)
    stretch = student_t(normal, free) / normal * math.sqrt(blocks / free)
    middle = math.log(estimate)
    ends = (middle + stretch * (low - middle), middle + stretch * (high - middle))
    return math.exp(max(ends[0], -50.0)), math.exp(min(ends[1], 50.0))


def student_t(normal: float, free: float) -> float:
    """Student's t where the normal distribution has its quantile `normal`; `free` at least 1.

    Abramowitz and Stegun 26.7.5; within 1 % of the truth from three degrees of freedom on, and
    too small below (10 % at 2).
    """
    z = normal
    return (
        z
        + (z**3 + z) / (4 * free)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * free**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * free**4)
    )


def _thinned(turn: NDArray[Any]) -> NDArray[Any]:
    """A long turn as its quantiles: a bootstrap of a million runs would take longer than they."""
    if len(turn) <= _THINNED:
        return turn
    return np.quantile(turn, (np.arange(_THINNED) + 0.5) / _THINNED)
