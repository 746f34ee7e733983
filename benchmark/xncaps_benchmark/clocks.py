"""The clocks of the cores over a run: how long they were at which, or the highest that was seen.

A reading at one instant says what a governor did in that millisecond. The kernel counts how long
each cluster was at each of its clocks; where it hides that, readings between the turns are taken,
and the highest of them counts.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from xncaps_benchmark import result_types

# A clock that was used for less of the time than this is what a governor passed through.
_LEAST_SHARE = 0.01
_MOST_SAMPLES = 8_192

TimeInState = Mapping[str, Mapping[int, int]]  # cluster -> clock in kHz -> ticks


@dataclass(frozen=True)
class Sample:
    """Clocks of each cluster now, and its ticks at each clock so far."""

    khz: Mapping[str, int]
    ticks: TimeInState


class Clocks:
    """Readings between turns; `told` is what they say of the first and of the last quarter."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def sample(self) -> None:
        """Reads them now."""
        if len(self.samples) < _MOST_SAMPLES:
            self.samples.append(read())

    def told(self) -> result_types.Clocks | None:
        """The schema's `clocks`."""
        return told(self.samples)


def read(root: pathlib.Path = pathlib.Path("/sys")) -> Sample:
    """What this machine says now; {} of what it hides."""
    khz: dict[str, int] = {}
    ticks: dict[str, dict[int, int]] = {}
    for policy in sorted((root / "devices/system/cpu/cpufreq").glob("policy*"))[:64]:
        if (now := _text(policy / "scaling_cur_freq").strip()).isdigit():
            khz[policy.name] = int(now)
        if table := time_in_state(_text(policy / "stats/time_in_state")):
            ticks[policy.name] = table
    return Sample(khz, ticks)


def time_in_state(text: str) -> dict[int, int]:
    """Lines 'KHZ TICKS' -> clock -> ticks; {} where it is something else."""
    table: dict[int, int] = {}
    for line in text.splitlines()[:256]:
        words = line.split()
        if len(words) != 2 or not all(word.isdigit() for word in words):
            return {}
        table[int(words[0])] = int(words[1])
    return table


def told(samples: Sequence[Sample]) -> result_types.Clocks | None:
    """The highest clock of each cluster in the first and in the last quarter of the samples."""
    quarter = max(len(samples) // 4, 1)
    if len(samples) < 2:
        return None
    ends = samples[: quarter + 1], samples[-quarter - 1 :]
    by_time = [_used(part[0].ticks, part[-1].ticks) for part in ends]
    if all(by_time) and by_time[0].keys() == by_time[1].keys():
        return _told("time in state", by_time)
    seen = [_highest(part[:-1] if at == 0 else part[1:]) for at, part in enumerate(ends)]
    if all(seen) and seen[0].keys() == seen[1].keys():
        return _told("sampled maximum", seen)
    return None


def left(told: result_types.Clocks | None) -> float | None:
    """Share of the first quarter's clocks that the last one had; None where that is not known."""
    if not told or not sum(told["first_khz"]):
        return None
    return round(sum(told["last_khz"]) / sum(told["first_khz"]), 4)


def _told(
    how: Literal["time in state", "sampled maximum"], parts: Sequence[Mapping[str, int]]
) -> result_types.Clocks:
    names = sorted(parts[0])
    first, last = ([part[name] for name in names] for part in parts)
    return {"how": how, "first_khz": first, "last_khz": last}


def _used(before: TimeInState, after: TimeInState) -> dict[str, int]:
    """The highest clock that a cluster was at for a share of the time that counts."""
    found: dict[str, int] = {}
    for name in before.keys() & after.keys():
        spent = {
            khz: after[name][khz] - ticks
            for khz, ticks in before[name].items()
            if khz in after[name]
        }
        total = sum(spent.values())
        used = [khz for khz, ticks in spent.items() if total and ticks >= _LEAST_SHARE * total]
        if not used:
            return {}  # too short for the kernel's ticks of 10 ms
        found[name] = max(used)
    return found


def _highest(samples: Sequence[Sample]) -> dict[str, int]:
    found: dict[str, int] = {}
    for sample in samples:
        for name, khz in sample.khz.items():
            found[name] = max(khz, found.get(name, 0))
    return found


def _text(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
