"""Which ops a TFLite file needs: a small reader of the flatbuffer that checks every offset.

The generated reader of the schema trusts the file and is a second of imports; files may come from
strangers, and all that is wanted here is the list of op codes. Fields by number, from TFLite's
schema.fbs: Model.operator_codes 1, Model.subgraphs 2; OperatorCode.deprecated_builtin_code 0,
.custom_code 1, .builtin_code 3; SubGraph.operators 3; Operator.opcode_index 0.
"""

from __future__ import annotations

import pathlib
import struct
from dataclasses import dataclass

from xncaps_benchmark.errors import ModelError

MAX_MODEL_BYTES = 2**31 - 1  # a flatbuffer's own limit: its offsets are 32 bits, signed
_MAX_ITEMS = 1_000_000
_MAX_NAME = 1_000
CUSTOM = 32
STABLEHLO_COMPOSITE = 206


@dataclass(frozen=True)
class Ops:
    """What a file's graph is made of: custom op names, built-in codes and the number of ops."""

    custom: tuple[str, ...]
    builtin: tuple[int, ...]
    count: int


def read_model(path: pathlib.Path) -> bytes:
    """The file's bytes.

    Raises:
        ModelError: missing, not a file, larger than a flatbuffer can be, or not a TFLite file.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise ModelError(f"{path}: expected a TFLite file. Received: not a regular file.")
        if size > MAX_MODEL_BYTES:
            raise ModelError(f"{path}: expected at most 2 GiB. Received: {size} bytes.")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}.") from error
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise ModelError(f"{path}: expected a TFLite file (TFL3 at byte 4). Received: other bytes.")
    return data


def read_ops(data: bytes, name: str = "model") -> Ops:
    """The ops of a TFLite flatbuffer.

    Raises:
        ModelError: an offset points outside of the file, or a length is beyond reason.
    """
    try:
        return _read_ops(_Reader(data))
    except (struct.error, IndexError, ValueError) as error:
        raise ModelError(
            f"{name}: expected a TFLite file. Received: a damaged one ({error})."
        ) from error


def _read_ops(reader: _Reader) -> Ops:
    model = reader.u32(0)
    custom: set[str] = set()
    builtin: set[int] = set()
    for code in reader.tables(reader.field(model, 1)):
        kind = max(reader.i8_field(code, 0), reader.i32_field(code, 3))
        if kind != CUSTOM:
            builtin.add(kind)
        elif at := reader.field(code, 1):
            custom.add(reader.string(at))
    count = 0
    for graph in reader.tables(reader.field(model, 2)):
        if at := reader.field(graph, 3):
            count += reader.vector(at)[1]
    return Ops(tuple(sorted(custom)), tuple(sorted(builtin)), count)


@dataclass(frozen=True)
class Io:
    """An input or output of the main graph; scale 0 where it is not quantised."""

    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


_DTYPES = {0: "float32", 2: "int32", 3: "uint8", 4: "int64", 7: "int16", 9: "int8"}


def read_io(data: bytes, name: str = "model") -> tuple[list[Io], list[Io]]:
    """Inputs and outputs of the first graph.

    Raises:
        ModelError: damaged, or a type that is neither float32 nor an integer.
    """
    try:
        reader = _Reader(data)
        graph = reader.tables(reader.field(reader.u32(0), 2))[0]
        tensors = reader.tables(reader.field(graph, 0))
        inputs = [_io(reader, tensors[index]) for index in reader.numbers(graph, 1)]
        return inputs, [_io(reader, tensors[index]) for index in reader.numbers(graph, 2)]
    except (struct.error, IndexError, ValueError) as error:
        raise ModelError(f"{name}: its inputs or outputs cannot be read ({error})") from error


def _io(reader: _Reader, tensor: int) -> Io:
    kind = reader.i8_field(tensor, 1)
    if kind not in _DTYPES:
        raise ValueError(f"tensor type {kind}")
    scale, zero_point = 0.0, 0
    if quantization := reader.field(tensor, 4):
        table = quantization + reader.u32(quantization)
        scale, zero_point = reader.scale(table), reader.zero_point(table)
    return Io(tuple(reader.numbers(tensor, 0)), _DTYPES[kind], scale, zero_point)


class _Reader:
    """Positions are absolute; struct raises where one lies outside of the file."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def _unpack(self, form: str, at: int) -> int:
        if at < 0:
            raise ValueError(f"offset {at}")
        return struct.unpack_from(form, self._data, at)[0]

    def u32(self, at: int) -> int:
        return self._unpack("<I", at)

    def field(self, table: int, number: int) -> int:
        """Position of a table's field, 0 where the table lacks it."""
        vtable = table - self._unpack("<i", table)
        if 4 + 2 * number >= self._unpack("<H", vtable):
            return 0
        offset = self._unpack("<H", vtable + 4 + 2 * number)
        return table + offset if offset else 0

    def i8_field(self, table: int, number: int) -> int:
        at = self.field(table, number)
        return self._unpack("<b", at) if at else 0

    def i32_field(self, table: int, number: int) -> int:
        at = self.field(table, number)
        return self._unpack("<i", at) if at else 0

    def vector(self, at: int) -> tuple[int, int]:
        """Position of the first item and the number of items of the vector that `at` refers to."""
        start = at + self.u32(at)
        length = self.u32(start)
        if length > _MAX_ITEMS or start + 4 + length > len(self._data):
            raise ValueError(f"a vector of {length} items")
        return start + 4, length

    def tables(self, at: int) -> list[int]:
        if not at:
            return []
        start, length = self.vector(at)
        places = range(start, start + 4 * length, 4)
        return [place + self.u32(place) for place in places]

    def numbers(self, table: int, number: int) -> list[int]:
        """A field that is a vector of int32."""
        at = self.field(table, number)
        if not at:
            return []
        start, length = self.vector(at)
        return [self._unpack("<i", start + 4 * index) for index in range(min(length, 64))]

    def scale(self, table: int) -> float:
        at = self.field(table, 2)
        start, length = self.vector(at) if at else (0, 0)
        return struct.unpack_from("<f", self._data, start)[0] if length == 1 else 0.0

    def zero_point(self, table: int) -> int:
        at = self.field(table, 3)
        start, length = self.vector(at) if at else (0, 0)
        return self._unpack("<q", start) if length == 1 else 0

    def string(self, at: int) -> str:
        start, length = self.vector(at)
        if length > _MAX_NAME:
            raise ValueError(f"a name of {length} bytes")
        return self._data[start : start + length].decode("utf-8", errors="replace")
