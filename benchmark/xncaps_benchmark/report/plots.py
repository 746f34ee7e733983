"""Plots as places in per cent: the page draws them with HTML and plain SVG paths, at any width."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_benchmark.number_text import time_text
from xncaps_benchmark.report.view_types import (
    Bar,
    Card,
    Distributions,
    Point,
    Scatter,
    Tick,
)
from xncaps_benchmark.result_types import Latency

_BINS = 120
_TAIL = 2.5
_LABELS = 4  # more points than this, or longer names, have them below the plot
_LONG = 18
_LOG_FROM = 6.0  # a logarithmic axis where the slowest is that many times the fastest


class Axis:
    """Values to per cent of a width, with round ticks."""

    def __init__(self, low: float, high: float, logarithmic: bool) -> None:
        self.logarithmic = logarithmic
        self._low, self._high = self._turn(low), self._turn(high)
        if self._high <= self._low:
            self._high = self._low + 1.0
        margin = 0.04 * (self._high - self._low)
        self._low, self._high = self._low - margin, self._high + margin

    def _turn(self, value: float) -> float:
        return math.log10(max(value, 1e-3)) if self.logarithmic else value

    def place(self, value: float) -> float:
        """0 to 100, clipped."""
        share = (self._turn(value) - self._low) / (self._high - self._low)
        return round(100 * min(max(share, 0.0), 1.0), 3)

    def ticks(self, text: Callable[[float], str], most: int = 5) -> list[Tick]:
        values = _log_ticks(self._low, self._high, most) if self.logarithmic else []
        if len(values) < 2:
            low, high = (
                (10**self._low, 10**self._high) if self.logarithmic else (self._low, self._high)
            )
            values = _linear_ticks(low, high, most)
        return [{"at": self.place(value), "text": text(value)} for value in values]


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= most)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    """Ticks at 1, 2 and 5 times powers of ten; at the powers alone where those are too many."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    ticks: list[float] = []
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [
            f * 10.0**p for p in powers for f in factors if low <= math.log10(f * 10.0**p) <= high
        ]
        if len(ticks) <= most + 1:
            return ticks
    return ticks[:: -(-len(ticks) // most)]


def distributions(models: Sequence[Card]) -> Distributions | None:
    """Smoothed histograms of the times of each model on one axis."""
    timed = [(model, latency) for model in models if (latency := model["latency"])]
    series = [
        (model, latency, np.asarray(latency["samples_us"], float)) for model, latency in timed
    ]
    rows = [(model, latency, times) for model, latency, times in series if len(times)]
    if not rows:
        return None
    low = min(float(times.min()) for _, _, times in rows)
    # A machine with other work has a long tail; it must not squeeze what one looks for.
    high = min(
        max(float(np.percentile(times, 99)) for _, _, times in rows),
        _TAIL * max(float(np.percentile(times, 90)) for _, _, times in rows),
    )
    axis = Axis(low, max(high, low * 1.01), high > _LOG_FROM * max(low, 1e-3))
    return {
        # The text of a tick at the very end would stick out of its box.
        "ticks": [tick for tick in axis.ticks(time_text) if 3 <= tick["at"] <= 97],
        "logarithmic": axis.logarithmic,
        "rows": [
            {
                "label": model["label"],
                "colour": model["colour"],
                "path": _density(times[times <= high], axis),
                "median": axis.place(latency["median_us"]),
                "p90": None if p90 is None else axis.place(p90),
                "text": f"median {time_text(latency['median_us'])}, "
                + (f"p90 {time_text(p90)}" if p90 is not None else "p90 not told by its tool")
                + f", {_runs(latency, len(times))}"
                + _beyond(int((times > high).sum()), len(times)),
            }
            for model, latency, times in rows
            for p90 in (latency["p90_us"],)
        ],
    }


def _runs(latency: Latency, samples: int) -> str:
    """How many runs, and how many samples stand for them where those are fewer."""
    more = f" in {samples:,} samples" if latency["n"] != samples else ""
    return f"{latency['n']:,} runs{more}"


def _beyond(count: int, total: int) -> str:
    return f", {100 * count / total:.1f} % of them slower than shown" if count else ""


def _density(times: NDArray[Any], axis: Axis) -> str:
    """An SVG path in a box of 100 by 100; its highest point touches the top."""
    places = np.array([axis.place(time) for time in times])
    counts = np.histogram(places, bins=_BINS, range=(0, 100))[0].astype(float)
    kernel = np.exp(-0.5 * (np.arange(-4, 5) / 1.2) ** 2)
    smooth = np.convolve(counts, kernel / kernel.sum(), mode="same")
    heights = 100 - 96 * smooth / max(smooth.max(), 1e-9)
    width = 100 / _BINS
    points = " ".join(f"L{(i + 0.5) * width:.2f} {h:.2f}" for i, h in enumerate(heights))
    return f"M0 100 {points} L100 100 Z"


def scatter(models: Sequence[Card]) -> Scatter | None:
    """Accuracy (up) against the median (right)."""
    rows = [
        (model, latency["median_us"], 100 * share)
        for model in models
        if (latency := model["latency"]) and (share := model["accuracy_share"]) is not None
    ]
    if not rows:
        return None
    times, shares = [time for _, time, _ in rows], [share for _, _, share in rows]
    across = Axis(
        min(times) * 0.9, max(times) * 1.1, max(times) > _LOG_FROM * max(min(times), 1e-3)
    )
    spread = max(max(shares) - min(shares), 1.0)
    up = Axis(max(min(shares) - 0.35 * spread, 0), min(max(shares) + 0.35 * spread, 100), False)
    points: list[Point] = [
        {
            "x": across.place(time),
            "y": up.place(share),
            "label_y": up.place(share),
            "colour": model["colour"],
            "label": model["label"],
            "text": f"{model['median_text']}, {model['accuracy_text']}",
            "left": across.place(time) > 60,
        }
        for model, time, share in rows
    ]
    _part(points)
    return {
        "points": points,
        "legend": len(points) > _LABELS or any(len(p["label"]) > _LONG for p in points),
        "x_ticks": across.ticks(time_text, 4),
        "y_ticks": up.ticks(lambda share: f"{share:g} %", 4),
    }


def _part(points: list[Point]) -> None:
    """Labels of points that lie close move up or down so that they can be read."""
    taken: list[tuple[float, float, float]] = []
    for point in sorted(points, key=lambda p: (-p["y"], p["x"])):
        # A label is about half a field wide and a tenth of it high.
        start, end = (
            (point["x"] - 55, point["x"]) if point["left"] else (point["x"], point["x"] + 55)
        )
        at = point["y"]
        while any(abs(at - y) < 10 and start < b and a < end for a, b, y in taken):
            at -= 10
        point["label_y"] = round(at, 2)
        taken.append((start, end, at))


def bars(
    models: Sequence[Card], value: Callable[[Card], int], text: Callable[[float], str]
) -> list[Bar]:
    """Bars of a value of each model, the largest 100 per cent wide."""
    top = max(map(value, models), default=0)
    if not top:
        return []
    return [
        {
            "label": model["label"],
            "colour": model["colour"],
            "share": round(100 * value(model) / top, 2),
            "text": text(value(model)),
        }
        for model in models
        if value(model)
    ]
