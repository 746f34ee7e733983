"""What is binary becomes bits, computes what Keras computes, or is refused by name."""

from __future__ import annotations

import sys
from typing import Any

import larq as lq
import numpy as np
import pytest

from xncaps_converters import binary_weights, engines, interpreters, to_lce
from xncaps_files import tflite
from xncaps_tf import layers
from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import ConversionError
from xncaps_tf.quantizers import CapsSign

SEED = 5


def _seeded(model: Any) -> Any:
    """The same weights of ordinary size in every run, some of them exactly zero."""
    rng = np.random.default_rng(SEED)
    weights = [rng.normal(size=w.shape).astype(np.float32) for w in model.get_weights()]
    for weight in weights:
        weight[np.abs(weight) < 0.05] = 0.0
    model.set_weights(weights)
    return model


def _capsules(layer: Any, n: int = 6, d: int = 8) -> Any:
    inputs = keras.Input((n, d))
    return _seeded(keras.Model(inputs, layer(inputs)))


def _convolution(shape: tuple[int, ...] = (7, 6, 40), **arguments: Any) -> Any:
    arguments = {"kernel_constraint": "weight_clip", "name": "conv", **arguments}
    inputs = keras.Input(shape)
    return _seeded(keras.Model(inputs, lq.layers.QuantConv2D(32, 3, **arguments)(inputs)))


