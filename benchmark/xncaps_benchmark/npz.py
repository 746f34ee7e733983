"""Arrays of an .npz that may be a stranger's: nothing unpickled, sizes checked first."""

from __future__ import annotations

import pathlib
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from xncaps_benchmark.errors import ModelError

MAX_BYTES = 1 << 30


def read(path: pathlib.Path, kinds: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The arrays whose names are in `kinds` (name -> letters of NumPy kinds); others are not read.

    Raises:
        ModelError: not an archive, damaged, too large when unpacked, or an array of another kind.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = _members(archive, kinds, path)
            return {name: _array(archive, name, kinds[name], path) for name in names}
    except (OSError, zipfile.BadZipFile, zlib.error, ValueError, EOFError, RuntimeError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(f"{path}: expected a .npz of arrays. Received: {text}") from error


def _members(archive: zipfile.ZipFile, kinds: Mapping[str, str], path: pathlib.Path) -> list[str]:
    infos = {info.filename: info for info in archive.infolist()}
    known = [name for name in kinds if f"{name}.npy" in infos]
    total = sum(infos[f"{name}.npy"].file_size for name in known)
    if total > MAX_BYTES:
        raise ModelError(f"{path}: expected at most {MAX_BYTES} bytes unpacked. Received: {total}.")
    return known


def _array(archive: zipfile.ZipFile, name: str, kind: str, path: pathlib.Path) -> np.ndarray:
    with archive.open(f"{name}.npy") as file:
        shape, dtype = _header(file)
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if dtype.kind not in kind or dtype.hasobject or not 0 <= size <= MAX_BYTES:
        raise ModelError(f"{path}: expected {name} of kind {kind}. Received: {dtype} {shape}.")
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type that an .npy file states, before anything of that size is allocated."""
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"an .npy of version {version}")
    shape, _, dtype = readers[version](file)
    return shape, dtype
