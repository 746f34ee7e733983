from __future__ import annotations

import pytest

from xncaps_benchmark import plan, turns


@pytest.mark.parametrize(
    ("runs", "seconds", "run_us", "block"),
    [
        (1024, 60, 100.0, 16),
        (4096, 60, 100.0, 16),
        (64, 60, 100.0, 1),
        (200, 60, 100.0, 4),
        (1024, 60, 2e5, 4),
        (1024, 60, 5e6, 1),
        (1_000_000, 86_400, 10.0, 245),
    ],
    ids=["default", "more", "few", "some", "slow", "slower than a turn", "most"],
)
def test_a_block_is_16_runs_where_there_are_64_rounds(
    runs: int, seconds: float, run_us: float, block: int
) -> None:
    assert turns.block_runs(plan.Options(runs=runs, seconds=seconds), run_us) == block


def test_every_file_has_one_turn_a_round_and_all_its_runs() -> None:
    options = plan.Options(runs=1000, seed=1)
    planned = turns.schedule(options, [10.0, 10.0, 2e5])
    for number, round_ in enumerate(planned.rounds):
        indices = [turn.index for turn in round_]
        assert len(set(indices)) == len(indices), number
    totals = [sum(turn.runs for turn in planned if turn.index == at) for at in range(3)]
    assert totals == [1000, 1000, 600]  # twice what fits into its 60 s
    assert planned == turns.schedule(options, [10.0, 10.0, 2e5])
    assert planned != turns.schedule(plan.Options(runs=1000, seed=2), [10.0, 10.0, 2e5])


def test_the_longest_plan_is_bounded() -> None:
    planned = turns.schedule(plan.Options(runs=1_000_000, seconds=86_400), [1.0, 1.0])
    assert len(planned.rounds) <= turns.MOST_ROUNDS
    assert sum(turn.runs for turn in planned) == 2_000_000
