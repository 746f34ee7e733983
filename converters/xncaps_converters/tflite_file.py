"""A TFLite file as plain records: subgraphs, ops, tensors, constants, metadata entries."""

from __future__ import annotations

import functools
import math
import os
import pathlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from xncaps_converters.flatfile import Source, Table
from xncaps_tf.errors import DataError

IDENTIFIER = b"TFL3"
_PLACEHOLDER = 127  # the old one-byte operator code that says: look at the new one


@dataclass(frozen=True)
class Tensor:
    """A tensor of a subgraph.

    Attributes:
        name: as the converter wrote it.
        shape: sizes; an open one is 1 here and -1 in `signature`.
        signature: sizes, -1 where open.
        type: 'FLOAT32', 'INT8' ...
        data: the constant's bytes, None for a tensor that is computed.
        buffer: number of the buffer that holds them.
        scale: of its quantization, empty where it has none.
    """

    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    type: str
    data: np.ndarray | None
    buffer: int
    scale: tuple[float, ...] = ()


@dataclass(frozen=True)
class Op:
    """A node: its operator's name and the numbers of its tensors, -1 for one left out."""

    name: str
    is_custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: bytes = b""


@dataclass(frozen=True)
class Subgraph:
    """A subgraph; the first of a file is the one that is run."""

    name: str
    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    ops: tuple[Op, ...]


@dataclass(frozen=True)
class TfliteFile:
    """A whole file.

    Attributes:
        size: in bytes, with what is appended to the flatbuffer.
        description: who made it, as the converter says.
        metadata: the bytes of each named metadata buffer.
    """

    size: int
    description: str
    subgraphs: tuple[Subgraph, ...]
    metadata: dict[str, bytes]

    @property
    def main(self) -> Subgraph:
        return self.subgraphs[0]

    @property
    def ops(self) -> list[Op]:
        """The ops of every subgraph."""
        return [op for graph in self.subgraphs for op in graph.ops]

    @property
    def custom_ops(self) -> list[str]:
        """Names of the ops that are not TFLite's own, each once, sorted."""
        return sorted({op.name for op in self.ops if op.is_custom})


def load(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file; a missing one is an error of one line."""
    file = pathlib.Path(path)
    if not file.is_file():
        raise DataError(f"expected a .tflite file. Received: {file}, which is not a file.")
    return file.read_bytes()


def parse(data: bytes) -> TfliteFile:
    """Reads a TFLite flatbuffer.

    Raises:
        DataError: it is not one, or an offset, size or number in it leads outside.
    """
    source = Source(bytes(data), "TFLite file")
    model = source.root(IDENTIFIER, "model")
    buffers = [_buffer(source, table) for table in model.tables(4, "buffer")]
    codes = [_operator(source, table) for table in model.tables(1, "operator code")]
    graphs = tuple(_subgraph(source, t, codes, buffers) for t in model.tables(2, "subgraph"))
    if not graphs:
        raise source.fail("no subgraph")
    metadata = {}
    for entry in model.tables(6, "metadata entry"):
        number = entry.number(1, "I")
        content = _item(source, buffers, number, f"buffer of {entry.name}")
        metadata[entry.text(0, "name of a metadata entry")] = (
            b"" if content is None else content.tobytes()
        )
    return TfliteFile(len(data), model.text(3, "description"), graphs, metadata)


def _item(source: Source, items: list[Any], number: int, what: str) -> Any:
    if not 0 <= number < len(items):
        raise source.fail(f"{what}: number {number} of {len(items)}")
    return items[number]


def _buffer(source: Source, table: Table) -> np.ndarray | None:
    """A buffer's bytes: inside the flatbuffer, or behind it in files over 2 GB."""
    offset, size = table.number(1, "Q"), table.number(2, "Q")
    if offset > 1:
        source.check(offset, size, table.name)
        return np.frombuffer(source.data, np.uint8, size, offset)
    data = table.array(0, "u1", table.name)
    return data if data is not None and data.size else None


def _operator(source: Source, table: Table) -> tuple[str, bool]:
    """(name, whether it is a custom one)."""
    old, new = table.number(0, "b"), table.number(3, "i")
    code = new if old == _PLACEHOLDER else max(old, new)
    names = operator_names()
    if code not in names:
        return f"BUILTIN_{code}", False
    if names[code] != "CUSTOM":
        return names[code], False
    return table.text(1, "custom code") or "CUSTOM", True


def _subgraph(
    source: Source, table: Table, codes: list[tuple[str, bool]], buffers: list[np.ndarray | None]
) -> Subgraph:
    tensors = tuple(_tensor(source, t, buffers) for t in table.tables(0, "tensor"))
    ops = []
    for node in table.tables(3, "operator"):
        name, custom = _item(source, codes, node.number(0, "I"), f"code of {node.name}")
        options = node.array(5, "u1", f"options of {node.name}")
        op = Op(
            name,
            custom,
            node.ints(1, f"inputs of {node.name}"),
            node.ints(2, f"outputs of {node.name}"),
            b"" if options is None else options.tobytes(),
        )
        for number in op.inputs + op.outputs:
            if not -1 <= number < len(tensors):
                raise source.fail(f"tensor {number} of {len(tensors)} in {node.name} ({name})")
        ops.append(op)
    ends = table.ints(1, "inputs"), table.ints(2, "outputs")
    for number in ends[0] + ends[1]:
        _item(source, list(tensors), number, "input or output")
    return Subgraph(table.text(4, "name"), tensors, ends[0], ends[1], tuple(ops))


def _tensor(source: Source, table: Table, buffers: list[np.ndarray | None]) -> Tensor:
    shape = table.ints(0, f"shape of {table.name}")
    if any(size < 0 for size in shape) or math.prod(shape) > 2**40:
        raise source.fail(f"shape {list(shape)} of {table.name}")
    number = table.number(2, "I")
    quantization = table.table(4, f"quantization of {table.name}")
    scale = None if quantization is None else quantization.array(2, "<f4", "scale")
    return Tensor(
        name=table.text(3, f"name of {table.name}"),
        shape=shape,
        signature=table.ints(7, f"signature of {table.name}") or shape,
        type=tensor_types().get(table.number(1, "b"), "UNKNOWN"),
        data=_item(source, buffers, number, f"buffer of {table.name}"),
        buffer=number,
        scale=() if scale is None else tuple(float(value) for value in scale),
    )


def schema() -> Any:
    """TFLite's generated schema, from whichever runtime is installed."""
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError:
        from tensorflow.lite.python import schema_py_generated
    return schema_py_generated


def _names(enumeration: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if name[0] != "_"}


@functools.cache
def operator_names() -> dict[int, str]:
    """Numbers and names of TFLite's own operators."""
    return _names(schema().BuiltinOperator)


@functools.cache
def tensor_types() -> dict[int, str]:
    """Numbers and names of TFLite's element types."""
    return _names(schema().TensorType)
