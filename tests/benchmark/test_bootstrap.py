"""What the bootstrap over blocks promises, held by simulation: series whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from xncaps_benchmark import bootstrap, stats

RUNS_A_TURN = 16


def autoregressive(share: float, runs: int, series: int, seed: int) -> np.ndarray:
    """[series, runs] of stationary AR(1) times around 100 us; the median of the process is 100."""
    noise = np.random.default_rng(seed).standard_normal((runs, series))
    noise[1:] *= math.sqrt(1 - share**2)
    for run in range(1, runs):
        noise[run] += share * noise[run - 1]
    return 100 + 5 * noise.T


def told(share: float, runs: int, count: int, seed: int = 0) -> list[dict[str, float]]:
    """Ratios of pairs of such series, whose truth is 1."""
    series = autoregressive(share, runs, 2 * count, seed).reshape(2 * count, -1, RUNS_A_TURN)
    latencies = [stats.summarise(list(turns)) for turns in series]
    return [stats.ratio(latencies[2 * at], latencies[2 * at + 1], at) for at in range(count)]


def held(ratios: list[dict[str, float]]) -> float:
    return sum(row["low"] <= 1 <= row["high"] for row in ratios) / len(ratios)


def test_the_interval_holds_the_truth_of_slow_spells(monkeypatch: pytest.MonkeyPatch) -> None:
    """AR(1) with 0.98 over 4,096 runs, where blocks of one turn are far too short."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 200)
    ratios = told(0.98, 4096, 60)
    assert held(ratios) >= 0.85
    monkeypatch.setattr(bootstrap, "block_length", lambda series: 1)
    assert held(told(0.98, 4096, 20)) < 0.7  # what the length of the blocks is for


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 0.98])
def test_the_interval_holds_the_truth_of_many_series(
    monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", 500)
    ratios = told(share, 4096, 200, seed=1)
    assert held(ratios) >= 0.85
    assert not share or np.mean([row["narrow"] for row in ratios]) < 0.6


def test_a_series_that_is_too_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", 100)
    short = told(0.995, 1024, 20)
    assert held(short) < 0.95  # it does not hold what it promises, and
    assert np.mean([row["narrow"] for row in short]) > 0.9
    for row in short:
        assert row["narrow"] == (row["blocks"] < bootstrap.FEWEST_BLOCKS)
    fine = told(0.0, 1024, 20)
    assert np.mean([row["narrow"] for row in fine]) < 0.1


def test_blocks_are_as_long_as_the_series_asks_for() -> None:
    lengths = []
    for share in (0.0, 0.5, 0.9):
        series = autoregressive(share, 1024, 9, 3) - 100
        lengths.append(np.median([bootstrap.block_length(row) for row in series]))
    # Of an AR(1): (2 share / (1 - share^2))^(2/3) (1.5 N)^(1/3), so 0, 13.9 and 51.6.
    assert lengths[0] <= 3 and 10 <= lengths[1] <= 19 and 38 <= lengths[2] <= 70


@pytest.mark.parametrize("series", [np.zeros(64), np.ones(3)], ids=["equal", "few"])
def test_a_series_without_memory_has_blocks_of_one(series: np.ndarray) -> None:
    assert bootstrap.block_length(series) == 1


def test_draws_are_blocks_around_the_end() -> None:
    drawn = bootstrap.draws(np.random.default_rng(0), 10, 4, 500)
    assert drawn.shape == (500, 10)
    steps = (drawn[:, 1:] - drawn[:, :-1]) % 10
    assert (steps[:, [0, 1, 2, 4, 5, 6, 8]] == 1).all()
    assert np.bincount(drawn.ravel()).min() > 400  # no turn is drawn less than others: 500 each


def test_a_long_result_is_joined_and_thinned() -> None:
    turns = [np.full(16, 100.0 + at % 2) for at in range(5000)]
    joined = bootstrap.Turns(turns)
    assert len(joined) <= 256 and sum(len(turn) for turn in joined.joined) == 80_000
    chosen = np.tile(np.arange(len(joined)), (3, 1))
    assert np.allclose(joined.medians(chosen), 100.5, atol=0.5)


@pytest.mark.parametrize(
    ("free", "truth", "within"), [(2, 4.303, 0.1), (3, 3.182, 0.01), (10, 2.228, 0.001)]
)
def test_student_t_is_near_its_table(free: float, truth: float, within: float) -> None:
    assert bootstrap.student_t(1.959964, free) == pytest.approx(truth, rel=within)


def test_few_blocks_stretch_the_interval() -> None:
    drawn = math.log(2) + np.linspace(-0.01, 0.01, 1001)
    slim = bootstrap.interval(drawn, 2.0, 4000, 0.95)
    assert slim == pytest.approx((2 * math.exp(-0.0095), 2 * math.exp(0.0095)), rel=1e-5)
    wide = bootstrap.interval(drawn, 2.0, 4, 0.95)
    stretch = 3.182 / 1.96 * math.sqrt(4 / 3)  # Student's t with three degrees of freedom
    assert math.log(wide[1] / 2) == pytest.approx(0.0095 * stretch, rel=0.01)
    assert math.log(wide[0] / 2) == pytest.approx(-0.0095 * stretch, rel=0.01)
