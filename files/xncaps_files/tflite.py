"""A TFLite file as plain records: subgraphs, ops, tensors, constants, metadata entries."""

from __future__ import annotations

import math
import os
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from xncaps_files.errors import DataError
from xncaps_files.flatbuffer import Source, Table
from xncaps_files.op_codes import IDENTIFIER, TENSOR_TYPES, OperatorCode, operator_codes

MAX_MODEL_BYTES = 2**31 - 1  # a flatbuffer's own limit: its offsets are 32 bits, signed
Item = TypeVar("Item")
Bytes = NDArray[np.uint8]
_MOST_AXES = 64  # TFLite's ops know 8; the product of a million sizes would take minutes
_NUMBERS = ("float32", "float16", "int32", "uint8", "int64", "bool", "int16", "int8")


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
        scale, zero_point: of its quantization, empty where it has none.
    """

    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    type: str
    data: Bytes | None
    buffer: int
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()


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
        data: the bytes that it was read from, with what is appended to the flatbuffer.
        description: who made it, as the converter says.
        metadata: the bytes of each named metadata buffer.
    """

    data: bytes = field(repr=False)
    description: str
    subgraphs: tuple[Subgraph, ...]
    metadata: dict[str, bytes]

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.data)

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


@dataclass(frozen=True)
class Io:
    """An input or output: its NumPy type, and how its steps are real numbers; scale 0 for none."""

    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int
    name: str = ""


_KERAS = (b"PK\3\4", b"\x89HDF")  # .keras is a ZIP archive, .h5 an HDF5 file


def load(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a TFLite file.

    Raises:
        DataError: missing, not a file, larger than a flatbuffer can be, or not a TFLite file.
    """
    file = pathlib.Path(path)
    try:
        size = file.stat().st_size
        if not file.is_file():
            raise DataError(f"{file}: expected a .tflite file. Received: what is not a file.")
        if size > MAX_MODEL_BYTES:
            raise DataError(f"{file}: expected at most 2 GiB. Received: {size} bytes.")
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}.") from error
    if data[4:8] != IDENTIFIER:
        is_keras = data.startswith(_KERAS)
        hint = "a ZIP or HDF5 file; of a Keras model xncaps convert makes a TFLite file"
        found = hint if is_keras else "other bytes"
        raise DataError(f"{file}: expected a TFLite file (TFL3 at byte 4). Received: {found}.")
    return data


def read_io(data: bytes, what: str = "the file") -> tuple[list[Io], list[Io]]:
    """Inputs and outputs of the main graph; `what` names the file in errors.

    Raises:
        DataError: damaged, or a type that is no number.
    """
    graph = parse(data, what).main
    return _ends(graph, graph.inputs, what), _ends(graph, graph.outputs, what)


def _ends(graph: Subgraph, numbers: tuple[int, ...], what: str) -> list[Io]:
    found: list[Io] = []
    for number in numbers:
        tensor = graph.tensors[number]
        dtype = tensor.type.lower()
        if dtype not in _NUMBERS:
            raise DataError(f"{what}: expected inputs and outputs of numbers. Received: {dtype}.")
        single = len(tensor.scale) == 1 and len(tensor.zero_point) <= 1
        scale = tensor.scale[0] if single else 0.0
        found.append(
            Io(tensor.shape, dtype, scale, sum(tensor.zero_point) if single else 0, tensor.name)
        )
    return found


def parse(data: bytes, name: str = "") -> TfliteFile:
    """Reads a TFLite flatbuffer; `name` is its own in errors.

    Raises:
        DataError: it is not one, or an offset, size or number in it leads outside.
    """
    source = Source(bytes(data), "TFLite file", name)
    model = source.root(IDENTIFIER, "model")
    buffers = [_buffer(source, table) for table in model.tables(4, "buffer")]
    codes = operator_codes(model)
    graphs = tuple(_subgraph(source, t, codes, buffers) for t in model.tables(2, "subgraph"))
    if not graphs:
        raise source.fail("no subgraph")
    metadata: dict[str, bytes] = {}
    for entry in model.tables(6, "metadata entry"):
        number = entry.number(1, "I")
        content = _item(source, buffers, number, f"buffer of {entry.name}")
        size = 0 if content is None else content.size
        source.spend(size, f"buffer of {entry.name}")
        metadata[entry.text(0, "name of a metadata entry")] = (
            b"" if content is None else content.tobytes()
        )
    return TfliteFile(source.data, model.text(3, "description"), graphs, metadata)


def parsed(file: bytes | TfliteFile, name: str = "") -> TfliteFile:
    """The file itself, or what its bytes hold; `name` as of `parse`."""
    return file if isinstance(file, TfliteFile) else parse(file, name)


def _item(source: Source, items: Sequence[Item], number: int, what: str) -> Item:
    if not 0 <= number < len(items):
        raise source.fail(f"{what}: number {number} of {len(items)}")
    return items[number]


def _buffer(source: Source, table: Table) -> Bytes | None:
    """A buffer's bytes: inside the flatbuffer, or behind it in files over 2 GB."""
    offset, size = table.number(1, "Q"), table.number(2, "Q")
    if offset > 1:
        source.check(offset, size, table.name)
        return np.frombuffer(source.data, np.uint8, size, offset)
    data = table.data(0, table.name)
    return np.frombuffer(data, np.uint8) if data else None


def _subgraph(
    source: Source, table: Table, codes: list[OperatorCode], buffers: list[Bytes | None]
) -> Subgraph:
    tensors = tuple(_tensor(source, t, buffers) for t in table.tables(0, "tensor"))
    ops: list[Op] = []
    for node in table.tables(3, "operator"):
        code = _item(source, codes, node.number(0, "I"), f"code of {node.name}")
        op = Op(
            code.name,
            code.is_custom,
            node.ints(1, f"inputs of {node.name}"),
            node.ints(2, f"outputs of {node.name}"),
            node.copied(5, f"options of {node.name}"),
        )
        for number in op.inputs + op.outputs:
            if not -1 <= number < len(tensors):
                raise source.fail(f"tensor {number} of {len(tensors)} in {node.name} ({code.name})")
        ops.append(op)
    ends = table.ints(1, "inputs"), table.ints(2, "outputs")
    for number in ends[0] + ends[1]:
        _item(source, tensors, number, "input or output")
    return Subgraph(table.text(4, "name"), tensors, ends[0], ends[1], tuple(ops))


def _tensor(source: Source, table: Table, buffers: list[Bytes | None]) -> Tensor:
    shape = table.ints(0, f"shape of {table.name}")
    if len(shape) > _MOST_AXES:
        raise source.fail(f"{len(shape)} axes of {table.name}")
    if any(size < 0 for size in shape) or math.prod(shape) > 2**40:
        raise source.fail(f"shape {list(shape)} of {table.name}")
    number = table.number(2, "I")
    quantization = table.table(4, f"quantization of {table.name}")
    kind = table.number(1, "b")
    return Tensor(
        name=table.text(3, f"name of {table.name}"),
        shape=shape,
        signature=table.ints(7, f"signature of {table.name}") or shape,
        type=TENSOR_TYPES[kind] if 0 <= kind < len(TENSOR_TYPES) else "UNKNOWN",
        data=_item(source, buffers, number, f"buffer of {table.name}"),
        buffer=number,
        scale=() if quantization is None else quantization.floats(2, "scale"),
        zero_point=() if quantization is None else quantization.ints(3, "zero points", "q"),
    )
