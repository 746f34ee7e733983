"""Numbers out of times: summaries, ratios with an interval, drift over the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

RESAMPLES = 2_000
_THINNED = 64
_CHUNK = 4_000_000  # numbers that a bootstrap holds at a time
CONFIDENCE = 0.95
# A run slows down by more than this, with the interval's lower end above the half of it: said so.
DRIFT_LIMIT = 1.10


def summarise(turns: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Microseconds, in turns as they were measured -> the schema's `latency`.

    Percentiles are linear interpolations between order statistics (NumPy's default); std is the
    sample's (n - 1).
    """
    times = np.concatenate([np.asarray(turn, dtype=float) for turn in turns if len(turn)])
    return {
        "n": len(times),
        "min_us": _rounded(times.min()),
        "median_us": _rounded(np.median(times)),
        "mean_us": _rounded(times.mean()),
        "std_us": _rounded(times.std(ddof=1) if len(times) > 1 else 0.0),
        "p90_us": _rounded(np.percentile(times, 90)),
        "p99_us": _rounded(np.percentile(times, 99)),
        "samples_us": [_rounded(time) for time in times],
        "turns": [len(turn) for turn in turns],
    }


def turns_of(latency: dict[str, Any]) -> list[np.ndarray]:
    """The samples of a `latency` cut into their turns."""
    times = np.asarray(latency["samples_us"], dtype=float)
    ends = np.cumsum(latency["turns"])
    if not len(ends) or ends[-1] != len(times):
        return [times]
    return np.split(times, ends[:-1])


def ratio(baseline: dict[str, Any], other: dict[str, Any], seed: int = 0) -> dict[str, float]:
    """How many times faster `other` is than `baseline`: ratio of medians, 95 % interval.

    Bootstrap over turns, not over runs: runs of one turn share caches and clock and are no
    independent draws. Where both were measured in the same rounds, a resample takes both turns of
    a round together, so that a slow spell that hit both does not widen the interval.
    """
    first, second = turns_of(baseline), turns_of(other)
    generator = np.random.default_rng(seed)
    chosen = generator.integers(0, len(first), (RESAMPLES, len(first)))
    mates = chosen
    if len(first) != len(second):
        mates = generator.integers(0, len(second), (RESAMPLES, len(second)))
    ratios = _medians(first, chosen) / np.maximum(_medians(second, mates), 1e-3)
    ends = np.nanpercentile(ratios, [50 - 50 * CONFIDENCE, 50 + 50 * CONFIDENCE])
    return {
        "ratio": _rounded(baseline["median_us"] / max(other["median_us"], 1e-3), 4),
        "low": _rounded(ends[0], 4),
        "high": _rounded(ends[1], 4),
        "confidence": CONFIDENCE,
    }


def drift(latency: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """Median of the last quarter of the turns over that of the first quarter, with an interval."""
    turns = [turn for turn in turns_of(latency) if len(turn)]
    quarter = len(turns) // 4
    if quarter < 2:
        return {"ratio": None, "low": None, "high": None, "slowed": False}
    first, last = turns[:quarter], turns[-quarter:]
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, quarter, (2, RESAMPLES, quarter))
    drawn = _medians(last, draws[0]) / np.maximum(_medians(first, draws[1]), 1e-3)
    low, high = np.percentile(drawn, [2.5, 97.5])
    value = float(np.median(np.concatenate(last)) / max(np.median(np.concatenate(first)), 1e-3))
    slowed = value > DRIFT_LIMIT and low > 1 + (DRIFT_LIMIT - 1) / 2
    return {
        "ratio": _rounded(value, 4),
        "low": _rounded(low, 4),
        "high": _rounded(high, 4),
        "slowed": bool(slowed),
    }


def _medians(turns: Sequence[np.ndarray], chosen: np.ndarray) -> np.ndarray:
    """The median of the runs of the chosen turns, for each row of `chosen` [resamples, turns]."""
    turns = [_thinned(turn) for turn in turns]
    lengths = {len(turn) for turn in turns}
    if len(lengths) == 1 and lengths != {0}:
        table = np.stack(turns)  # [turns, runs]
        rows = max(1, _CHUNK // table.size)
        parts = [
            np.median(
                table[chosen[at : at + rows]].reshape(-1, chosen.shape[1] * table.shape[1]), axis=1
            )
            for at in range(0, len(chosen), rows)
        ]
        return np.concatenate(parts)
    times = [np.concatenate([turns[index] for index in row]) for row in chosen]
    return np.array([np.median(drawn) if len(drawn) else np.nan for drawn in times])


def _thinned(turn: np.ndarray) -> np.ndarray:
    """A long turn as its quantiles: a bootstrap of a million runs would take longer than they."""
    if len(turn) <= _THINNED:
        return turn
    return np.quantile(turn, (np.arange(_THINNED) + 0.5) / _THINNED)


def _rounded(value: Any, digits: int = 3) -> float:
    return round(float(value), digits)
