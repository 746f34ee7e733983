"""Reader of IDX files (the format of MNIST), gzipped or not.

An IDX file: two zero bytes, a type byte (8: uint8), a byte with the number of axes, the length of
each axis as big-endian uint32, the values in C order, and nothing more.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from xncaps_tf.errors import DataError

_UINT8 = 8
_MAX_BYTES = 2**31  # of values; MNIST's largest file has 47 MB
_MAX_DEFLATE_RATIO = 1032  # what deflate can at most save; https://zlib.net/zlib_tech.html
_CHUNK = 2**20


def read(path: Path, *, axes: int) -> NDArray[Any]:
    """The uint8 array of an IDX file with that number of axes.

    The length that the header promises is held against the size of the file before memory is
    taken for it.

    Raises:
        DataError: the file cannot be read, is no IDX file of uint8 with so many axes, is damaged,
            shorter or longer than its header says.
    """
    try:
        with path.open("rb") as stream:
            if stream.read(2) != b"\x1f\x8b":
                stream.seek(0)
                return _read_stream(stream, path, axes, path.stat().st_size)
        with gzip.open(path, "rb") as stream:
            most = path.stat().st_size * _MAX_DEFLATE_RATIO
            return _read_stream(stream, path, axes, most)  # pyright: ignore[reportArgumentType]
    except EOFError as error:
        raise DataError(
            f"{path}: expected a whole gzip file. Received: a truncated one."
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a sound gzip file. Received: {error}.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from error


def _read_stream(stream: BinaryIO, path: Path, axes: int, most: int) -> NDArray[Any]:
    magic = stream.read(4)
    expected = bytes([0, 0, _UINT8, axes])
    if magic != expected:
        raise DataError(
            f"{path}: expected an IDX file of uint8 with {axes} axes (magic number "
            f"0x{expected.hex()}). Received: magic number 0x{magic.hex()}."
        )
    header = stream.read(4 * axes)
    if len(header) != 4 * axes:
        raise DataError(f"{path}: expected {axes} lengths after the magic number. Received: fewer.")
    shape = struct.unpack(f">{axes}I", header)
    size = math.prod(shape)
    if size > min(most, _MAX_BYTES):
        raise DataError(
            f"{path}: expected {size} bytes of values, as its header says (shape {shape}). "
            f"Received: a file that can hold at most {min(most, _MAX_BYTES)}."
        )
    values = bytearray()
    while len(values) <= size:  # one byte more than promised shows that there is a rest
        chunk = stream.read(min(_CHUNK, size + 1 - len(values)))
        if not chunk:
            break
        values += chunk
    if len(values) != size:
        found = f"only {len(values)} (truncated)" if len(values) < size else "more (a rest)"
        raise DataError(
            f"{path}: expected {size} bytes of values, as its header says (shape {shape}). "
            f"Received: {found}."
        )
    return np.frombuffer(values, np.uint8).reshape(shape)
