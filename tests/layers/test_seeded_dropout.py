"""Dropout as a function of (seed, step, example)."""

from __future__ import annotations

import numpy as np
import pytest

from xncaps_tf._keras import keras, tf
from xncaps_tf.layers import SeededDropout
from xncaps_tf.testing import check_layer

X = np.ones((6, 5, 4), np.float32)


def test_layer_keeps_the_contract():
    check_layer(lambda **k: SeededDropout(0.4, seed=3, **k), X, (6, 5, 4), trainable_weights=0)


def test_draws_depend_on_seed_and_step_alone():
    one, two, other = SeededDropout(0.5, 1), SeededDropout(0.5, 1), SeededDropout(0.5, 2)
    first = one(X, training=True)
    second = one(X, training=True)

    np.testing.assert_array_equal(first, two(X, training=True))
    np.testing.assert_array_equal(second, two(X, training=True))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other(X, training=True))


def test_training_from_a_step_draws_what_came_at_that_step():
    layer, later = SeededDropout(0.5, 1), SeededDropout(0.5, 1)
    draws = [layer(X, training=True).numpy() for _ in range(4)]
    later.build(X.shape)
    later.set_weights([np.int64(2)])

    np.testing.assert_array_equal(later(X, training=True), draws[2])
    np.testing.assert_array_equal(later(X, training=True), draws[3])
    assert int(layer.step) == 4


def test_draws_are_the_same_in_a_graph():
    eager, graph = SeededDropout(0.5, 1), SeededDropout(0.5, 1)
    graph.build(X.shape)
    call = tf.function(lambda x: graph(x, training=True))

    for _ in range(3):
        np.testing.assert_array_equal(call(X), eager(X, training=True))
    assert int(graph.step) == 3


def test_draws_inside_the_callers_xla_depend_on_seed_and_step_alone():
    """XLA's own Philox counts otherwise than TensorFlow's, so its draws are others, but fixed."""
    layers = SeededDropout(0.5, 1), SeededDropout(0.5, 1)
    draws = []
    for layer in layers:
        layer.build(X.shape)
        call = tf.function(lambda x, layer=layer: layer(x, training=True), jit_compile=True)
        draws.append([call(X).numpy(), call(X).numpy()])

    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0][0], draws[0][1])


def test_an_example_draws_the_same_in_a_smaller_batch():
    whole, part = SeededDropout(0.5, 1), SeededDropout(0.5, 1)

    np.testing.assert_array_equal(whole(X, training=True)[:4], part(X[:4], training=True))


def test_share_and_scale_of_what_is_kept():
    kept = SeededDropout(0.3, 5)(np.ones((100, 1000), np.float32), training=True).numpy()

    assert set(np.unique(kept)) == {np.float32(0), np.float32(1) / np.float32(0.7)}
    # Binomial of 100,000 draws: a standard deviation of 0.0015; five of them.
    assert abs((kept > 0).mean() - 0.7) < 0.0075


@pytest.mark.parametrize("training", [None, False, 0])
def test_inference_is_the_identity_and_counts_nothing(training):
    layer = SeededDropout(0.5, 1)

    np.testing.assert_array_equal(layer(X, training=training), X)
    assert int(layer.step) == 0


def test_training_may_be_a_tensor():
    layer, twin = SeededDropout(0.5, 1), SeededDropout(0.5, 1)
    layer.build(X.shape)
    call = tf.function(lambda x, training: layer(x, training=training))

    np.testing.assert_array_equal(call(X, tf.constant(False)), X)
    np.testing.assert_array_equal(call(X, tf.constant(True)), twin(X, training=True))
    assert int(layer.step) == 1


def test_step_is_saved(tmp_path):
    model = keras.Sequential([keras.Input((5, 4)), SeededDropout(0.5, 1)])
    model(X, training=True)
    expected = None
    for name in ("m.keras", "m.h5", "m"):
        model.save(tmp_path / name)
        loaded = keras.models.load_model(tmp_path / name)
        draws = loaded.layers[-1](X, training=True).numpy()
        expected = draws if expected is None else expected

        np.testing.assert_array_equal(draws, expected)
        assert int(loaded.layers[-1].step) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"rate": 1.0}, ValueError, "rate=1.0"),
        ({"rate": -0.1}, ValueError, "rate=-0.1"),
        ({"rate": "half"}, TypeError, "rate='half'"),
        ({"rate": 0.5, "seed": 1.5}, TypeError, "seed=1.5"),
    ],
)
def test_wrong_argument_is_named(arguments, error, text):
    with pytest.raises(error, match=f"SeededDropout: expected .* Received: {text}"):
        SeededDropout(**arguments)
