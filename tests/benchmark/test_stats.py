from __future__ import annotations

import numpy as np
import pytest

from xncaps_benchmark import stats


def _turns(median: float, turns: int = 64, runs: int = 16, seed: int = 0) -> list[list[float]]:
    generator = np.random.default_rng(seed)
    return [(median + generator.exponential(1.0, runs)).tolist() for _ in range(turns)]


def test_summarise_gives_numpys_numbers() -> None:
    turns = [[4.0, 1.0], [3.0], [], [2.0, 10.0]]
    told = stats.summarise(turns)
    assert (told["n"], told["min_us"], told["median_us"], told["mean_us"]) == (5, 1, 3, 4)
    assert told["std_us"] == pytest.approx(np.std([4, 1, 3, 2, 10], ddof=1), abs=1e-3)
    assert told["p90_us"] == pytest.approx(np.percentile([4, 1, 3, 2, 10], 90), abs=1e-3)
    assert told["samples_us"] == [4, 1, 3, 2, 10] and told["turns"] == [2, 1, 0, 2]
    assert [turn.tolist() for turn in stats.turns_of(told)] == turns


def test_ratio_holds_the_true_ratio_in_its_interval() -> None:
    slow, fast = stats.summarise(_turns(200.0)), stats.summarise(_turns(100.0, seed=1))
    told = stats.ratio(slow, fast)
    assert told["low"] < told["ratio"] < told["high"]
    assert told["ratio"] == pytest.approx(200.7 / 100.7, rel=0.01)
    assert told["high"] - told["low"] < 0.02


def test_ratio_of_equal_models_says_so() -> None:
    told = stats.ratio(stats.summarise(_turns(50.0)), stats.summarise(_turns(50.0, seed=2)))
    assert told["low"] <= 1 <= told["high"]


def test_ratio_pairs_the_rounds() -> None:
    """A slow spell that hits both models in the same rounds widens the interval of neither."""
    generator = np.random.default_rng(0)
    spells = generator.uniform(1, 3, 64)
    slow = stats.summarise([[200.0 * spell] * 16 for spell in spells])
    fast = stats.summarise([[100.0 * spell] * 16 for spell in spells])
    told = stats.ratio(slow, fast)
    assert told["low"] == pytest.approx(2) and told["high"] == pytest.approx(2)


def test_ratio_widens_with_turns_that_differ() -> None:
    """Runs of a turn are no independent draws: 64 turns are 64 draws, not 1,024."""
    generator = np.random.default_rng(0)
    wide = stats.summarise([[100.0 * spell] * 16 for spell in generator.uniform(1, 3, 64)])
    flat = stats.summarise([[100.0] * 16] * 63)  # one round less: not paired
    told = stats.ratio(wide, flat)
    assert told["high"] - told["low"] > 0.1


def test_drift_sees_a_machine_that_slows_down() -> None:
    slowing = [[100.0 + turn] * 4 for turn in range(64)]
    told = stats.drift(stats.summarise(slowing))
    assert told["slowed"] and told["ratio"] > 1.3
    steady = stats.drift(stats.summarise(_turns(100.0)))
    assert not steady["slowed"] and steady["ratio"] == pytest.approx(1, abs=0.02)


def test_drift_of_few_turns_is_not_told() -> None:
    assert stats.drift(stats.summarise([[1.0], [2.0]]))["ratio"] is None
