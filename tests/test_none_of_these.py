"""The bench of rules for 'none of these' counts what it says."""

from __future__ import annotations

import pathlib
import re
from types import ModuleType

import numpy as np
import pytest

import bench_modules
import xncaps_zoo
from xncaps.zoo_making import calibrating
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


def test_the_shipped_rule_is_that_of_the_card(bench: ModuleType) -> None:
    """Its threshold is rounded down to what a file stores; that matters for shares near 1."""
    generator = np.random.default_rng(6)
    labels = np.arange(2000) % 4
    wrong = np.where(generator.uniform(size=2000) < 0.02, (labels + 1) % 4, labels)
    known = np.eye(4, dtype=np.float32)[wrong] + generator.uniform(0, 0.2, (2000, 4))
    foreign = generator.uniform(0, 1, (1000, 4))
    judged = Judged("lengths", known, labels, known[::-1], labels[::-1], foreign, "x")
    scale = calibrating.fit(known, labels, "lengths")
    kept = calibrating.kept_of_right(scale, judged.test, judged.test_labels)
    assert 0.95 < kept < 1, "nothing was rounded"
    start = f"| a | {bench.SHIPPED} | {kept:.1%} | {calibrating.accepted(scale, foreign):.1%} | "
    assert sum(row.startswith(start) for row in bench.lines("a", judged)) == 1


def test_the_table_in_the_documentation_ships_what_the_cards_say(
    bench: ModuleType, root: pathlib.Path
) -> None:
    text = (root / "docs" / "zoo.md").read_text(encoding="utf-8")
    row = re.compile(rf"\| (\S+), (.+?) \| {re.escape(bench.SHIPPED)} \| ([\d.]+)% \| ([\d.]+)% \|")
    told = {name: (foreign, float(k), float(a)) for name, foreign, k, a in row.findall(text)}
    assert sorted(told) == list(xncaps_zoo.names())
    for name, (foreign, kept, accepted) in told.items():
        scores = xncaps_zoo.card(name)["scores"]
        assert scores["foreign"] == foreign
        assert kept == pytest.approx(100 * scores["right_kept"], abs=0.051), name
        assert accepted == pytest.approx(100 * scores["foreign_accepted"], abs=0.051), name
