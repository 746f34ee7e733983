"""The turns of a measurement, planned here for every target: which file runs next, how often.

Rounds in which every file has one turn, in seeded random order; a turn is a block of runs after two
that are not timed (the other files had the caches before). Whoever carries them out returns raw
times and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xncaps_benchmark import plan

ORDER = "interleaved: each round gives every file one turn, in seeded random order"
FEWEST_ROUNDS = 64
MOST_ROUNDS = 4_096


@dataclass(frozen=True)
class Turn:
    """`runs` timed runs of the file at `index`."""

    index: int
    runs: int


@dataclass(frozen=True)
class Schedule:
    """All turns of a measurement, round by round."""

    rounds: tuple[tuple[Turn, ...], ...]

    def __iter__(self) -> Iterator[Turn]:
        return (turn for round_ in self.rounds for turn in round_)


def block_runs(options: plan.Options, run_us: float) -> int:
    """Timed runs of a turn of a file whose runs take so long.

    16, fewer where `runs` or `seconds` would else give fewer than 64 rounds, more only where there
    would be more than 4,096 rounds.
    """
    share = -(-options.runs // FEWEST_ROUNDS)
    fits = int(options.seconds / FEWEST_ROUNDS / max(run_us / 1e6, 1e-9))
    least = -(-options.runs // MOST_ROUNDS)
    return max(1, min(max(plan.BLOCK_RUNS, least), share, fits))


def schedule(options: plan.Options, run_us: Sequence[float]) -> Schedule:
    """The turns of files whose runs take so long, microseconds."""
    generator = np.random.default_rng(options.seed)
    blocks = [block_runs(options, each) for each in run_us]
    # Whoever carries them out stops at `seconds`; what lies far behind that is not planned.
    most = [math.ceil(2 * options.seconds * 1e6 / max(each, 1e-3)) for each in run_us]
    left = [min(options.runs, each) for each in most]
    rounds: list[tuple[Turn, ...]] = []
    while any(left) and len(rounds) < MOST_ROUNDS:
        turns: list[Turn] = []
        order: list[int] = generator.permutation(len(blocks)).tolist()
        for index in order:
            runs = min(blocks[index], left[index])
            left[index] -= runs
            if runs:
                turns.append(Turn(index, runs))
        rounds.append(tuple(turns))
    return Schedule(tuple(rounds))
