"""Fusing files that exist: the same op and constants as from the Keras model."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import flatbuffers.flexbuffers as flexbuffers
import numpy as np
import pytest

from xncaps_converters import capsule_patterns, to_float, to_fused, to_lce
from xncaps_files import tflite
from xncaps_files.tflite import Subgraph
from xncaps_tf import layers, models
from xncaps_tf._keras import keras
from xncaps_tf.errors import ConversionError


def _model(kind: Any, *, iterations: int = 3, d: int = 8) -> Any:
    u = keras.Input((6, d))
    layer = kind(4, 5, routing_iterations=iterations)
    v = layer(keras.layers.ReLU()(u))
    rng = np.random.default_rng(4)
    layer.kernel.assign(rng.normal(size=layer.kernel.shape).astype(np.float32))
    return keras.Model(u, layers.Length()(keras.layers.ReLU()(v)))


def _op(data: bytes) -> tuple[str, list[np.ndarray], dict[str, int], list[tuple[int, ...]]]:
    """(name, constants, options, shapes) of a file's one custom op."""
    graph = tflite.parse(data).main
    [op] = [op for op in graph.ops if op.is_custom]
    tensors = [graph.tensors[index] for index in op.inputs]
    constants = [
        tensor.data.view(np.uint8 if tensor.type == "UINT8" else np.float32)
        for tensor in tensors[1:]
        if tensor.data is not None
    ]
    options = flexbuffers.Loads(op.options)
    return op.name, constants, dict(options), [tensor.shape for tensor in tensors]


def _assert_same(made: Any, expected: Any) -> None:
    assert (made[0], made[2], made[3]) == (expected[0], expected[2], expected[3])
    for constant, wanted in zip(made[1], expected[1], strict=True):
        # Bits and weights are equal; the scale is a float32 mean of D values in another order.
        np.testing.assert_allclose(constant, wanted, rtol=1e-6 if len(made[1]) == 2 else 0)


@pytest.mark.parametrize("kind", [layers.XnODR, layers.XnIDR, layers.CapsFC])
@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_a_float_file_gets_the_op_of_its_model(kind: Any, iterations: int) -> None:
    model = _model(kind, iterations=iterations)
    made = _op(capsule_patterns.fuse(to_float.convert_float(model)))
    if kind is layers.XnIDR and iterations == 1:
        assert made[0] == "XnCapsFc"  # one turn has no agreement: nothing is binarised
        return
    _assert_same(made, _op(to_fused.convert_fused(model)))


@pytest.mark.parametrize(
    "quantizers",
    [
        {"pose_quantizer": None},
        {"prediction_quantizer": None},
        {"prediction_quantizer": "ste_sign", "pose_quantizer": "ste_sign"},  # +1 at 0
    ],
    ids=str,
)
def test_an_agreement_that_no_op_computes_is_left_alone(quantizers: dict[str, Any]) -> None:
    model = _model(functools.partial(layers.XnIDR, **quantizers))
    with pytest.raises(
        ConversionError, match="its agreement has signs, but not ours on both operands"
    ):
        capsule_patterns.fuse(to_float.convert_float(model))


def _patched(graph: Subgraph, found: str, **changes: Any) -> Subgraph:
    """The graph with every op of a name changed."""
    ops = [replace(op, **changes) if op.name == found else op for op in graph.ops]
    return replace(graph, ops=tuple(ops))


def test_each_pattern_says_which_condition_fails() -> None:
    floats = tflite.parse(to_float.convert_float(_model(layers.CapsFC))).main
    bits = tflite.parse(to_lce.convert_lce(_model(layers.XnODR))).main
    idr = tflite.parse(to_float.convert_float(_model(layers.XnIDR))).main
    [matmul] = [op for op in floats.ops if op.name == "BATCH_MATMUL"]
    rows = [
        (_patched(floats, "BATCH_MATMUL", inputs=matmul.inputs[::-1]), "no float32 constant"),
        (_patched(floats, "DIV", name="SUB"), "no squash behind it"),
        (_patched(idr, "SIGN", name="ABS"), "not ours on both operands"),
        (_patched(bits, "LceQuantize", name="Other"), "does not come by LceQuantize"),
        (_patched(bits, "NEG", name="ABS"), "is not negated"),
        (replace(floats, outputs=(*floats.outputs, *floats.ops[0].outputs)), "read by other ops"),
    ]
    for graph, reason in rows:
        heads, [miss] = capsule_patterns.examine(graph)
        assert not heads and reason in miss.reason, (reason, miss)
        assert str(miss).startswith(f"op {miss.number} (")


@pytest.mark.parametrize("d", [1, 2, 5, 8, 16])
def test_an_lce_file_gets_the_op_of_its_model(d: int) -> None:
    model = _model(layers.XnODR, d=d)
    _assert_same(
        _op(capsule_patterns.fuse(to_lce.convert_lce(model))), _op(to_fused.convert_fused(model))
    )


def test_a_network_keeps_its_backbone_and_loses_the_head() -> None:
    model = models.build("small_cnn", "xnodr", (8, 8, 1), 10, seed=1)
    data = to_float.convert_float(model)
    after = capsule_patterns.fuse(data)
    names = [op.name for op in tflite.parse(after).ops]
    assert names.count("XnCapsOdr") == 1 and "BATCH_MATMUL" not in names
    assert names.count("CONV_2D") == 5
    assert len(after) < len(data) - 200_000  # 64 * 10 * 8 * 16 floats became bits and scales
    direct = [op.name for op in tflite.parse(to_fused.convert_fused(model)).ops]
    assert sorted(names) == sorted(direct)


def test_a_file_without_capsules_is_refused() -> None:
    model = models.build("small_cnn", "dense", (8, 8, 1), 10, seed=1)
    with pytest.raises(
        ConversionError, match="expected a file with a capsule layer.*no product with a constant"
    ):
        capsule_patterns.fuse(to_float.convert_float(model))


def test_a_fused_file_is_refused() -> None:
    with pytest.raises(ConversionError, match="or one that is fused"):
        capsule_patterns.fuse(to_fused.convert_fused(_model(layers.XnODR)))
