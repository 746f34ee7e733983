"""TFLite files as editable objects and back, with constants aligned as TensorFlow aligns them."""

from __future__ import annotations

import functools
from typing import Any

import flatbuffers
import numpy as np

from xncaps_converters import tflite_file

_ALIGNMENT = 16  # force_align of Buffer.data in TFLite's schema, which Python's writer leaves out


def unpack(data: bytes) -> Any:
    """A file as the schema's editable objects; parse files of strangers by `tflite_file` first."""
    schema = tflite_file.schema()
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(bytearray(data), 0))


def pack(model: Any) -> bytes:
    """The file of such objects."""
    schema = tflite_file.schema()
    for buffer in model.buffers:
        buffer.Pack = functools.partial(_pack_buffer, schema, buffer)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), tflite_file.IDENTIFIER)
    return bytes(builder.Output())


def add_buffer(model: Any, data: bytes) -> int:
    """Appends a buffer; returns its number."""
    buffer = tflite_file.schema().BufferT()
    buffer.data = np.frombuffer(data, np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def _pack_buffer(schema: Any, buffer: Any, builder: Any) -> int:
    vector = None
    if buffer.data is not None and len(buffer.data):
        content = np.asarray(buffer.data, np.uint8).tobytes()
        builder.StartVector(1, len(content), _ALIGNMENT)
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        vector = builder.EndVector()
    schema.BufferStart(builder)
    if vector is not None:
        schema.BufferAddData(builder, vector)
    return schema.BufferEnd(builder)
