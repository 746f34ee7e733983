"""Length, CapsuleReshape, ClassScores."""

from __future__ import annotations

import re

import numpy as np
import pytest

from xncaps_tf import reference
from xncaps_tf._keras import keras, tf
from xncaps_tf.layers import CapsuleReshape, ClassScores, Length
from xncaps_tf.testing import check_layer

RNG = np.random.default_rng(11)


def test_length_keeps_the_contract():
    x = RNG.normal(size=(4, 3, 5))
    check_layer(lambda **k: Length(**k), x, (4, 3), trainable_weights=0)


def test_length_equals_numpy_loops():
    x = RNG.normal(size=(4, 3, 5)).astype(np.float32)
    expected = [[reference.length(v) for v in row] for row in x]

    np.testing.assert_allclose(Length()(x), expected, rtol=1e-6)


def test_length_of_zero_is_zero_with_zero_gradient():
    x = tf.zeros((2, 3, 4))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = Length()(x)

    np.testing.assert_array_equal(y, np.zeros((2, 3)))
    np.testing.assert_array_equal(tape.gradient(y, x), np.zeros((2, 3, 4)))


@pytest.mark.parametrize("shape", [(3, 24), (3, 5, 16), (2, 3, 2, 8)], ids=str)
def test_capsule_reshape_keeps_the_contract_and_equals_numpy_loops(shape):
    x = RNG.normal(size=shape).astype(np.float32)
    expected = reference.capsule_reshape(x, 8)

    layer = check_layer(lambda **k: CapsuleReshape(8, **k), x, expected.shape, trainable_weights=0)

    np.testing.assert_allclose(layer(x), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(None, 20), (None,), (None, None, 8)], ids=str)
def test_capsule_reshape_refuses_what_it_cannot_cut(shape):
    text = re.escape(f"capsule_dim=8 divides. Received: input_shape={shape}.")
    with pytest.raises(ValueError, match=text):
        CapsuleReshape(8)(keras.Input(shape[1:]))


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (8.0, TypeError)])
def test_capsule_reshape_refuses_a_dim_that_is_no_positive_int(value, error):
    with pytest.raises(error, match=f"CapsuleReshape: .*capsule_dim={value}"):
        CapsuleReshape(value)


def test_class_scores_keeps_the_contract():
    x = RNG.normal(size=(4, 3))
    names = ["a", "b", "c"]
    layer = check_layer(
        lambda **k: ClassScores(names, **k), x, (4, 3), trainable_weights=0, half_precision=False
    )

    assert layer.class_names == ("a", "b", "c")
    assert layer.name == "scores"
    np.testing.assert_array_equal(layer(x), np.float32(x))


def test_class_scores_are_float32_under_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        layer = ClassScores()
        assert layer(tf.zeros((2, 3), tf.float16)).dtype == tf.float32
    finally:
        keras.mixed_precision.set_global_policy("float32")


@pytest.mark.parametrize(
    ("names", "error", "text"),
    [
        ("abc", TypeError, "a sequence of strings or None. Received: class_names='abc'"),
        ([1, 2, 3], TypeError, "strings. Received: 1 in class_names"),
        (["a", "b", "a"], ValueError, "different names. Received: 'a' twice"),
        (["a", "b"], ValueError, "one name for each of the 3 scores. Received: 2"),
    ],
)
def test_class_scores_refuses_other_names(names, error, text):
    with pytest.raises(error, match=f"ClassScores: expected {text}"):
        ClassScores(names)(tf.zeros((2, 3)))
