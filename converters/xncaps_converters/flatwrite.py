"""TFLite files as editable objects and back, with constants aligned as TensorFlow aligns them."""

from __future__ import annotations

import functools
from typing import Any

import flatbuffers
import numpy as np

from xncaps_files import metadata as about
from xncaps_files import tflite
from xncaps_files.metadata_format import ENTRY

_ALIGNMENT = 16  # force_align of Buffer.data in TFLite's schema, which Python's writer leaves out


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
    builder.Finish(model.Pack(builder), tflite.IDENTIFIER)
    return bytes(builder.Output())


def add_buffer(model: Any, data: bytes) -> int:
    """Appends a buffer; returns its number."""
    buffer = schema().BufferT()
    buffer.data = np.frombuffer(data, np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def with_metadata(flatbuffer: bytes, metadata: about.Metadata) -> bytes:
    """The file with this metadata in the place of any it had.

    Args:
        flatbuffer: a TFLite file.
        metadata: what it is to say.

    Returns:
        The file; the same bytes for the same arguments.

    Raises:
        DataError: the file is damaged, or a class name has a line break in it.
    """
    tflite.parse(flatbuffer)
    model = unpack(flatbuffer)
    content = about.encode(metadata)
    kept = []
    for entry in model.metadata or []:
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
