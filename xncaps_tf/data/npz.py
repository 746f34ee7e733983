"""Safe reader of .npz files: no pickle, and no memory that the file does not account for."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from xncaps_tf.errors import DataError

_MAX_BYTES = 2**31  # of one array
_MAX_DEFLATE_RATIO = 1032  # what deflate can at most save
# What zipfile and numpy.lib.format raise on damaged files; found by mutating files in the tests.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    NotImplementedError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    SyntaxError,
    RecursionError,
    RuntimeError,
    OverflowError,
)


def read(path: Path, wanted: dict[str, tuple[str, int]]) -> dict[str, np.ndarray]:
    """The arrays `wanted` of a .npz file: name -> (kinds of dtype, number of axes).

    A kind is a letter of `numpy.dtype.kind` ('i', 'u', 'U'), or 'u1' for uint8 alone.

    Raises:
        DataError: the file is no .npz, lacks an array, has one of another kind, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                name: _member(archive, path, name, kinds, axes)
                for name, (kinds, axes) in wanted.items()
            }
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: expected a sound .npz file. Received: {reason}.") from error


def _member(archive: zipfile.ZipFile, path: Path, name: str, kinds: str, axes: int) -> np.ndarray:
    try:
        entry = archive.getinfo(f"{name}.npy")
    except KeyError:
        held = ", ".join(sorted(archive.namelist())[:10]) or "nothing"
        raise DataError(
            f"{path}: expected an array '{name}'. Received: a file with {held}."
        ) from None
    if entry.file_size > min(_MAX_BYTES, _MAX_DEFLATE_RATIO * (entry.compress_size + 1)):
        raise DataError(
            f"{path}: expected an array '{name}' of at most {_MAX_BYTES} bytes. Received: "
            f"{entry.file_size} bytes, stored in {entry.compress_size}."
        )
    with archive.open(entry) as stream:
        shape, dtype, header = _header(stream)
    if dtype.hasobject:
        raise DataError(
            f"{path}: expected an array '{name}' of numbers. Received: pickled objects, which are "
            "never loaded."
        )
    is_kind = dtype == np.uint8 if kinds == "u1" else dtype.kind in kinds
    if not is_kind or len(shape) != axes:
        raise DataError(
            f"{path}: expected '{name}' of kind '{kinds}' with {axes} axes. "
            f"Received: {dtype}, shape {shape}."
        )
    if header + math.prod(shape) * dtype.itemsize != entry.file_size:
        raise DataError(
            f"{path}: expected '{name}' of shape {shape} to fill its entry. Received: "
            f"{entry.file_size} bytes, {header} of them header."
        )
    with archive.open(entry) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], Any, int]:
    """(shape, dtype, bytes before the values) of a .npy stream."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f".npy version {version}, which this reader does not know")
    return shape, dtype, stream.tell()
