"""Fused custom ops as STABLEHLO_COMPOSITE: one file for runtimes with and without the delegate.

A composite op carries its name and attributes for a delegate that knows it, and a subgraph of
TFLite's own ops, its decomposition, for a runtime that has none.
"""

from __future__ import annotations

from typing import Any

import flatbuffers.flexbuffers as flexbuffers
import numpy as np

from xncaps_converters import engines, flatwrite, join, markers
from xncaps_converters.fused import FusedOptions, convert_fused
from xncaps_files.ops import XNCAPS_OPS
from xncaps_tf._keras import keras
from xncaps_tf.errors import ConversionError

_PLACEHOLDER = 127  # the old one-byte operator code that says: look at the new one


def convert_composite(
    model: Any,
    *,
    batch_size: int | None = 1,
    options: FusedOptions | None = None,
    calibration: np.ndarray | None = None,
    allow_float: bool = False,
) -> bytes:
    """Converts a Keras model; each capsule layer becomes one composite op.

    Arguments and errors are those of `convert_fused`. The file holds the weights of a capsule layer
    twice: packed for the delegate, float32 for the decomposition.

    Raises:
        ConversionError: as `convert_fused`; or `batch_size` is None, since a decomposition's
            shapes are fixed.
    """
    if batch_size is None:
        raise ConversionError(
            "expected a fixed batch size for a composite file. Received: a dynamic one; the "
            "decomposition's shapes are fixed."
        )
    data = convert_fused(
        model,
        batch_size=batch_size,
        options=options,
        calibration=calibration,
        allow_float=allow_float,
    )
    return to_composite(data)


def to_composite(data: bytes) -> bytes:
    """The same file with each fused custom op as a composite op with its decomposition.

    Args:
        data: a file that `convert_fused` made, with a fixed batch size.
    """
    model = join.unpack(data)
    graph = model.subgraphs[0]
    codes: dict[int, int] = {}
    for op in graph.operators:
        code = model.operatorCodes[op.opcodeIndex]
        name = (code.customCode or b"").decode()
        if name in XNCAPS_OPS:
            subgraph = _add_decomposition(model, graph, op, name)
            _make_composite(model, op, name, subgraph, codes)
    return join.pack(model)


def _add_decomposition(model: Any, graph: Any, op: Any, name: str) -> int:
    """Appends the op's computation in TFLite's own ops as a subgraph; returns its number."""
    inputs = [graph.tensors[number] for number in op.inputs]
    constants = tuple(_array(model, tensor) for tensor in inputs[1:])
    float_op = markers.FusedOp(
        name,
        constants,
        int(_options(op)["routing_iterations"]),
        int(graph.tensors[op.outputs[0]].shape[1]),
        int(graph.tensors[op.outputs[0]].shape[2]),
    )
    start = keras.Input(batch_shape=tuple(map(int, inputs[0].shape)), name="u")
    layer = keras.Model(start, markers.FloatCapsules(float_op)(start))
    other = join.unpack(engines.run_tensorflow(layer))
    part = other.subgraphs[0]
    codes, buffers = len(model.operatorCodes), len(model.buffers)
    for node in part.operators:
        node.opcodeIndex += codes
    for tensor in part.tensors:
        tensor.buffer += buffers
    model.operatorCodes += other.operatorCodes
    model.buffers += other.buffers
    part.name = f"{name}.decomposition".encode()
    part.inputs = np.array([*part.inputs, *_unused_inputs(part, inputs[1:])], np.int32)
    model.subgraphs.append(part)
    return len(model.subgraphs) - 1


def _unused_inputs(part: Any, tensors: list[Any]) -> list[int]:
    """A subgraph takes all of its op's inputs; the packed weights are not used in it."""
    schema_tensor = type(tensors[0])
    for tensor in tensors:
        copy = schema_tensor()
        copy.shape, copy.type, copy.name = tensor.shape, tensor.type, tensor.name
        copy.buffer, copy.hasRank = 0, True
        part.tensors.append(copy)
    return list(range(len(part.tensors) - len(tensors), len(part.tensors)))


def _make_composite(model: Any, op: Any, name: str, subgraph: int, codes: dict[int, int]) -> None:
    schema = flatwrite.schema()
    if 0 not in codes:
        code = schema.OperatorCodeT()
        code.builtinCode = schema.BuiltinOperator.STABLEHLO_COMPOSITE
        code.deprecatedBuiltinCode, code.version = _PLACEHOLDER, 1
        model.operatorCodes.append(code)
        codes[0] = len(model.operatorCodes) - 1
    options = schema.StableHLOCompositeOptionsT()
    options.name = name.encode()
    options.decompositionSubgraphIndex = subgraph
    options.compositeAttributes = np.frombuffer(bytes(flexbuffers.Dumps(_options(op))), np.uint8)
    options.compositeAttributesFormat = schema.CustomOptionsFormat.FLEXBUFFERS
    options.version = markers.OP_VERSION
    op.opcodeIndex = codes[0]
    op.customOptions = None
    op.builtinOptions2Type = schema.BuiltinOptions2.StableHLOCompositeOptions
    op.builtinOptions2 = options


def _options(op: Any) -> dict[str, int]:
    """The integers of a custom op's options."""
    values: Any = flexbuffers.Loads(bytes(op.customOptions))
    return {key: int(values[key]) for key in ("routing_iterations", "version")}


def _array(model: Any, tensor: Any) -> np.ndarray:
    schema = flatwrite.schema()
    kinds = {
        schema.TensorType.UINT8: np.uint8,
        schema.TensorType.FLOAT32: np.float32,
        schema.TensorType.FLOAT16: np.float16,
    }
    data = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
    return data.view(kinds[tensor.type]).reshape(tuple(tensor.shape))
