"""accounting: against formulas, against larq.models.summary, against Keras's own count."""

from __future__ import annotations

import json

import larq as lq
import numpy as np
import pytest

from xncaps_tf import models
from xncaps_tf._keras import keras, tf
from xncaps_tf.accounting import Account, LayerAccount, account
from xncaps_tf.layers import CapsFC, XnIDR, XnODR

N, D, J, E = 7, 8, 5, 16


def of(result: Account, name: str) -> LayerAccount:
    return next(layer for layer in result.layers if layer.name == name)


def build(layer: keras.layers.Layer, shape: tuple[int | None, ...]) -> LayerAccount:
    """The account of one layer in a model."""
    inputs = keras.Input(shape)
    (_, result) = account(keras.Model(inputs, layer(inputs))).layers
    return result


CAPSULES = [
    # layer, binary parameters, binary MACs, multipliers
    (CapsFC(J, E), 0, 0, 0),
    (XnODR(J, E), N * J * D * E, N * J * D * E, N * J * E),
    (XnODR(J, E, input_quantizer=None), N * J * D * E, 0, N * J * E),
    (XnODR(J, E, kernel_quantizer=None), 0, 0, 0),
    (XnIDR(J, E), 0, 2 * N * J * E, 0),
    (XnIDR(J, E, routing_iterations=1), 0, 0, 0),
    (XnIDR(J, E, pose_quantizer=None), 0, 0, 0),
    (XnIDR(J, E, prediction_quantizer=None), 0, 0, 0),
]


@pytest.mark.parametrize(("layer", "binary", "binary_macs", "multipliers"), CAPSULES)
def test_capsule_layers_by_their_formulas(
    layer: keras.layers.Layer, binary: int, binary_macs: int, multipliers: int
) -> None:
    result = build(type(layer).from_config(layer.get_config()), (N, D))
    rounds = layer.routing_iterations
    parameters = N * J * D * E
    assert result.parameters == result.trainable == parameters
    assert (result.binary, result.binary_macs) == (binary, binary_macs)
    assert result.macs == parameters + (2 * rounds - 1) * N * J * E
    assert result.bytes_trained == 4 * parameters
    assert result.bytes_multipliers == 4 * multipliers
    bits = binary // 8
    assert result.bytes_packed == bits + 4 * (parameters - binary) + 4 * multipliers


KERNELS = [
    # layer, input, MACs
    (keras.layers.Conv2D(6, 3, strides=2, padding="same"), (9, 8, 4), 5 * 4 * 9 * 4 * 6),
    (keras.layers.Conv2D(6, 3, groups=2), (9, 8, 4), 7 * 6 * 9 * 2 * 6),
    (keras.layers.DepthwiseConv2D(3, depth_multiplier=2), (9, 8, 4), 7 * 6 * 9 * 4 * 2),
    (keras.layers.SeparableConv2D(6, 3), (9, 8, 4), 7 * 6 * (9 * 4 + 4 * 6)),
    (keras.layers.Conv2DTranspose(6, 3, strides=2), (9, 8, 4), 9 * 8 * 9 * 4 * 6),
    (keras.layers.Conv1D(6, 3), (9, 4), 7 * 3 * 4 * 6),
    (keras.layers.Dense(6), (4,), 4 * 6),
    (keras.layers.Dense(6), (9, 4), 9 * 4 * 6),
    (keras.layers.BatchNormalization(), (9, 8, 4), 0),
    (keras.layers.MaxPool2D(), (9, 8, 4), 0),
    (keras.layers.Embedding(10, 3), (4,), 0),
]


@pytest.mark.parametrize(
    ("layer", "shape", "macs"), KERNELS, ids=[type(row[0]).__name__ for row in KERNELS]
)
def test_layers_of_keras(layer: keras.layers.Layer, shape: tuple[int, ...], macs: int) -> None:
    result = build(type(layer).from_config(layer.get_config()), shape)
    assert (result.macs, result.binary_macs, result.binary) == (macs, 0, 0)


def test_convolution_counts_a_product_for_each_tap() -> None:
    """The formula against a count by brute force: each output element takes k*k*C products."""
    image = np.ones((1, 6, 5, 3), "float32")
    layer = keras.layers.Conv2D(4, 3, use_bias=False, kernel_initializer="ones")
    products = float(tf.reduce_sum(layer(image)))  # ones times ones: the sum counts them
    assert build(layer, (6, 5, 3)).macs == products


def test_binary_needs_both_operands() -> None:
    def conv(**quantizers: str | None) -> LayerAccount:
        return build(lq.layers.QuantConv2D(8, 3, use_bias=False, **quantizers), (6, 6, 8))

    both = conv(input_quantizer="ste_sign", kernel_quantizer="ste_sign")
    assert both.binary_macs == both.macs == 16 * 9 * 8 * 8
    assert (both.binary, both.bytes_packed) == (9 * 8 * 8, 9 * 8)
    weights = conv(input_quantizer=None, kernel_quantizer="ste_sign")
    assert (weights.binary_macs, weights.binary) == (0, 9 * 8 * 8)
    more_bits = conv(input_quantizer="dorefa_quantizer", kernel_quantizer="ste_sign")
    assert (more_bits.binary_macs, more_bits.macs) == (0, both.macs)


