"""The bench of rules for 'none of these' counts what it says."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

import bench_modules
from xncaps.zoo_making.judging import Judged
from xncaps_files.scores import ScoreScale


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return bench_modules.load("none_of_these")


def test_the_area_is_the_share_of_pairs_in_order(bench: ModuleType) -> None:
    generator = np.random.default_rng(4)
    inside, outside = generator.integers(3, 9, 40) / 1.0, generator.integers(0, 6, 30) / 1.0
    pairs = inside[:, None] - outside  # [40, 30]
    assert bench.area(inside, outside) == pytest.approx((np.sign(pairs) + 1).mean() / 2)
    assert bench.area(outside + 10, inside) == 1


def test_foreign_pictures_without_a_high_score_are_refused(bench: ModuleType) -> None:
    generator = np.random.default_rng(5)
    labels = np.arange(200) % 4
    sure = np.eye(4, dtype=np.float32)[labels] + generator.uniform(0, 0.1, (200, 4))
    unsure = generator.uniform(0, 0.1, (100, 4)) + 0.2
    rows = bench.lines("a", Judged("lengths", sure, labels, sure[::-1], labels[::-1], unsure, "x"))
    assert "| a | highest output | 95.0% | 0.0% | 1.000 |" in rows
    # with all answers right the fitted temperature is so low that every share is 1
    assert f"| a | {bench.SHIPPED} | 100.0% | 0.0% | 1.000 |" in rows
    assert len(rows) == len(bench.rules(ScoreScale("lengths", 1.0))) + 1
