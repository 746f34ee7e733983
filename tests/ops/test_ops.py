"""squash, length, sign: exact values, zeros, windows, properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xncaps_tf import ops, reference
from xncaps_tf._keras import tf

VECTORS = st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=9)


@settings(deadline=None, max_examples=60)
@given(VECTORS, st.floats(1e-20, 1.0))
def test_squash_and_length_equal_numpy_loops(values, scale):
    x = np.float32(np.float32(values) * np.float32(scale))

    np.testing.assert_allclose(ops.squash(x), reference.squash(x), rtol=0, atol=1e-6)
    np.testing.assert_allclose(ops.length(x), reference.length(x), rtol=1e-6, atol=1e-6)
    assert float(ops.length(ops.squash(x))) <= 1


def test_safety_at_zero_moves_no_value_by_more_than_1e_6():
    """Lengths from 1e-12 to 1e3, in float64 so that only the formula differs."""
    sizes = np.logspace(-12, 3, 2000)
    x = sizes[:, np.newaxis] * np.array([[0.6, -0.8]])

    exact = (sizes**2 / (1 + sizes**2))[:, np.newaxis] * np.array([[0.6, -0.8]])
    assert np.abs(ops.squash(x) - exact).max() < 1e-6
    assert np.abs(ops.length(x) - sizes).max() < 1e-6


@pytest.mark.parametrize("function", [ops.squash, ops.length])
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64, tf.float16])
def test_zero_gives_zero_with_zero_gradient(function, dtype):
    x = tf.zeros((3, 4), dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)

    assert y.dtype == dtype
    assert not np.any(y)
    assert not np.any(tape.gradient(y, x))


@pytest.mark.parametrize("function", [ops.squash, ops.length])
@pytest.mark.parametrize("size", [1e-30, 1e-20, 1e-10, 1e-5, 1.0, 1e5])
def test_gradient_is_finite_for_every_size(function, size):
    x = tf.constant([[size, -size, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)

    assert np.all(np.isfinite(tape.gradient(y, x)))


def test_squash_along_another_axis():
    x = np.random.default_rng(2).normal(size=(3, 4, 5)).astype(np.float32)

    moved = np.moveaxis(ops.squash(np.moveaxis(x, 1, -1)).numpy(), -1, 1)
    np.testing.assert_allclose(ops.squash(x, axis=1), moved, rtol=0, atol=1e-7)
    assert ops.length(x, axis=0, keepdims=True).shape == (1, 4, 5)


def test_half_precision_is_summed_in_float32():
    x = tf.fill((1, 4096), tf.constant(0.01, tf.float16))  # squares that float16 would lose

    expected = 64 * np.float32(np.float16(0.01))
    assert float(ops.length(x)[0]) == pytest.approx(expected, rel=1e-3)


def test_sign_is_minus_one_at_zero():
    x = np.float32([-2, -0.5, -1e-30, -0.0, 0.0, 1e-30, 0.5, 2])

    np.testing.assert_array_equal(ops.sign(x), [-1, -1, -1, -1, -1, 1, 1, 1])
    np.testing.assert_array_equal(ops.sign(ops.sign(x)), ops.sign(x))
    np.testing.assert_array_equal(ops.Signs()(tf.constant(x)), ops.sign(x))


@pytest.mark.parametrize("clip", [1.0, 0.3, None])
def test_gradient_of_sign_passes_inside_the_window(clip):
    x = tf.constant([-2.0, -1.0, -0.31, -0.3, 0.0, 0.3, 0.31, 1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.sign(x, clip_value=clip)

    inside = np.ones(9) if clip is None else np.abs(x) <= np.float32(clip)
    np.testing.assert_array_equal(tape.gradient(y, x), inside)
    np.testing.assert_array_equal(ops.Signs(clip).window(x, tf.ones_like(x)), inside)


def test_mean_magnitude_is_a_constant_to_the_gradient():
    x = tf.constant([[1.0, -3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.mean_magnitude(x, axis=1) * x

    np.testing.assert_array_equal(y, [[2, -6]])
    np.testing.assert_array_equal(tape.gradient(y, x), [[2, 2]])


def test_words_of_scales_are_the_same_without_tensorflow():
    from xncaps_tf.models import choices

    assert tuple(ops.KERNEL_AXES) == choices.SCALES