def _inputs(model: Any, count: int = 4) -> np.ndarray:
    """As behind a ReLU and a BatchNorm: both signs, and many exact zeros."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(count, *model.input_shape[1:])).astype(np.float32)
    x[rng.random(x.shape) < 0.3] = 0.0
    return x


def _ops(data: bytes) -> list[str]:
    return [op.name for op in tflite.parse(data).ops]


def _assert_equal(model: Any, data: bytes, atol: float = 1e-5) -> None:
    x = _inputs(model)
    expected = model.predict(x, verbose=0)
    assert np.abs(expected).max() > 1e-2  # the comparison means something
    np.testing.assert_allclose(interpreters.run(data, x)[1], expected, atol=atol, rtol=1e-5)


@pytest.mark.parametrize(
    ("n", "d", "j", "e", "r"),
    [(6, 8, 10, 16, 3), (5, 3, 2, 5, 2), (3, 33, 2, 4, 3), (1, 32, 1, 1, 1), (2, 1, 3, 2, 3)],
)
def test_xnodr_becomes_bits_and_computes_the_same(n: int, d: int, j: int, e: int, r: int) -> None:
    model = _capsules(layers.XnODR(j, e, routing_iterations=r), n, d)
    data = to_lce.convert_lce(model)
    assert _ops(data).count("LceBconv2d") == 1
    assert not {"WHILE", "IF", "BATCH_MATMUL"} & set(_ops(data))  # the routing is unrolled
    # Sums of at most 33 products of two signs times two means, in float32, another order.
    _assert_equal(model, data, atol=2e-6)


def test_a_weight_of_zeros_gives_zero() -> None:
    model = _capsules(layers.XnODR(3, 4))
    kernel = model.get_weights()[0]
    kernel[:, 1] = 0.0
    model.set_weights([kernel])
    data = to_lce.convert_lce(model)
    _assert_equal(model, data)
    assert not interpreters.run(data, _inputs(model))[1][:, 1].any()


CONVOLUTIONS = {
    "ours": {"input_quantizer": "caps_sign", "kernel_quantizer": "caps_sign"},
    "ours_same_zeros": {
        "input_quantizer": "caps_sign",
        "kernel_quantizer": "caps_sign",
        "padding": "same",
    },
    "ours_same_ones": {
        "input_quantizer": "caps_sign",
        "kernel_quantizer": "caps_sign",
        "padding": "same",
        "pad_values": 1.0,
        "strides": 2,
    },
    "ours_same_minus_ones": {
        "input_quantizer": "caps_sign",
        "kernel_quantizer": "caps_sign",
        "padding": "same",
        "pad_values": -1.0,
        "strides": (2, 1),
        "activation": "relu",
    },
    "ours_and_larqs": {
        "input_quantizer": "caps_sign",
        "kernel_quantizer": "ste_sign",
        "padding": "same",
        "pad_values": 1.0,
    },
    "larqs_and_ours": {"input_quantizer": "ste_sign", "kernel_quantizer": "caps_sign"},
    "larqs_same_minus_ones": {
        "input_quantizer": "ste_sign",
        "kernel_quantizer": "ste_sign",
        "padding": "same",
        "pad_values": -1.0,
    },
    "larqs_same_ones": {
        "input_quantizer": "approx_sign",
        "kernel_quantizer": "magnitude_aware_sign",
        "padding": "same",
        "pad_values": 1.0,
    },
    "ours_magnitude_groups": {
        "input_quantizer": "caps_sign",
        "kernel_quantizer": "magnitude_aware_sign",
        "groups": 2,
    },
}


@pytest.mark.parametrize("arguments", CONVOLUTIONS.values(), ids=CONVOLUTIONS.keys())
def test_a_binary_convolution_becomes_bits_and_computes_the_same(arguments: Any) -> None:
    shape = (7, 6, 64) if arguments.get("groups") else (7, 6, 40)
    model = _convolution(shape, **arguments)
    x = _inputs(model)
    prepared = to_lce.prepare_lce(model, batch_size=None)
    np.testing.assert_allclose(
        prepared.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-4, rtol=1e-6
    )
    data = to_lce.convert_lce(model)
    assert "LceBconv2d" in _ops(data) and "CONV_2D" not in _ops(data)
    _assert_equal(model, data, atol=1e-4)  # sums of up to 360 products and a bias


def test_the_plain_call_on_an_unprepared_model_keeps_our_layers_in_float() -> None:
    """As docs/converting.md says."""
    package = engines.require_lce()
    capsules = _ops(package.convert_keras_model(_capsules(layers.XnODR(3, 4))))
    assert "LceBconv2d" not in capsules and "FULLY_CONNECTED" in capsules
    ours = _ops(package.convert_keras_model(_convolution(**CONVOLUTIONS["ours"])))
    assert "LceBconv2d" not in ours and {"NEG", "CONV_2D"} <= set(ours)


@pytest.mark.parametrize("kind", ["xnodr", "conv"])
def test_lce_called_by_hand_on_a_prepared_model_gives_the_same_file(kind: str) -> None:
    ours = CONVOLUTIONS["ours_same_ones"]
    model = _capsules(layers.XnODR(3, 4)) if kind == "xnodr" else _convolution(**ours)
    by_hand = engines.require_lce().convert_keras_model(to_lce.prepare_lce(model))
    assert by_hand == to_lce.convert_lce(model)


REFUSED = {
    "foreign": (lambda: _capsules(layers.XnODR(3, 4, kernel_quantizer="ste_sign", name="caps"))),
    "missing": (lambda: _capsules(layers.XnODR(3, 4, input_quantizer=None, name="caps"))),
    "float input": (lambda: _convolution(kernel_quantizer="ste_sign", name="caps")),
    "ternary": (
        lambda: _convolution(input_quantizer="ste_sign", kernel_quantizer="ste_tern", name="caps")
    ),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_a_binary_weight_that_stays_float_is_refused_by_name(make: Any) -> None:
    model = make()
    with pytest.raises(ConversionError, match=r"'caps' \(.*--allow-float"):
        to_lce.convert_lce(model)
    _assert_equal(model, to_lce.convert_lce(model, allow_float=True), atol=1e-3)


def test_a_binary_dense_layer_is_refused_since_lce_has_none() -> None:
    inputs = keras.Input((8,))
    layer = lq.layers.QuantDense(
        4, input_quantizer="ste_sign", kernel_quantizer="ste_sign", name="dense1"
    )
    model = keras.Model(inputs, layer(inputs))
    with pytest.raises(ConversionError, match="QuantDense 'dense1'"):
        to_lce.convert_lce(model)


def test_the_bits_in_the_file_are_compared_not_counted() -> None:
    model = _capsules(layers.XnODR(3, 4, name="caps"))
    file = tflite.parse(to_lce.convert_lce(model))
    assert binary_weights.unpacked(model, file) == []
    other = _capsules(layers.XnODR(3, 4, name="caps"))
    kernel = other.get_weights()[0]
    kernel[2, 1, 3, 0] *= -1
    other.set_weights([kernel])
    assert [layer.name for layer in binary_weights.unpacked(other, file)] == ["caps"]


def test_a_layer_without_binary_weight_converts() -> None:
    model = _capsules(layers.XnIDR(3, 4))
    data = to_lce.convert_lce(model)
    assert tflite.parse(data).custom_ops == []
    _assert_equal(model, data)


def test_nested_models_are_looked_into() -> None:
    inner = _capsules(layers.XnODR(3, 4))
    inputs = keras.Input((6, 8))
    model = keras.Sequential([inputs, inner, layers.Length()], name="outer")
    data = to_lce.convert_lce(model)
    assert _ops(data).count("LceBconv2d") == 1
    _assert_equal(model, data)


def test_a_batch_size_of_choice_and_an_open_one() -> None:
    model = _capsules(layers.XnODR(3, 4))
    graph = tflite.parse(to_lce.convert_lce(model, batch_size=3)).main
    assert graph.tensors[graph.inputs[0]].shape == (3, 6, 8)
    data = to_lce.convert_lce(model, batch_size=None)
    graph = tflite.parse(data).main
    assert graph.tensors[graph.inputs[0]].signature == (-1, 6, 8)
    assert graph.tensors[graph.outputs[0]].signature == (-1, 3, 4)
    _assert_equal(model, data)  # four samples at once


def test_a_nearly_constant_channel_keeps_its_bias() -> None:
    inputs = keras.Input((4, 4, 128))
    x = lq.layers.QuantConv2D(
        32,
        3,
        input_quantizer="ste_sign",
        kernel_quantizer="ste_sign",
        kernel_constraint="weight_clip",
        activation="relu",
        use_bias=False,
    )(inputs)
    norm = keras.layers.BatchNormalization(epsilon=1e-5)
    model = keras.Model(inputs, norm(x))
    kernel = np.full((3, 3, 128, 32), -1.0, np.float32)
    beta = np.linspace(-0.1, 0.1, 32).astype(np.float32)
    zero = np.zeros(32, np.float32)
    model.set_weights([kernel, np.ones(32, np.float32), beta, zero, zero])
    x = np.ones((1, 4, 4, 128), np.float32)  # every sum is -1152, behind the ReLU 0
    found = interpreters.run(to_lce.convert_lce(model), x)[1]
    np.testing.assert_allclose(found, np.broadcast_to(beta, found.shape), atol=1e-6)


def test_what_lce_fails_at_is_an_error_that_keeps_the_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: Any, **kwargs: Any) -> bytes:
        raise RuntimeError("the cause")

    monkeypatch.setattr(engines.require_lce(), "convert_saved_model", fail)
    with pytest.raises(ConversionError, match="RuntimeError: the cause"):
        to_lce.convert_lce(_capsules(layers.XnODR(3, 4)))


@keras.saving.register_keras_serializable(package="test_lce")
class Odd(keras.layers.Layer):
    """An op that TFLite does not have."""

    def call(self, inputs: Any) -> Any:
        return tf.linalg.inv(inputs)


def test_an_op_that_no_interpreter_has_is_an_error() -> None:
    inputs = keras.Input((3, 3))
    with pytest.raises(ConversionError, match="(?i)MatrixInverse|inv"):
        to_lce.convert_lce(keras.Model(inputs, Odd()(inputs)))


def test_without_lce_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "larq_compute_engine", None)
    with pytest.raises(
        ConversionError, match=r"expected larq-compute-engine.*--to float"
    ) as caught:
        to_lce.convert_lce(_capsules(layers.XnODR(3, 4)))
    assert "\n" not in str(caught.value)


def test_half_precision_is_refused() -> None:
    inputs = keras.Input((6, 8))
    model = keras.Model(inputs, layers.XnODR(3, 4, dtype="mixed_float16", name="half")(inputs))
    with pytest.raises(ConversionError, match="float32.*mixed_float16|layer 'half'"):
        to_lce.convert_lce(model)


def test_a_subclassed_or_unbuilt_model_is_refused() -> None:
    class Own(keras.Model):
        def call(self, inputs: Any) -> Any:
            return inputs

    with pytest.raises(ConversionError, match="subclassed"):
        to_lce.convert_lce(Own())
    with pytest.raises(ConversionError, match="never called"):
        to_lce.convert_lce(layers.XnODR(3, 4))


def test_a_bare_layer_converts() -> None:
    layer = layers.XnODR(3, 4)
    layer(tf.zeros((1, 6, 8)))
    assert _ops(to_lce.convert_lce(layer)).count("LceBconv2d") == 1


def test_our_quantizers_are_what_the_tests_say() -> None:
    assert CapsSign()(tf.zeros(1)).numpy() == -1  # what the negations are for
