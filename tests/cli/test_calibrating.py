"""The fitted scale: calibrated where the scores can be, and it keeps what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from xncaps.zoo_making import calibrating
from xncaps_files.errors import XncapsError


def _scores(n: int = 4000, classes: int = 5, scale: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax at temperature `scale` is the probability of the label."""
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 2, (n, classes))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(classes, p=row) for row in shares])
    return scale * logits, labels


def test_the_temperature_is_that_of_the_data() -> None:
    outputs, labels = _scores()
    scale = calibrating.fit(outputs, labels, "logits")
    # 4,000 samples: the estimate's standard error is about 2 % here.
    assert scale.temperature == pytest.approx(3.0, rel=0.08)


@pytest.mark.parametrize("kept", [0.8, 0.95, 1.0])
def test_the_threshold_keeps_its_share(kept: float) -> None:
    outputs, labels = _scores()
    scale = calibrating.fit(outputs, labels, "logits", kept=kept)
    found = calibrating.kept_of_right(scale, outputs, labels)
    assert kept <= found <= kept + 0.005


def test_foreign_scores_are_accepted_less_than_right_ones() -> None:
    rng = np.random.default_rng(1)
    lengths = rng.uniform(0, 0.2, (500, 10))
    labels = rng.integers(0, 10, 500)
    lengths[np.arange(500), labels] = rng.uniform(0.6, 1.7, 500)
    scale = calibrating.fit(lengths, labels, "lengths")
    foreign = rng.uniform(0, 0.4, (500, 10))
    assert calibrating.accepted(scale, foreign) < 0.2
    assert calibrating.kept_of_right(scale, lengths, labels) >= 0.95
    assert scale.threshold is not None and 0 < scale.threshold <= 1


def test_nothing_right_is_nothing_to_fit() -> None:
    with pytest.raises(XncapsError, match="expected right answers"):
        calibrating.fit(np.eye(3), np.array([1, 2, 0]), "logits")
