"""Edits of TFLite files: the schema's objects, and the few steps that every rewriter is made of.

A file is unpacked once, edited, and packed; constants are aligned as TensorFlow aligns them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import flatbuffers.flexbuffers as flexbuffers
import numpy as np
from numpy.typing import NDArray

from xncaps_files import metadata as about
from xncaps_files import tflite
from xncaps_files.metadata_format import ENTRY
from xncaps_files.op_codes import BUILTIN_OPS, IDENTIFIER, TENSOR_TYPES

_ALIGNMENT = 16  # force_align of Buffer.data in TFLite's schema, which Python's writer leaves out
_LAST_OLD_CODE = 127  # in the old one-byte field it says: look at the new one


def schema() -> Any:
    """TFLite's generated schema, from whichever runtime is installed."""
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError:
        from tensorflow.lite.python import schema_py_generated
    return schema_py_generated


def unpack(data: bytes) -> Any:
    """A file as the schema's editable objects; parse files of strangers by `tflite` first."""
    generated = schema()
    return generated.ModelT.InitFromObj(generated.Model.GetRootAs(bytearray(data), 0))


def pack(model: Any) -> bytes:
    """The file of such objects."""
    generated = schema()
    for buffer in model.buffers:
        buffer.Pack = functools.partial(_pack_buffer, generated, buffer)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def op_name(model: Any, op: Any) -> str:
    """'CONV_2D', 'XnCapsOdr' ..."""
    code = model.operatorCodes[op.opcodeIndex]
    if code.customCode:
        return code.customCode.decode()
    number = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
    return BUILTIN_OPS[number] if number < len(BUILTIN_OPS) else str(number)


def constant(model: Any, tensor: Any) -> NDArray[Any]:
    """A constant's bytes, uint8 `[n]`; none of a tensor that is computed."""
    data = model.buffers[tensor.buffer].data
    return np.zeros(0, np.uint8) if data is None else np.asarray(data, np.uint8)


def constant_array(model: Any, tensor: Any) -> NDArray[Any]:
    """A constant in its own type and shape; float32, float16, uint8 or int32."""
    dtype = np.dtype(TENSOR_TYPES[int(tensor.type)].lower())
    return constant(model, tensor).view(dtype).reshape(tuple(tensor.shape))


def add_buffer(model: Any, data: bytes) -> int:
    """Appends a buffer; returns its number."""
    buffer = schema().BufferT()
    buffer.data = np.frombuffer(data, np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def add_constant(model: Any, graph: Any, value: NDArray[Any], name: str) -> int:
    """Appends a constant to a subgraph; returns its tensor's number."""
    tensor = schema().TensorT()
    tensor.shape = np.array(value.shape, np.int32)
    tensor.type = TENSOR_TYPES.index(str(value.dtype).upper())
    tensor.buffer = add_buffer(model, value.tobytes())
    tensor.name, tensor.hasRank = name.encode(), True
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def add_code(model: Any, builtin: str, custom: str = "") -> int:
    """The number of an operator in the model's table, which gets it where it is not there yet.

    Args:
        builtin: 'CUSTOM', 'STABLEHLO_COMPOSITE' ...
        custom: a custom op's own name.
    """
    number, name = BUILTIN_OPS.index(builtin), custom.encode() or None
    for index, code in enumerate(model.operatorCodes):
        if (code.builtinCode, code.customCode) == (number, name):
            return index
    code = schema().OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = number, min(number, _LAST_OLD_CODE)
    code.customCode, code.version = name, 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def custom_op(
    model: Any, name: str, inputs: Sequence[int], outputs: Sequence[int], options: Mapping[str, int]
) -> Any:
    """A custom op that takes and gives these tensors; the caller puts it into a subgraph."""
    op = schema().OperatorT()
    op.opcodeIndex = add_code(model, "CUSTOM", name)
    op.inputs, op.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
    op.customOptions = flex(options)
    op.customOptionsFormat = schema().CustomOptionsFormat.FLEXBUFFERS
    return op


def flex(options: Mapping[str, int]) -> NDArray[Any]:
    """A flexbuffer map of integers, uint8 `[n]`."""
    return np.frombuffer(bytes(flexbuffers.Dumps(dict(options))), np.uint8)


def adopt(model: Any, other: Any) -> None:
    """Takes over another model's operators and buffers; its subgraphs then fit into this model.

    Only the numbers are changed: a subgraph of `other` has to be added, or its tensors and ops.
    """
    codes, buffers = len(model.operatorCodes), len(model.buffers)
    for graph in other.subgraphs:
        for op in graph.operators:
            op.opcodeIndex += codes
        for tensor in graph.tensors:
            tensor.buffer += buffers
    model.operatorCodes += other.operatorCodes
    model.buffers += other.buffers


def drop_unread_constants(model: Any) -> None:
    """Empties the buffers of tensors of the first subgraph that nothing reads any more."""
    graph = model.subgraphs[0]
    read = {int(index) for op in graph.operators for index in (*op.inputs, *op.outputs)}
    read |= {int(index) for index in (*graph.inputs, *graph.outputs)}
    used = {graph.tensors[index].buffer for index in read if index >= 0}
    entries: list[Any] = model.metadata or []
    used |= {entry.buffer for entry in entries}
    for other in model.subgraphs[1:]:
        used |= {tensor.buffer for tensor in other.tensors}
    for number, buffer in enumerate(model.buffers):
        if number not in used:
            buffer.data = None


def with_metadata(file: bytes | tflite.TfliteFile, metadata: about.Metadata) -> bytes:
    """The file with this metadata in the place of any it had.

    Args:
        file: a TFLite file.
        metadata: what it is to say.

    Returns:
        The file; the same bytes for the same arguments.

    Raises:
        DataError: the file is damaged, or a class name has a line break in it.
    """
    model = unpack(tflite.parsed(file).data)
    content = about.encode(metadata)
    kept: list[Any] = []
    entries: list[Any] = model.metadata or []
    for entry in entries:
        if _entry_name(entry) == ENTRY:
            model.buffers[entry.buffer].data = None
        else:
            kept.append(entry)
    entry = schema().MetadataT()
    entry.name, entry.buffer = ENTRY, add_buffer(model, content)
    model.metadata = [*kept, entry]
    packed = pack(model)
    return packed + about.archive(metadata, len(packed))


def _entry_name(entry: Any) -> str:
    return entry.name.decode() if isinstance(entry.name, bytes) else str(entry.name)


def _pack_buffer(generated: Any, buffer: Any, builder: Any) -> int:
    vector = None
    if buffer.data is not None and len(buffer.data):
        content = np.asarray(buffer.data, np.uint8).tobytes()
        builder.StartVector(1, len(content), _ALIGNMENT)
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        vector = builder.EndVector()
    generated.BufferStart(builder)
    if vector is not None:
        generated.BufferAddData(builder, vector)
    return generated.BufferEnd(builder)
