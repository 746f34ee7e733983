"""Accuracy of scores, and MultiMNIST's of two labels."""

from __future__ import annotations

import numpy as np
import pytest

from xncaps_tf import metrics, reference
from xncaps_tf._keras import keras, tf

RNG = np.random.default_rng(31)
SCORES = np.round(RNG.uniform(size=(40, 6)), 1).astype(np.float32)  # rounded: many ties
LABELS = RNG.integers(0, 6, 40)
TWO_HOT = np.float32([np.isin(range(6), RNG.choice(6, 2, replace=False)) for _ in range(40)])


@pytest.mark.parametrize(
    "targets",
    [LABELS, LABELS[:, np.newaxis], np.eye(6)[LABELS], np.float32(LABELS)],
    ids=["indices", "column", "one-hot", "float indices"],
)
def test_score_accuracy_equals_numpy_loops(targets):
    expected = reference.score_accuracy(LABELS, SCORES)
    metric = metrics.ScoreAccuracy()
    metric.update_state(targets[:25], SCORES[:25])
    metric.update_state(targets[25:], SCORES[25:])

    np.testing.assert_array_equal(metrics.score_accuracy(targets, SCORES), expected)
    assert float(metric.result()) == pytest.approx(np.mean(expected))


def test_two_label_accuracy_equals_numpy_loops():
    expected = reference.two_label_accuracy(TWO_HOT, SCORES)
    metric = metrics.TwoLabelAccuracy()
    metric.update_state(TWO_HOT[:25], SCORES[:25])
    metric.update_state(TWO_HOT[25:], SCORES[25:])

    np.testing.assert_array_equal(metrics.two_label_accuracy(TWO_HOT, SCORES), expected)
    assert float(metric.result()) == pytest.approx(np.mean(expected))
    assert set(expected) == {0.0, 0.5, 1.0}


def test_metrics_by_hand():
    scores = tf.constant([[0.1, 0.9, 0.5], [0.7, 0.2, 0.6]])

    np.testing.assert_array_equal(metrics.score_accuracy([1, 2], scores), [1, 0])
    np.testing.assert_array_equal(
        metrics.two_label_accuracy([[1, 1, 0], [1, 0, 1]], scores), [0.5, 1]
    )


@pytest.mark.parametrize("make", [metrics.ScoreAccuracy, metrics.TwoLabelAccuracy])
def test_metric_weighs_resets_and_survives_serialisation(make):
    metric = make()
    metric.update_state(TWO_HOT[:2], TWO_HOT[:2], sample_weight=[1.0, 0.0])
    assert float(metric.result()) == 1.0
    metric.reset_state()
    assert float(metric.result()) == 0.0
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))

    assert type(again) is make
    assert again.name == metric.name


def test_metrics_work_in_fit():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Lambda(tf.identity)])
    model.compile("sgd", "mse", metrics=[metrics.ScoreAccuracy(), metrics.TwoLabelAccuracy()])

    results = model.evaluate(SCORES, TWO_HOT, verbose=0, batch_size=7, return_dict=True)

    expected = np.mean(reference.two_label_accuracy(TWO_HOT, SCORES))
    assert results["two_label_accuracy"] == pytest.approx(expected)
