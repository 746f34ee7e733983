"""Shares of 0 to 1 for every head, and 'none of these': docs/metadata.md, in Python and in Java."""

from __future__ import annotations

import importlib.util
import json
import math
import pathlib
from typing import Any

import numpy as np
import pytest

from xncaps_files.errors import DataError
from xncaps_files.scores import KINDS, ScoreScale, right_answers

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "formats"
TOLD = json.loads((GOLDEN / "scores.json").read_text())


def test_the_golden_file_is_what_its_script_makes() -> None:
    spec = importlib.util.spec_from_file_location("make_scores", GOLDEN / "make_scores.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert json.loads(module.text()) == TOLD


@pytest.mark.parametrize("case", TOLD["cases"], ids=lambda case: case["name"])
def test_shares_are_those_of_the_formula(case: dict[str, Any]) -> None:
    scale = ScoreScale.from_json(case)
    found = scale.shares(case["outputs"])
    np.testing.assert_allclose(found, case["shares"], rtol=0, atol=TOLD["tolerance"])
    assert int(found.argmax()) == case["best"]
    assert bool(scale.is_none(found)) == case["none_of_these"]


@pytest.mark.parametrize("kind", [*KINDS, None], ids=str)
@pytest.mark.parametrize("temperature", [None, 0.01, 1.0, 30.0], ids=str)
def test_shares_add_up_and_keep_the_order(kind: str | None, temperature: float | None) -> None:
    rng = np.random.default_rng(5)
    outputs = rng.random((20, 81)) * (8 if kind != "probabilities" else 1)
    found = ScoreScale(kind, temperature).shares(outputs)
    assert found.min() >= 0 and found.max() <= 1
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-12)
    np.testing.assert_array_equal(found.argmax(-1), outputs.argmax(-1))


def test_it_survives_json() -> None:
    scale = ScoreScale("lengths", 0.25, 0.5)
    assert ScoreScale.from_json(json.loads(json.dumps(scale.to_json()))) == scale
    assert ScoreScale.from_json({}) == ScoreScale()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"scores": "votes"}, "expected a kind among lengths, logits, probabilities"),
        ({"scores": 3}, "Received: kind=3"),
        ({"temperature": 0}, "expected temperature to be a number above 0. Received: temper.*=0"),
        ({"temperature": math.nan}, "temperature=nan"),
        ({"temperature": "1"}, "temperature='1'"),
        ({"temperature": True}, "temperature=True"),
        ({"threshold": 1.5}, "expected threshold to be a number from 0 to 1. .*threshold=1.5"),
        ({"threshold": -0.1}, "threshold=-0.1"),
    ],
    ids=str,
)
def test_damaged_scales_are_refused(told: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        ScoreScale.from_json(told)


@pytest.mark.parametrize("outputs", [[1.0, math.nan], [math.inf], [], 1.0], ids=str)
def test_outputs_that_are_no_scores_are_refused(outputs: Any) -> None:
    with pytest.raises(DataError, match="expected finite outputs"):
        ScoreScale().shares(outputs)


def test_right_answers_of_one_label_and_of_two() -> None:
    scores = np.array([[0.1, 0.7, 0.2], [0.4, 0.4, 0.2], [0.5, 0.1, 0.4]])
    assert right_answers(scores, np.array([1, 1, 0])).tolist() == [True, False, True]  # a tie
    two = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    assert right_answers(scores, two).tolist() == [[True, True], [True, False], [True, False]]
