"""Fused custom ops as STABLEHLO_COMPOSITE: one file for runtimes with and without the delegate.

A composite op carries its name and attributes for a delegate that knows it, and a subgraph of
TFLite's own ops, its decomposition, for a runtime that has none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import flatbuffers.flexbuffers as flexbuffers
import numpy as np
from numpy.typing import NDArray

from xncaps_converters import engines, graph_edit, marked_layers, to_fused
from xncaps_converters.clone import as_model
from xncaps_converters.output_formats import (
    FORMATS,
    FusedOptions,
    Made,
    Options,
    Report,
    silent,
)
from xncaps_files import tflite
from xncaps_files.op_codes import XNCAPS_OPS
from xncaps_tf._keras import keras


def convert_composite(
    model: Any,
    *,
    batch_size: int | None = 1,
    options: FusedOptions | None = None,
    calibration: NDArray[Any] | None = None,
    allow_float: bool = False,
) -> bytes:
    """Converts a Keras model; each capsule layer becomes one composite op.

    Arguments and errors are those of `convert_fused`. The file holds the weights of a capsule layer
    twice: packed for the delegate, float32 for the decomposition.

    Raises:
        ConversionError: as `convert_fused`; or `batch_size` is None, since a decomposition's
            shapes are fixed.
    """
    given = to_fused.every_option(options, batch_size, calibration, allow_float)
    return FORMATS["composite"].make(as_model(model), given).data


def make(model: Any, options: Options, report: Report = silent) -> Made:
    """`convert_composite` as an entry of the table of formats."""
    made = to_fused.make(model, options, report)
    return replace(made, file=tflite.parse(to_composite(made.data)))


def to_composite(data: bytes) -> bytes:
    """The same file with each fused custom op as a composite op with its decomposition.

    Args:
        data: a file that `convert_fused` made, with a fixed batch size.
    """
    model = graph_edit.unpack(data)
    for op in model.subgraphs[0].operators:
        name = graph_edit.op_name(model, op)
        if name in XNCAPS_OPS:
            _make_composite(model, op, name, _add_decomposition(model, op, name))
    return graph_edit.pack(model)


def _add_decomposition(model: Any, op: Any, name: str) -> int:
    """Appends the op's computation in TFLite's own ops as a subgraph; returns its number."""
    graph = model.subgraphs[0]
    inputs = [graph.tensors[number] for number in op.inputs]
    float_op = marked_layers.FusedOp(
        name,
        tuple(graph_edit.constant_array(model, tensor) for tensor in inputs[1:]),
        int(_options(op)["routing_iterations"]),
        int(graph.tensors[op.outputs[0]].shape[1]),
        int(graph.tensors[op.outputs[0]].shape[2]),
    )
    start = keras.Input(batch_shape=tuple(map(int, inputs[0].shape)), name="u")
    layer = keras.Model(start, marked_layers.FloatCapsules(float_op)(start))
    other = graph_edit.unpack(engines.run_tensorflow(layer))
    graph_edit.adopt(model, other)
    part = other.subgraphs[0]
    part.name = f"{name}.decomposition".encode()
    part.inputs = np.array([*part.inputs, *_unused_inputs(part, inputs[1:])], np.int32)
    model.subgraphs.append(part)
    return len(model.subgraphs) - 1


def _unused_inputs(part: Any, tensors: list[Any]) -> list[int]:
    """A subgraph takes all of its op's inputs; the packed weights are not used in it."""
    for tensor in tensors:
        copy = tensor.__class__()
        copy.shape, copy.type, copy.name = tensor.shape, tensor.type, tensor.name
        copy.buffer, copy.hasRank = 0, True
        part.tensors.append(copy)
    return list(range(len(part.tensors) - len(tensors), len(part.tensors)))


def _make_composite(model: Any, op: Any, name: str, subgraph: int) -> None:
    schema = graph_edit.schema()
    options = schema.StableHLOCompositeOptionsT()
    options.name = name.encode()
    options.decompositionSubgraphIndex = subgraph
    options.compositeAttributes = graph_edit.flex(_options(op))
    options.compositeAttributesFormat = schema.CustomOptionsFormat.FLEXBUFFERS
    options.version = marked_layers.OP_VERSION
    op.opcodeIndex = graph_edit.add_code(model, "STABLEHLO_COMPOSITE")
    op.customOptions = None
    op.builtinOptions2Type = schema.BuiltinOptions2.StableHLOCompositeOptions
    op.builtinOptions2 = options


def _options(op: Any) -> dict[str, int]:
    """The integers of a custom op's options."""
    values: Any = flexbuffers.Loads(bytes(op.customOptions))
    return {key: int(values[key]) for key in ("routing_iterations", "version")}
