"""The margin loss and the squared hinge."""

from __future__ import annotations

import numpy as np
import pytest

from xncaps_tf import losses, reference
from xncaps_tf._keras import keras, tf

RNG = np.random.default_rng(21)
SCORES = RNG.uniform(0, 1.3, size=(7, 5)).astype(np.float32)
TARGETS = np.eye(5, dtype=np.float32)[RNG.integers(0, 5, 7)]
TWO_HOT = np.float32([[1, 1, 0, 0, 0]] * 7)
PAIRS = [
    (losses.margin_loss, losses.MarginLoss, reference.margin_loss),
    (losses.squared_hinge, losses.SquaredHinge, reference.squared_hinge),
]


@pytest.mark.parametrize("targets", [TARGETS, TWO_HOT], ids=["one-hot", "two-hot"])
@pytest.mark.parametrize(("function", "loss", "loops"), PAIRS, ids=["margin", "hinge"])
def test_loss_equals_numpy_loops(function, loss, loops, targets):
    expected = loops(targets, SCORES)

    np.testing.assert_allclose(function(targets, SCORES), expected, rtol=1e-5, atol=1e-6)
    assert float(loss()(targets, SCORES)) == pytest.approx(np.mean(expected), rel=1e-5)
    none = loss(reduction="none")(targets.astype(np.int64), SCORES)
    np.testing.assert_allclose(none, expected, rtol=1e-5, atol=1e-6)


def test_margin_loss_by_hand():
    # present 0.5: (0.9 - 0.5)^2 = 0.16; absent 0.3: 0.5 * (0.3 - 0.1)^2 = 0.02; absent 0.05: 0
    value = losses.margin_loss([[1, 0, 0]], tf.constant([[0.5, 0.3, 0.05]]))

    assert float(value[0]) == pytest.approx(0.18, abs=1e-6)
    other = losses.MarginLoss(1.0, 0.0, 1.0)([[1, 0, 0]], tf.constant([[0.5, 0.3, 0.05]]))
    assert float(other) == pytest.approx(0.25 + 0.09 + 0.0025, abs=1e-6)


def test_squared_hinge_equals_that_of_keras():
    ours = losses.squared_hinge(TARGETS, SCORES)

    np.testing.assert_allclose(ours, keras.losses.squared_hinge(TARGETS, SCORES), rtol=1e-6)


def test_squared_hinge_has_no_gradient_for_a_dead_score_and_margin_has_one():
    """Why training from scratch can fail with it: a score that ReLU holds at zero stays there."""
    x = tf.constant([[-0.1, 0.5]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        scores = tf.nn.relu(x)
        hinge = losses.squared_hinge([[0, 1]], scores)
    assert float(tape.gradient(hinge, x)[0, 0]) == 0
    assert float(tape.gradient(hinge, scores)[0, 0]) > 0


@pytest.mark.parametrize(
    "loss", [losses.MarginLoss(0.8, 0.2, 0.3), losses.SquaredHinge()], ids=["margin", "hinge"]
)
def test_loss_is_registered_and_survives_serialisation(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))

    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()


def test_half_precision_targets_and_scores():
    value = losses.margin_loss(TARGETS, tf.cast(SCORES, tf.float16))

    assert value.dtype == tf.float16
    np.testing.assert_allclose(value, reference.margin_loss(TARGETS, SCORES), rtol=0, atol=5e-3)
