"""CapsFC, XnODR and XnIDR: the contract, the maths, the edges, the errors."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest

from xncaps_tf import ops, reference
from xncaps_tf._keras import keras, tf
from xncaps_tf.layers import CapsFC, CapsSign, CapsuleReshape, Length, XnIDR, XnODR
from xncaps_tf.testing import check_layer

LAYERS = {"CapsFC": CapsFC, "XnODR": XnODR, "XnIDR": XnIDR}
REFERENCES = {"CapsFC": reference.caps_fc, "XnODR": reference.xnodr, "XnIDR": reference.xnidr}
QUANTIZERS = {
    "XnODR": ("input_quantizer", "kernel_quantizer"),
    "XnIDR": ("prediction_quantizer", "pose_quantizer"),
}
# (B, N, D, J, E, R): odd sizes, and 1 on each axis.
SHAPES = [
    (3, 7, 5, 4, 6, 3),
    (1, 9, 8, 3, 4, 2),
    (2, 1, 4, 3, 5, 3),
    (2, 5, 1, 3, 4, 3),
    (2, 5, 4, 1, 3, 3),
    (2, 5, 4, 3, 1, 3),
    (2, 6, 4, 3, 5, 1),
    (1, 1, 1, 1, 1, 1),
]
# u_hat sums D products and s sums N terms: 2 ** -24 * (D + N * R) * |s| stays below 2e-6 here.
TOLERANCE = 2e-6


def _draw(b, n, d, j, e, relu=True):
    """Inputs and a weight; half of the inputs are exact zeros where `relu`."""
    rng = np.random.default_rng(b + 10 * n + 100 * d + 1000 * j + 10000 * e)
    u = rng.normal(size=(b, n, d)).astype(np.float32)
    kernel = rng.normal(scale=0.5, size=(n, j, d, e)).astype(np.float32)
    return np.maximum(u, 0) if relu else u, kernel


def _built(make, kernel, **arguments):
    n, j, d, e = kernel.shape
    layer = make(j, e, **arguments)
    layer.build((None, n, d))
    layer.set_weights([kernel])
    return layer


def _gradients(layer, u, training=False):
    """Output, and gradients of a weighted sum of it, by u and by the kernel."""
    u = tf.constant(u)

    def step(u):
        with tf.GradientTape() as tape:
            tape.watch(u)
            v = layer(u, training=training)
            weights = tf.reshape(tf.sin(tf.range(tf.size(v), dtype=tf.float32)), tf.shape(v))
            loss = tf.reduce_sum(v * weights)
        return v, *tape.gradient(loss, [u, layer.kernel])

    return [x.numpy() for x in (tf.function(step)(u) if training else step(u))]


@pytest.mark.parametrize("name", LAYERS)
def test_layer_keeps_the_contract(name):
    u, _ = _draw(4, 6, 8, 3, 5)

    def make(**kwargs):
        return LAYERS[name](3, 5, kernel_initializer=keras.initializers.GlorotUniform(1), **kwargs)

    check_layer(make, u, (4, 3, 5), trainable_weights=1)


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_layer_equals_numpy_loops(name, shape, training):
    b, n, d, j, e, r = shape
    u, kernel = _draw(b, n, d, j, e)
    layer = _built(LAYERS[name], kernel, routing_iterations=r)

    v, _, _ = _gradients(layer, u, training)

    np.testing.assert_allclose(v, REFERENCES[name](u, kernel, r), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("given", list(itertools.product([True, False], repeat=2)), ids=str)
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("name", QUANTIZERS)
def test_each_quantizer_may_be_none(name, training, given):
    u, kernel = _draw(3, 7, 5, 4, 6, relu=False)
    arguments = {
        key: "caps_sign" if use else None for key, use in zip(QUANTIZERS[name], given, strict=True)
    }
    layer = _built(LAYERS[name], kernel, **arguments)

    v, _, _ = _gradients(layer, u, training)

    np.testing.assert_allclose(
        v, REFERENCES[name](u, kernel, 3, *given), rtol=0, atol=TOLERANCE, err_msg=str(arguments)
    )


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("name", QUANTIZERS)
def test_without_quantizers_layer_equals_caps_fc_bit_for_bit(name, training):
    u, kernel = _draw(5, 16, 8, 10, 16)
    layer = _built(LAYERS[name], kernel, **dict.fromkeys(QUANTIZERS[name]))

    results = _gradients(layer, u, training)

    for ours, floats in zip(results, _gradients(_built(CapsFC, kernel), u, training), strict=True):
        np.testing.assert_array_equal(ours, floats)


def test_xnodr_equals_caps_fc_on_scaled_signs():
    u, kernel = _draw(3, 7, 8, 4, 6)
    signs_u = np.where(u > 0, 1, -1) * np.abs(u).mean(2, keepdims=True)
    signs_kernel = np.where(kernel > 0, 1, -1) * np.abs(kernel).mean(2, keepdims=True)

    v = _built(XnODR, kernel)(u)

    floats = _built(CapsFC, signs_kernel.astype(np.float32))(signs_u.astype(np.float32))
    np.testing.assert_allclose(v, floats, rtol=0, atol=1e-6)


def test_gradient_is_the_slope_of_the_reference():
    """By central differences; a quantizer's straight-through gradient is no slope of anything, it
    is held against the published layers' (test_golden.py)."""
    u, kernel = _draw(1, 3, 2, 2, 3, relu=False)
    weights = np.sin(np.arange(6)).reshape(1, 2, 3)
    _, grad_u, grad_kernel = _gradients(_built(CapsFC, kernel), u, training=True)
    step = 1e-5
    for array, gradient in ((u, grad_u), (kernel, grad_kernel)):
        for index in np.ndindex(*array.shape):
            moved = [x.astype(np.float64) for x in (u, kernel)]
            mine = moved[0] if array is u else moved[1]
            mine[index] += step
            up = (reference.caps_fc(*moved) * weights).sum()
            mine[index] -= 2 * step
            slope = (up - (reference.caps_fc(*moved) * weights).sum()) / (2 * step)
            assert gradient[index] == pytest.approx(slope, abs=2e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_batch_permutation_permutes_and_poses_are_short(name):
    u, kernel = _draw(6, 7, 5, 4, 6)
    layer = _built(LAYERS[name], kernel)
    order = np.random.default_rng(0).permutation(6)

    v = layer(u).numpy()

    np.testing.assert_allclose(layer(u[order]), v[order], rtol=0, atol=1e-6)
    assert np.all(np.linalg.norm(v, axis=-1) < 1)


@pytest.mark.parametrize("name", LAYERS)
def test_one_turn_weighs_every_prediction_equally(name):
    u, kernel = _draw(3, 7, 5, 4, 6)
    layer = _built(LAYERS[name], kernel, routing_iterations=1)
    quantizers = (
        {k: getattr(layer, k) for k in ("input_quantizer", "kernel_quantizer")}
        if (name == "XnODR")
        else {}
    )
    u_hat = ops.project(tf.constant(u), tf.constant(kernel), **quantizers)

    np.testing.assert_allclose(
        layer(u), ops.squash(tf.reduce_mean(u_hat, 0) * 7 / 4), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("name", LAYERS)
def test_no_state_outlives_a_call(name, training):
    u, kernel = _draw(3, 7, 5, 4, 6)
    layer = _built(LAYERS[name], kernel)
    first = _gradients(layer, u, training)
    layer(u[::-1] * 3, training=training)

    again = _gradients(layer, u, training)

    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert len(layer.weights) == 1


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("name", LAYERS)
def test_zero_input_gives_zero_and_finite_gradients(name, training):
    _, kernel = _draw(2, 7, 5, 4, 6)
    # Where every input is zero, so is every mean magnitude: s is the zero vector.
    u = np.zeros((2, 7, 5), np.float32)

    v, grad_u, grad_kernel = _gradients(_built(LAYERS[name], kernel), u, training)

    np.testing.assert_array_equal(v, np.zeros((2, 4, 6)))
    assert np.all(np.isfinite(grad_u)) and np.all(np.isfinite(grad_kernel))


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("name", LAYERS)
def test_zero_features_pass_through_the_whole_head(name, training):
    entry = keras.Input((32,))
    x = keras.layers.BatchNormalization()(CapsuleReshape(8)(entry))
    x = LAYERS[name](3, 4)(keras.layers.ReLU()(x))
    model = keras.Model(entry, Length()(keras.layers.ReLU()(keras.layers.BatchNormalization()(x))))
    x = tf.zeros((4, 32))

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            scores = model(x, training=training)
            loss = tf.reduce_sum(scores)
        return scores, tape.gradient(loss, [x, *model.trainable_weights])

    scores, gradients = step(x)

    np.testing.assert_array_equal(scores, np.zeros((4, 3)))
    assert all(np.all(np.isfinite(gradient)) for gradient in gradients)


@pytest.mark.parametrize("name", LAYERS)
def test_batch_size_may_change_and_be_unknown(name):
    u, kernel = _draw(5, 7, 5, 4, 6)
    layer = _built(LAYERS[name], kernel)
    whole = layer(u).numpy()
    call = tf.function(
        lambda x: layer(x, training=True), input_signature=[tf.TensorSpec((None, 7, 5))]
    )

    with tf.GradientTape():  # so that the call is compiled
        for size in (5, 1, 3):
            np.testing.assert_allclose(call(u[:size]), whole[:size], rtol=0, atol=TOLERANCE)


def test_weight_is_glorot_uniform_over_its_shape():
    keras.utils.set_random_seed(7)
    layer = CapsFC(10, 16)
    layer.build((None, 128, 8))
    limit = np.sqrt(6 / ((8 + 16) * 128 * 10))
    kernel = layer.kernel.numpy()

    assert kernel.shape == (128, 10, 8, 16)
    assert np.abs(kernel).max() <= limit
    assert np.abs(kernel).max() > 0.999 * limit
    assert abs(kernel.mean()) < 0.01 * limit


@pytest.mark.parametrize("name", LAYERS)
def test_kernel_arguments_are_used(name):
    layer = LAYERS[name](
        3,
        4,
        kernel_initializer="ones",
        kernel_regularizer=keras.regularizers.L2(0.5),
        kernel_constraint=keras.constraints.MinMaxNorm(0, 0.5, axis=3),
    )
    layer(tf.ones((2, 5, 6)))

    np.testing.assert_array_equal(layer.kernel, np.ones((5, 3, 6, 4)))
    assert float(layer.losses[0]) == 0.5 * 5 * 3 * 6 * 4
    assert layer.kernel.constraint is layer.kernel_constraint
    clone = type(layer).from_config(layer.get_config())
    assert clone.kernel_regularizer.get_config() == layer.kernel_regularizer.get_config()


@pytest.mark.parametrize("name", QUANTIZERS)
def test_signature_is_that_of_caps_fc_and_the_quantizers(name):
    ours = inspect.signature(LAYERS[name].__init__).parameters
    floats = inspect.signature(CapsFC.__init__).parameters

    own = {"scales"} if name == "XnODR" else set()  # of its bits, in the file
    assert set(ours) - set(floats) == {*QUANTIZERS[name], *own}
    for key in floats:
        assert (ours[key].default, ours[key].kind) == (floats[key].default, floats[key].kind)


@pytest.mark.parametrize("name", QUANTIZERS)
def test_a_foreign_quantizer_is_used_as_it_is(name):
    u, kernel = _draw(3, 7, 5, 4, 6)
    for key in QUANTIZERS[name]:
        arguments = {**dict.fromkeys(QUANTIZERS[name]), key: "ste_sign"}
        layer = _built(LAYERS[name], kernel, **arguments)
        twin = type(layer).from_config(layer.get_config())

        assert type(getattr(twin, key)).__name__ == "SteSign"
        moved = _built(LAYERS[name], kernel, **{**arguments, key: CapsSign()})
        # No operand is zero here but the input, whose zeros the two signs treat differently.
        same = np.allclose(layer(u), moved(u), atol=1e-6)
        assert same == (key != "input_quantizer")
        results = _gradients(layer, u, True), _gradients(layer, u, False)
        for one, two in zip(*results, strict=True):
            np.testing.assert_allclose(one, two, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", LAYERS)
def test_float64_policy_computes_in_float64(name):
    u, kernel = _draw(3, 7, 5, 4, 6)
    layer = LAYERS[name](4, 6, dtype="float64")
    layer.build((None, 7, 5))
    layer.set_weights([kernel])

    call = tf.function(lambda x: layer(x, training=True))

    # squash's safety at zero moves a value of this size by 1e-14.
    expected = REFERENCES[name](u, kernel)
    np.testing.assert_allclose(layer(u), expected, rtol=0, atol=1e-12)
    with tf.GradientTape():  # so that the call is compiled
        compiled = call(tf.constant(u, tf.float64))
    np.testing.assert_allclose(compiled, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", QUANTIZERS)
def test_mixed_float16_takes_signs_of_the_stored_weight(name):
    u, _ = _draw(2, 7, 8, 4, 6)
    kernel = np.full((7, 4, 8, 6), 1e-9, np.float32)  # zero in float16, so its sign would be -1
    u = np.float32(np.float16(u))
    half = _built(LAYERS[name], kernel, dtype="mixed_float16")

    v = half(u)

    assert v.dtype == tf.float16
    np.testing.assert_allclose(v, np.float16(_built(LAYERS[name], kernel)(u)), atol=1e-7)


ERRORS = [
    ({"num_capsules": 0}, ValueError),
    ({"num_capsules": -3}, ValueError),
    ({"num_capsules": 2.0}, TypeError),
    ({"capsule_dim": 0}, ValueError),
    ({"capsule_dim": "16"}, TypeError),
    ({"routing_iterations": 0}, ValueError),
    ({"routing_iterations": -1}, ValueError),
    ({"routing_iterations": 2.5}, TypeError),
    ({"routing_iterations": True}, TypeError),
    ({"routing_iterations": None}, TypeError),
]


@pytest.mark.parametrize(("wrong", "error"), ERRORS, ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_argument_that_is_no_positive_int_is_named(name, wrong, error):
    ((key, value),) = wrong.items()
    with pytest.raises(error, match=f"{name}: expected a positive int. Received: {key}={value!r}"):
        LAYERS[name](**{"num_capsules": 3, "capsule_dim": 4, **wrong})


@pytest.mark.parametrize("shape", [(None, 8), (None, 2, 3, 4), (None, None, 8), (None, 7, None)])
@pytest.mark.parametrize("name", LAYERS)
def test_input_of_another_kind_is_refused_with_its_shape(name, shape):
    with pytest.raises(
        ValueError, match=rf"{name}: expected an input of shape \[B, N, D\]"
    ) as info:
        LAYERS[name](3, 4)(keras.Input(shape[1:]))
    assert f"input_shape={shape}" in str(info.value)


def test_input_of_another_size_than_built_for_is_refused():
    layer = CapsFC(3, 4)
    layer.build((None, 7, 5))
    with pytest.raises(ValueError, match="expected axis 1"):
        layer(tf.zeros((2, 8, 5)))


@pytest.mark.parametrize("name", QUANTIZERS)
def test_unknown_quantizer_is_named(name):
    for key in QUANTIZERS[name]:
        with pytest.raises(ValueError, match=f"{name}: .*{key}='no_such'"):
            LAYERS[name](3, 4, **{key: "no_such"})
        with pytest.raises(TypeError, match=f"{name}: .*{key}=3"):
            LAYERS[name](3, 4, **{key: 3})
        with pytest.raises(TypeError, match=f"{name}: .*{key}=<class"):
            LAYERS[name](3, 4, **{key: CapsSign})


def test_arguments_after_the_first_two_are_by_name():
    with pytest.raises(TypeError, match="positional"):
        CapsFC(3, 4, 2)  # pyright: ignore[reportCallIssue]
