"""A capsule layer as one custom op: what is in the file, and that the marked body computes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xncaps_converters import (
    bounds,
    join,
    lce_layers,
    marked_layers,
    packing,
    samples,
    to_fused,
    verify,
)
from xncaps_converters.output_formats import SCALES
from xncaps_files import tflite
from xncaps_files.op_codes import XNCAPS_OPS
from xncaps_tf import layers, models
from xncaps_tf._keras import keras
from xncaps_tf.errors import ConversionError

OPS = {"xnodr": "XnCapsOdr", "xnidr": "XnCapsIdr", "capsfc": "XnCapsFc"}


def _bare(layer: Any, n: int = 6, d: int = 8) -> Any:
    """A model of one capsule layer with a seeded kernel."""
    inputs = keras.Input((n, d))
    outputs = layer(inputs)
    rng = np.random.default_rng(3)
    layer.kernel.assign(rng.normal(size=layer.kernel.shape).astype(np.float32))
    return keras.Model(inputs, outputs)


def _small(head: str) -> Any:
    return models.build("small_cnn", head, (8, 8, 1), 10, seed=1)


def _capsules(rng_seed: int = 0) -> np.ndarray:
    u = np.random.default_rng(rng_seed).normal(size=(5, 6, 8)).astype(np.float32)
    return np.maximum(u, 0)  # as behind a ReLU: many exact zeros


@pytest.mark.parametrize("kind", [layers.XnODR, layers.XnIDR, layers.CapsFC])
@pytest.mark.parametrize("iterations", [1, 3])
def test_the_marked_body_equals_the_layer(kind: Any, iterations: int) -> None:
    layer = kind(4, 5, routing_iterations=iterations)
    model = _bare(layer)
    op = marked_layers.fused_op(layer)
    assert op is not None
    marked = marked_layers.FusedCapsules(op)(_capsules())
    # The same float32 sums in another order, values below 1: a few units in the last place.
    np.testing.assert_allclose(marked, model(_capsules()), atol=1e-6)


def test_two_networks_with_layers_of_one_name_are_one_file() -> None:
    """An ensemble: both have a capsule layer 'xnodr', and convolutions of the same names."""
    parts = [models.build("small_cnn", "xnodr", (8, 8, 1), 10, seed=seed) for seed in (1, 2)]
    image = keras.Input((8, 8, 1))
    for number, part in enumerate(parts):
        part._name = f"part_{number}"  # Keras wants the two models' names to differ, no others
    ensemble = keras.Model(image, keras.layers.Average()([part(image) for part in parts]))
    file = tflite.parse(to_fused.convert_fused(ensemble))
    ops = [op for op in file.ops if op.name == "XnCapsOdr"]
    assert len(ops) == 2
    first, second = (file.main.tensors[op.inputs[1]].data for op in ops)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(("scales", "atol"), [("capsule", 0.5), ("none", 0.5)])
def test_coarser_scales_stay_near(scales: str, atol: float) -> None:
    layer = layers.XnODR(4, 5)
    model = _bare(layer)
    op = marked_layers.fused_op(layer, scales=scales)
    assert op is not None
    difference = np.abs(marked_layers.FusedCapsules(op)(_capsules()) - model(_capsules())).max()
    assert 1e-4 < difference < atol  # it does change the model, and not by much


@pytest.mark.parametrize("trained", ["capsule", "none"])
@pytest.mark.parametrize("asked", ["channel", "capsule", "none"])
def test_a_file_stores_no_finer_scales_than_were_trained(trained: str, asked: str) -> None:
    layer = layers.XnODR(4, 5, scales=trained)
    model = _bare(layer)
    op = marked_layers.fused_op(layer, scales=asked)
    assert op is not None
    kept = "none" if "none" in (trained, asked) else "capsule"
    assert [c.shape for c in op.constants[1:]] == ([(6, 4)] if kept == "capsule" else [])
    difference = np.abs(marked_layers.FusedCapsules(op)(_capsules()) - model(_capsules())).max()
    if kept == trained:  # what was trained, to rounding
        assert difference < 1e-6
    else:
        assert difference > 1e-4


@pytest.mark.parametrize("scales", SCALES)
def test_lce_files_multiply_by_the_scales_that_were_trained(scales: str) -> None:
    layer = layers.XnODR(4, 5, scales=scales)
    model = _bare(layer)
    packed = lce_layers.PackedXnODR.of(layer)
    packed.build((None, 6, 8))
    packed.take(layer)
    np.testing.assert_allclose(packed(_capsules()), model(_capsules()), atol=1e-6)


@pytest.mark.parametrize("head", OPS)
def test_a_network_becomes_one_op_and_converts_the_same_twice(head: str) -> None:
    model = _small(head)
    data = to_fused.convert_fused(model)
    assert data == to_fused.convert_fused(model)
    file = tflite.parse(data)
    assert file.custom_ops == [OPS[head]]
    [op] = [op for op in file.ops if op.is_custom]
    shapes = [file.main.tensors[number].shape for number in op.inputs]
    kernel = model.get_layer("capsules").kernel.numpy()
    n, j, d, e = kernel.shape
    weights = [(n, j, e, d // 8), (n, j, e)] if head == "xnodr" else [(n, j, d, e)]
    assert shapes == [(1, n, d), *weights]
    assert file.main.tensors[op.outputs[0]].shape == (1, j, e)
    if head == "xnodr":
        bits = file.main.tensors[op.inputs[1]].data
        np.testing.assert_array_equal(bits, packing.pack_bits(kernel).ravel())


def test_float16_capsule_scales_keep_the_head_below_27_kb() -> None:
    layer = layers.XnODR(10, 16)
    model = _bare(layer, n=128)
    options = to_fused.FusedOptions(scales="capsule", scale_type="float16")
    file = tflite.parse(to_fused.convert_fused(model, options=options))
    constants = sum(tensor.data.size for tensor in file.main.tensors if tensor.data is not None)
    assert constants <= 27_000


def test_float16_channel_scales_keep_the_head_below_62_kb() -> None:
    model = _bare(layers.XnODR(10, 16), n=128)
    options = to_fused.FusedOptions(scale_type="float16")
    file = tflite.parse(to_fused.convert_fused(model, options=options))
    constants = sum(tensor.data.size for tensor in file.main.tensors if tensor.data is not None)
    assert constants <= 62_000


def test_capsfc_keeps_its_weights_in_float16_where_asked_for() -> None:
    model = _bare(layers.CapsFC(10, 16), n=128)
    options = to_fused.FusedOptions(scale_type="float16")
    data = to_fused.convert_fused(model, options=options)
    graph = tflite.parse(data).main
    [op] = [op for op in graph.ops if op.name == "XnCapsFc"]
    kernel = graph.tensors[op.inputs[1]]
    assert (kernel.type, kernel.shape) == ("FLOAT16", (128, 10, 8, 16))
    assert len(data) < 0.51 * len(to_fused.convert_fused(model))
    given = samples.random_samples(model, 20)
    chosen = bounds.choose([], options.changed)
    verify.verify(model, data, given, bounds=chosen).check()


def test_an_int8_backbone_has_float_capsules() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1)).astype(np.float32)
    data = to_fused.convert_fused(
        _small("xnodr"), options=to_fused.FusedOptions(backbone="int8"), calibration=images
    )
    graph = tflite.parse(data).main
    types = {
        op.name: graph.tensors[op.inputs[0]].type
        for op in graph.ops
        if op.name in ("CONV_2D", "XnCapsOdr")
    }
    assert types == {"CONV_2D": "INT8", "XnCapsOdr": "FLOAT32"}
    assert [graph.tensors[number].type for number in (*graph.inputs, *graph.outputs)] == [
        "FLOAT32",
        "FLOAT32",
    ]


@pytest.mark.parametrize("end", ["softmax in Dense", "Activation", "logits"])
def test_a_network_without_capsules_is_int8_up_to_its_softmax(end: str) -> None:
    """The dense twin of an int8 network: TFLite's own ops, weights a quarter of their size."""
    images = np.random.default_rng(1).integers(0, 256, (40, 8, 8, 1)).astype(np.float32)
    model = _small("dense")
    if end != "softmax in Dense":
        model.get_layer("classes").activation = keras.activations.linear
        model = keras.models.clone_model(model)
    if end == "Activation":
        scores = keras.layers.Activation("softmax")(model.outputs[0])
        model = keras.Model(model.inputs, scores)
    data = to_fused.convert_fused(
        model, options=to_fused.FusedOptions(backbone="int8"), calibration=images
    )
    file = tflite.parse(data)
    graph = file.main
    ends = [graph.tensors[index] for index in (*graph.inputs, *graph.outputs)]
    assert [end.type for end in ends] == ["FLOAT32", "FLOAT32"]
    assert file.custom_ops == [] and len(data) < 0.5 * len(to_fused.convert_fused(model))
    weights = [tensor for tensor in graph.tensors if tensor.data is not None]
    assert not any(tensor.type == "FLOAT32" for tensor in weights if len(tensor.shape) > 1)
    softmax = [op for op in graph.ops if op.name == "SOFTMAX"]
    assert [graph.tensors[op.inputs[0]].type for op in softmax] == ["FLOAT32"] * (end != "logits")
    given = samples.Samples(images, None, "made")
    result = verify.verify(model, data, given).check()
    assert result.runtime == "litert" and "rounded to int8" in result.bounds.reason