def test_odd_numbers_of_bits_fill_a_byte() -> None:
    layer = lq.layers.QuantDense(3, kernel_quantizer="ste_sign", use_bias=False)
    assert build(layer, (3,)).bytes_packed == 2  # nine bits


@pytest.mark.parametrize("backbone", ["quicknet", "quicknet_small", "small_cnn", "mobilenet_v2"])
@pytest.mark.parametrize("head", ["xnodr", "capsfc", "dense"])
def test_agrees_with_larq_on_what_both_count(backbone: str, head: str) -> None:
    from larq.models import ModelProfile

    model = models.build(backbone, head, (28, 28, 1), 10)
    ours, theirs = account(model), ModelProfile(model)
    profiles = {profile.name: profile for profile in theirs.layer_profiles}
    assert list(profiles) == [layer.name for layer in ours.layers]
    counters = 4 if "dropout" in profiles else 0
    for layer in ours.layers:
        profile = profiles[layer.name]
        assert layer.binary == profile.weight_count(1), layer.name
        if layer.kind == "BatchNorm":
            assert layer.parameters == 2 * profile.weight_count(), layer.name
        elif layer.name != "dropout":
            assert layer.parameters == profile.weight_count(), layer.name
            assert layer.trainable == profile.weight_count(trainable=True), layer.name
            assert 8 * (layer.bytes_packed - layer.bytes_multipliers) == profile.memory, layer.name
        if profile.op_count("mac") is not None:
            assert layer.macs == profile.op_count("mac"), layer.name
            assert layer.binary_macs == profile.op_count("mac", 1), layer.name
    assert ours.total("binary") == theirs.weight_count(1)
    packed = ours.total("bytes_packed") - ours.total("bytes_multipliers") + counters
    assert 8 * packed == theirs.memory


@pytest.mark.parametrize("head", ["capsfc", "xnodr", "xnidr"])
def test_the_papers_network(head: str) -> None:
    result = account(models.build("mobilenet_v2", head, (32, 32, 3), 10, freeze_tail=True))
    assert result.total("parameters") == 3_751_584
    assert result.total("trainable") == 2_994_864
    routing = 5 * 128 * 10 * 16
    # MobileNetV2's 300,774,272 (its top of 1,281,000 left out), the two convolutions, the head
    backbone = 300_774_272 - 1_280_000 + 49 * 9 * 1280 + 49 * 1280 * 1024
    assert result.total("macs") == pytest.approx(backbone + 163_840 + routing, abs=20_000)
    assert result.uncounted == ()


def test_the_step_of_dropout_is_no_parameter() -> None:
    model = models.build("small_cnn", "xnodr", (28, 28, 1), 10)
    result = account(model)
    assert of(result, "dropout").parameters == of(result, "dropout").bytes_trained == 0
    assert result.total("parameters") == model.count_params() - 1


def test_nested_models_are_taken_apart() -> None:
    inner = keras.Sequential([keras.layers.Dense(3, name="dense")], name="inner")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="end")(inner(inputs)))
    result = account(model)
    assert [layer.name for layer in result.layers][1:] == ["inner/dense", "end"]
    assert of(result, "inner/dense").macs == 12 and result.total("macs") == 18


def test_unknown_macs_are_named_and_left_out() -> None:
    inputs = keras.Input((4, 3))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.LSTM(5, name="lstm")(inputs)))
    result = account(model)
    assert of(result, "lstm").macs is None and of(result, "lstm").parameters == 4 * 5 * (3 + 5 + 1)
    assert result.uncounted == ("lstm",) and result.total("macs") == 10
    unknown_size = build(keras.layers.Conv2D(2, 3), (None, None, 1))
    assert unknown_size.macs is None


def test_a_bare_layer() -> None:
    layer = XnODR(J, E)
    layer(tf.zeros((1, N, D)))
    result = account(layer)
    assert result.name == layer.name and result.total("binary") == N * J * D * E


def test_to_dict_is_plain_and_complete() -> None:
    result = account(models.build("quicknet", "xnodr", (8, 8, 1), 10))
    plain = json.loads(json.dumps(result.to_dict()))
    assert plain["totals"]["parameters"] == result.total("parameters")
    assert set(plain["totals"]) == {
        "parameters",
        "trainable",
        "binary",
        "macs",
        "binary_macs",
        "bytes_trained",
        "bytes_packed",
        "bytes_multipliers",
    }
    assert len(plain["layers"]) == len(result.layers)
    share = plain["totals"]["binary_macs"] / plain["totals"]["macs"]
    assert plain["binary_share_of_macs"] == share > 0.9
    assert 0.9 < plain["binary_share_of_parameters"] < 1


def test_what_is_no_built_model() -> None:
    with pytest.raises(TypeError, match="model=str"):
        account("model.keras")
    with pytest.raises(ValueError, match="'late'.*call it on an input"):
        account(keras.Sequential([keras.layers.Dense(1)], name="late"))
