"""--cpus: which cores a measurement may use, out of what a machine or a phone says of them."""

from __future__ import annotations

from collections.abc import Mapping

from xncaps_benchmark.errors import BenchmarkError

NAMES = ("big", "little")
_MOST = 4_096


def listed(text: str) -> list[int]:
    """'0,2-3' -> [0, 2, 3].

    Raises:
        BenchmarkError: not such a list.
    """
    try:
        return sorted({cpu for part in text.split(",") for cpu in _span(part)})
    except ValueError:
        raise BenchmarkError(
            f"--cpus: expected 'big', 'little' or a list such as 0,2-3. Received: {text}."
        ) from None


def cluster(kind: str, strengths: Mapping[int, int], whose: str) -> list[int]:
    """The little cores are those of the weakest cluster, the big ones all others.

    A phone of 4 + 3 + 1 cores has 3 + 1 big ones: two threads on 'big' are two threads.

    Args:
        kind: 'big' or 'little'.
        strengths: capacity, or top clock, of each core.
        whose: what the error calls it.

    Raises:
        BenchmarkError: the cores do not differ, or do not say so.
    """
    weakest = min(strengths.values(), default=0)
    little = sorted(cpu for cpu, strength in strengths.items() if strength == weakest)
    big = sorted(set(strengths) - set(little))
    if not big:
        raise BenchmarkError(
            f"--cpus {kind}: the cores of {whose} do not differ, or do not say so."
        )
    return big if kind == "big" else little


def check_threads(threads: int, cpus: list[int]) -> list[int]:
    """The cores, where there is one for each thread.

    Raises:
        BenchmarkError: threads would share a core, and wait for each other.
    """
    if cpus and threads > len(cpus):
        raise BenchmarkError(
            f"--threads: expected at most as many as --cpus picks, {len(cpus)} ({cpus}). "
            f"Received: {threads}."
        )
    return cpus


def _span(part: str) -> range:
    """'2-4' or '3' -> CPU numbers; ValueError where it is neither."""
    first, dash, last = part.partition("-")
    low, high = int(first), int(last if dash else first)
    if not 0 <= low <= high < _MOST:
        raise ValueError(part)
    return range(low, high + 1)