def test_capsules_that_stay_float_are_not_made_int8() -> None:
    """No op computes them, so they would be rounded with the rest."""
    layer = layers.XnIDR(4, 5, pose_quantizer=None)
    with pytest.raises(ConversionError, match="0 capsule layers"):
        to_fused.convert_fused(
            _bare(layer),
            options=to_fused.FusedOptions(backbone="int8"),
            calibration=_capsules(),
            allow_float=True,
        )


def test_int8_without_images_is_refused() -> None:
    with pytest.raises(ConversionError, match="images to calibrate"):
        to_fused.convert_fused(_small("xnodr"), options=to_fused.FusedOptions(backbone="int8"))


def test_a_dynamic_batch_stays_open() -> None:
    graph = tflite.parse(to_fused.convert_fused(_bare(layers.XnODR(4, 5)), batch_size=None)).main
    assert graph.tensors[graph.inputs[0]].signature == (-1, 6, 8)
    assert graph.tensors[graph.outputs[0]].signature == (-1, 4, 5)


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (lambda: layers.XnODR(4, 5, input_quantizer=None), "input_quantizer=None"),
        (lambda: layers.XnODR(4, 5, kernel_quantizer="ste_sign"), "kernel_quantizer=SteSign"),
        (lambda: layers.XnIDR(4, 5, pose_quantizer=None), "pose_quantizer=None"),
    ],
    ids=["no input quantizer", "foreign kernel quantizer", "no pose quantizer"],
)
def test_other_quantizers_are_refused_by_name(layer: Any, named: str) -> None:
    model = _bare(layer())
    with pytest.raises(ConversionError, match=named):
        to_fused.convert_fused(model)
    allowed = tflite.parse(to_fused.convert_fused(model, allow_float=True))
    assert not set(allowed.custom_ops) & XNCAPS_OPS


def test_without_quantizers_every_layer_is_capsfc() -> None:
    layer = layers.XnODR(4, 5, input_quantizer=None, kernel_quantizer=None)
    assert tflite.parse(to_fused.convert_fused(_bare(layer))).custom_ops == ["XnCapsFc"]


@pytest.mark.parametrize("name", ["scales", "scale_type", "backbone"])
def test_unknown_options_are_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"expected {name} to be one of"):
        to_fused.FusedOptions(**{name: "other"})


def test_options_say_what_they_change() -> None:
    assert to_fused.FusedOptions().changed == ()
    options = to_fused.FusedOptions(scales="capsule", scale_type="float16", backbone="int8")
    assert options.changed == ("capsule", "float16", "int8")
    assert set(options.changed) <= set(bounds.CHANGES)


def test_files_that_do_not_fit_are_not_joined() -> None:
    first = to_fused.convert_fused(_bare(layers.CapsFC(4, 5)))
    second = to_fused.convert_fused(_bare(layers.CapsFC(3, 5)))
    with pytest.raises(ConversionError, match="expected the second file to take"):
        join.join(first, second)
