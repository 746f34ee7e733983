"""Reads flatbuffers that come from strangers: every offset, size and count is checked first.

The generated readers of the `flatbuffers` package trust a file: a wrong offset reads elsewhere, or
ends in a struct.error with a traceback. Here it is one DataError that says where. Needs nothing but
the standard library: the Android build reads models by it, too.

Source: the format, https://flatbuffers.dev/internals/.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from xncaps_files.errors import DataError

_MOST_TABLES = 1 << 21  # the largest models have some 100,000 tensors, a table or two each


@dataclass
class Source:
    """A file's bytes, and how many more tables and how many more of the bytes may be copied out.

    Honest files share next to nothing, so both are bounded by the file's size. A hostile one could
    have every table of a vector be one and the same with a long name: quadratic work and memory.
    In errors it is a `what`, of the `name` (its path) where that is known.
    """

    data: bytes
    what: str = "flatbuffer"
    name: str = ""
    tables_left: int = field(init=False)
    bytes_left: int = field(init=False)

    def __post_init__(self) -> None:
        self.tables_left = min(len(self.data) // 4, _MOST_TABLES)
        self.bytes_left = 2 * len(self.data)

    def fail(self, reason: str) -> DataError:
        where = f"{self.name}: " if self.name else ""
        return DataError(f"{where}expected an intact {self.what}. Received: {reason}.")

    def check(self, start: int, size: int, name: str) -> None:
        """Raises unless `size` bytes from `start` lie in the file."""
        if start < 0 or size < 0 or start + size > len(self.data):
            raise self.fail(
                f"{name} at byte {start} of {size} bytes, in a file of {len(self.data)} bytes"
            )

    def copy(self, start: int, size: int, name: str) -> memoryview:
        """A view of `size` bytes that are to be copied; counts them."""
        self.check(start, size, name)
        self.spend(size, name)
        return memoryview(self.data)[start : start + size]

    def spend(self, size: int, name: str) -> None:
        """Counts bytes that are about to be copied."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise self.fail(f"{name} and others that are the same bytes over and over")

    def number(self, position: int, code: str, name: str) -> int | float:
        """A little-endian scalar; `code` as in `struct`."""
        self.check(position, struct.calcsize("<" + code), name)
        return struct.unpack_from("<" + code, self.data, position)[0]

    def root(self, identifier: bytes, name: str) -> Table:
        """The root table of a file that carries a four-byte identifier."""
        if len(self.data) < 8 or self.data[4:8] != identifier:
            found = self.data[4:8]
            raise self.fail(f"identifier {found!r} instead of {identifier!r}")
        return Table(self, int(self.number(0, "I", f"offset of {name}")), name)


class Table:
    """A table of a flatbuffer; fields are asked for by their number in the schema."""

    def __init__(self, source: Source, position: int, name: str) -> None:
        source.tables_left -= 1
        if source.tables_left < 0:
            raise source.fail("tables that contain each other or are used over and over")
        self.source, self.position, self.name = source, position, name
        vtable = position - int(source.number(position, "i", name))
        size = int(source.number(vtable, "H", f"vtable of {name}"))
        source.check(vtable, max(size, 4), f"vtable of {name}")
        extent = int(source.number(vtable + 2, "H", f"vtable of {name}"))
        source.check(position, extent, name)
        self._vtable, self._count = vtable, size // 2 - 2

    def _at(self, number: int) -> int | None:
        """The position of a field's value, None where it is left out."""
        if number >= self._count:
            return None
        offset = int(self.source.number(self._vtable + 4 + 2 * number, "H", self.name))
        return self.position + offset if offset else None

    def number(self, number: int, code: str, default: int | float = 0) -> int:
        """An integer (or bool) field."""
        at = self._at(number)
        name = f"field {number} of {self.name}"
        return int(default if at is None else self.source.number(at, code, name))

    def _follow(self, number: int, name: str) -> int | None:
        at = self._at(number)
        return None if at is None else at + int(self.source.number(at, "I", f"offset of {name}"))

    def _vector(self, number: int, width: int, name: str) -> tuple[int, int] | None:
        """(position of the first element, count), with all elements inside the file."""
        at = self._follow(number, name)
        if at is None:
            return None
        count = int(self.source.number(at, "I", f"length of {name}"))
        self.source.check(at + 4, count * width, name)
        return at + 4, count

    def table(self, number: int, name: str) -> Table | None:
        """A field that is a table."""
        at = self._follow(number, name)
        return None if at is None else Table(self.source, at, name)

    def tables(self, number: int, name: str) -> list[Table]:
        """A field that is a vector of tables; empty where it is left out."""
        vector = self._vector(number, 4, f"{name}s")
        if vector is None:
            return []
        start, count = vector
        positions = range(start, start + 4 * count, 4)
        return [
            Table(self.source, at + int(self.source.number(at, "I", name)), f"{name} {index}")
            for index, at in enumerate(positions)
        ]

    def count(self, number: int, width: int, name: str) -> int:
        """How many elements of `width` bytes a vector has; 0 where it is left out."""
        vector = self._vector(number, width, name)
        return 0 if vector is None else vector[1]

    def data(self, number: int, name: str) -> memoryview | None:
        """A field that is a vector of bytes, as a view of the file."""
        vector = self._vector(number, 1, name)
        if vector is None:
            return None
        return memoryview(self.source.data)[vector[0] : vector[0] + vector[1]]

    def copied(self, number: int, name: str) -> bytes:
        """A field that is a vector of bytes, as a copy; empty where it is left out."""
        vector = self._vector(number, 1, name)
        return b"" if vector is None else bytes(self.source.copy(*vector, name))

    def ints(self, number: int, name: str, code: str = "i") -> tuple[int, ...]:
        """A field that is a vector of integers; `code` as in `struct`; empty where left out."""
        return self._numbers(number, code, name)

    def floats(self, number: int, name: str) -> tuple[float, ...]:
        """A field that is a vector of float32; empty where it is left out."""
        return self._numbers(number, "f", name)

    def _numbers(self, number: int, code: str, name: str) -> tuple[Any, ...]:
        width = struct.calcsize("<" + code)
        vector = self._vector(number, width, name)
        if vector is None:
            return ()
        return struct.unpack(
            f"<{vector[1]}{code}", self.source.copy(vector[0], vector[1] * width, name)
        )

    def text(self, number: int, name: str) -> str:
        """A field that is a string; empty where it is left out, odd bytes replaced."""
        return self.copied(number, name).decode("utf-8", "replace")

    def texts(self, number: int, name: str) -> list[str]:
        """A field that is a vector of strings; empty where it is left out."""
        vector = self._vector(number, 4, name)
        if vector is None:
            return []
        found: list[str] = []
        for at in range(vector[0], vector[0] + 4 * vector[1], 4):
            start = at + int(self.source.number(at, "I", name))
            count = int(self.source.number(start, "I", f"length of {name}"))
            self.source.tables_left -= 1
            if self.source.tables_left < 0:
                raise self.source.fail("strings that are used over and over")
            content = bytes(self.source.copy(start + 4, count, name))
            found.append(content.decode("utf-8", "replace"))
        return found
