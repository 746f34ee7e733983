"""Reads .npz files: no pickle, and no memory that the file does not account for; writes them."""

from __future__ import annotations

import lzma
import math
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files.errors import DataError, one_line

MAX_BYTES = 2**31  # of all arrays that are read
Kind = tuple[str, int | None]
Arrays = dict[str, NDArray[Any]]

_format: Any = np.lib.format  # its types are not told
_MAX_DEFLATE_RATIO = 1032  # what deflate can at most save
# What zipfile and numpy.lib.format raise on damaged files; found by mutating files in the tests.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
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


def read(
    path: str | os.PathLike[str],
    required: Mapping[str, Kind],
    optional: Mapping[str, Kind] | None = None,
    *,
    max_bytes: int | None = None,
) -> Arrays:
    """Arrays of a .npz file, each of its kind; what else the file holds is not looked at.

    Args:
        path: the file.
        required: name -> (kinds of dtype, number of axes). A kind is a letter of `numpy.dtype.kind`
            ('i', 'u', 'U'), or 'u1' for uint8 alone; None takes any number of axes.
        optional: the same, of arrays that the file may lack.
        max_bytes: of all these arrays together; None for `MAX_BYTES`.

    Raises:
        DataError: the file is no .npz, lacks an array, has one of another kind or more than so many
            bytes, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            held = set(archive.namelist())
            there = {n: kind for n, kind in (optional or {}).items() if f"{n}.npy" in held}
            wanted = {**required, **there}
            _check_names(required, held, path)
            _check_sizes(archive, wanted, MAX_BYTES if max_bytes is None else max_bytes, path)
            return {n: _member(archive, path, n, *kind) for n, kind in wanted.items()}
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except _DAMAGE as error:
        reason = one_line(error)[:200]
        raise DataError(f"{path}: expected a sound .npz file. Received: {reason}.") from error


def write(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes a .npz file as `numpy.savez` does.

    That leaves its archive open where the disk is full, which then complains on stderr, after the
    error, when it is collected.

    Raises:
        OSError: it cannot be written.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                _format.write_array(member, np.asanyarray(array), allow_pickle=False)


def _check_names(required: Mapping[str, Kind], held: set[str], path: object) -> None:
    missing = [name for name in required if f"{name}.npy" not in held]
    if missing:
        names = ", ".join(sorted(held)[:10]) or "nothing"
        raise DataError(f"{path}: expected an array '{missing[0]}'. Received: a file with {names}.")


def _check_sizes(
    archive: zipfile.ZipFile, wanted: Mapping[str, Kind], most: int, path: object
) -> None:
    left = most
    for name in wanted:
        entry = archive.getinfo(f"{name}.npy")
        if entry.file_size > min(left, _MAX_DEFLATE_RATIO * (entry.compress_size + 1)):
            raise DataError(
                f"{path}: expected arrays of at most {most} bytes unpacked. Received: "
                f"{entry.file_size} bytes of '{name}', stored in {entry.compress_size}."
            )
        left -= entry.file_size


def _member(
    archive: zipfile.ZipFile, path: object, name: str, kinds: str, axes: int | None
) -> NDArray[Any]:
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as stream:
        shape, dtype, header = _header(stream)
    if dtype.hasobject:
        raise DataError(
            f"{path}: expected an array '{name}' of numbers. Received: pickled objects, which are "
            "never loaded."
        )
    is_kind = dtype == np.uint8 if kinds == "u1" else dtype.kind in kinds
    if not is_kind or (axes is not None and len(shape) != axes):
        extent = "" if axes is None else f" with {axes} axes"
        raise DataError(
            f"{path}: expected '{name}' of kind '{kinds}'{extent}. "
            f"Received: {dtype}, shape {shape}."
        )
    if header + math.prod(shape) * dtype.itemsize != entry.file_size:
        raise DataError(
            f"{path}: expected '{name}' of shape {shape} to fill its entry. Received: "
            f"{entry.file_size} bytes, {header} of them header."
        )
    with archive.open(entry) as stream:
        return _format.read_array(stream, allow_pickle=False)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """(shape, dtype, bytes before the values) of a .npy stream."""
    version = _format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = _format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = _format.read_array_header_2_0(stream)
    else:
        raise ValueError(f".npy version {version}, which this reader does not know")
    return shape, dtype, stream.tell()
