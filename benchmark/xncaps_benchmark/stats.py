"""Numbers out of times: summaries, ratios with an interval, drift over the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_benchmark import bootstrap
from xncaps_benchmark.result_types import Drift, Interval, Latency

CONFIDENCE = 0.95
# A run slows down by more than this, with the interval's lower end above the half of it: said so.
DRIFT_LIMIT = 1.10


def summarise(turns: Sequence[Sequence[float]], starts: Sequence[float] | None = None) -> Latency:
    """Microseconds, in turns as they were measured -> the schema's `latency`.

    Args:
        turns: times of each turn.
        starts: when each began, in seconds since the first of the run, where that is known.

    Percentiles are linear interpolations between order statistics (NumPy's default); std is the
    sample's (n - 1).
    """
    times = np.concatenate([np.asarray(turn, dtype=float) for turn in turns if len(turn)])
    latency: Latency = {
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
    if starts is not None:
        latency["starts_s"] = [_rounded(start, 6) for start in starts]
    return latency


def turns_of(latency: Latency) -> list[NDArray[Any]]:
    """The samples of a `latency` cut into their turns."""
    times = np.asarray(latency["samples_us"], dtype=float)
    ends = np.cumsum(latency["turns"])
    if not len(ends) or ends[-1] != len(times):
        return [times]
    return np.split(times, ends[:-1])


def ratio(baseline: Latency, other: Latency, seed: int = 0) -> Interval:
    """How many times faster `other` is than `baseline`: ratio of medians, 95 % interval.

    The interval is a bootstrap over blocks of turns (`bootstrap`), as long as the more dependent of
    the two series asks for. Where both were measured in the same rounds, a resample takes both
    turns of a round together, so that a slow spell that hit both does not widen the interval.
    `narrow` says that there were too few blocks for it to hold what it promises.
    """
    first, second = (bootstrap.Turns(turns_of(latency)) for latency in (baseline, other))
    block = max(first.block(), second.block())
    generator = np.random.default_rng(seed)
    chosen = bootstrap.draws(generator, len(first), block, bootstrap.RESAMPLES)
    mates = chosen
    if len(first) != len(second):
        mates = bootstrap.draws(generator, len(second), block, bootstrap.RESAMPLES)
    logarithms = _logarithms(first.medians(chosen), second.medians(mates))
    value = max(baseline["median_us"], 1e-3) / max(other["median_us"], 1e-3)
    blocks = min(len(first), len(second)) / block
    low, high = bootstrap.interval(logarithms, value, blocks, CONFIDENCE)
    return {
        "ratio": _rounded(value, 4),
        "low": _rounded(low, 4),
        "high": _rounded(high, 4),
        "confidence": CONFIDENCE,
        "block_turns": block,
        "blocks": int(blocks),
        "narrow": blocks < bootstrap.FEWEST_BLOCKS,
    }


def drift(latency: Latency, seed: int = 0) -> Drift:
    """Median of the last quarter of the turns over that of the first quarter, with an interval."""
    turns = [turn for turn in turns_of(latency) if len(turn)]
    quarter = len(turns) // 4
    if quarter < 2:
        return {"ratio": None, "low": None, "high": None, "slowed": False}
    first, last = bootstrap.Turns(turns[:quarter]), bootstrap.Turns(turns[-quarter:])
    block = max(first.block(), last.block())
    generator = np.random.default_rng(seed)
    drawn = [
        part.medians(bootstrap.draws(generator, len(part), block, bootstrap.RESAMPLES))
        for part in (last, first)
    ]
    middles = [max(float(np.median(np.concatenate(part.joined))), 1e-3) for part in (last, first)]
    value = middles[0] / middles[1]
    low, high = bootstrap.interval(_logarithms(*drawn), value, len(first) / block, CONFIDENCE)
    slowed = value > DRIFT_LIMIT and low > 1 + (DRIFT_LIMIT - 1) / 2
    return {
        "ratio": _rounded(value, 4),
        "low": _rounded(low, 4),
        "high": _rounded(high, 4),
        "slowed": bool(slowed),
    }


def _logarithms(above: NDArray[Any], below: NDArray[Any]) -> NDArray[Any]:
    """Logarithms of the ratios; a clock that is too coarse tells times of 0."""
    return np.log(np.maximum(above, 1e-3) / np.maximum(below, 1e-3))


def _rounded(value: Any, digits: int = 3) -> float:
    return round(float(value), digits)
