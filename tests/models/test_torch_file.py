"""Legacy torch files: strides are kept, and nothing but tensors is read from strangers' files."""

from __future__ import annotations

import collections
import hashlib
import os
import pathlib
import pickle
import struct
import sys
import types
from typing import Any

import numpy as np
import pytest

from xncaps_tf.errors import DataError
from xncaps_tf.models import torch_file

HEADERS = (
    0x1950A86A20F9469CFC6C,
    1001,
    {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}},
)


class Storage:
    """Stands for a torch storage of that type, key and length while a file is pickled."""

    def __init__(self, key: str, count: int, kind: str = "FloatStorage") -> None:
        self.key, self.count, self.kind = key, count, kind


class Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Storage):
            kind = getattr(sys.modules["torch"], obj.kind)
            return ("storage", kind, obj.key, "cpu", obj.count, None)
        return None


class Tensor:
    def __init__(self, storage: Any, offset: Any, shape: Any, strides: Any) -> None:
        self.parts = (storage, offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self) -> Any:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.parts


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules of torch's names, so that Python's pickler writes what torch's does."""

    def _rebuild_tensor_v2() -> None: ...

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils, main = types.ModuleType("torch._utils"), types.ModuleType("torch")
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # pyright: ignore[reportAttributeAccessIssue]
    for kind in ("FloatStorage", "LongStorage", "DoubleStorage"):
        setattr(main, kind, type(kind, (), {"__module__": "torch", "__qualname__": kind}))
    monkeypatch.setitem(sys.modules, "torch", main)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def state(**tensors: Any) -> Any:
    """A dictionary with torch's `_metadata` attribute, as `Module.state_dict` gives."""
    result = collections.OrderedDict(tensors)
    result._metadata = collections.OrderedDict({"": {"version": 1}})  # pyright: ignore
    return result


def pickled(content: Any) -> bytes:
    import io

    stream = io.BytesIO()
    Pickler(stream, 2).dump(content)
    return stream.getvalue()


def raw(*storages: np.ndarray) -> bytes:
    return b"".join(struct.pack("<q", len(one)) + one.tobytes() for one in storages)


FLOATS = np.arange(12, dtype="<f4")
ONE = Storage("7", 12)


def file_of(
    path: pathlib.Path,
    tensors: Any,
    keys: Any = ("7",),
    storages: bytes | None = None,
    headers: tuple = HEADERS,
) -> tuple[pathlib.Path, str]:
    """A file and its hash."""
    parts = [*map(pickled, headers), pickled(tensors), pickled(list(keys))]
    content = b"".join(parts) + (raw(FLOATS) if storages is None else storages)
    return written(path / "weights.pth", content)


def written(path: pathlib.Path, content: bytes) -> tuple[pathlib.Path, str]:
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def test_tensors_come_by_their_strides(tmp_path: pathlib.Path) -> None:
    numbers = np.array([5], "<i8")
    file = file_of(
        tmp_path,
        state(
            turned=Tensor(ONE, 0, (3, 4), (1, 3)),
            part=Tensor(ONE, 2, (2, 2), (5, 1)),
            count=Tensor(Storage("8", 1, "LongStorage"), 0, (), ()),
        ),
        keys=("7", "8"),
        storages=raw(FLOATS, numbers),
    )
    found = torch_file.read(*file)
    np.testing.assert_array_equal(found["turned"], FLOATS.reshape(4, 3).T)
    np.testing.assert_array_equal(found["part"], [[2, 3], [7, 8]])
    assert found["count"] == 5 and found["count"].dtype == np.int64
    assert all(array.flags.c_contiguous and array.flags.owndata for array in found.values())


def test_a_wrong_hash(tmp_path: pathlib.Path) -> None:
    path, right = file_of(tmp_path, state(a=Tensor(ONE, 0, (12,), (1,))))
    torch_file.read(path, right)
    with pytest.raises(DataError, match=f"weights.pth: .*SHA-256 {'0' * 64}. Received: {right}"):
        torch_file.read(path, "0" * 64)


def test_a_missing_file(tmp_path: pathlib.Path) -> None:
    with pytest.raises(DataError, match="nothing.pth: cannot be read: No such file"):
        torch_file.read(tmp_path / "nothing.pth", "")


def test_a_file_too_large_is_not_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "large.pth"
    with open(path, "wb") as file:
        os.truncate(file.fileno(), torch_file.MAX_BYTES + 1)
    with pytest.raises(DataError, match=f"at most {torch_file.MAX_BYTES} bytes. Received: "):
        torch_file.read(path, "")


class Attack:
    def __reduce__(self) -> Any:
        return os.mkdir, ("attacked",)


def test_a_foreign_pickle_is_refused_and_runs_nothing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="the name posix.mkdir, which is not admitted"):
        torch_file.read(*file_of(tmp_path, state(a=Attack())))
    with pytest.raises(DataError, match="the name posix.mkdir, which is not admitted"):
        torch_file.read(*written(tmp_path / "any.pkl", pickle.dumps(Attack(), 2)))
    assert not (tmp_path / "attacked").exists()


GOOD = Tensor(ONE, 0, (12,), (1,))


@pytest.mark.parametrize(
    ("tensors", "options", "match"),
    [
        (state(a=Tensor(ONE, 0, (10**6, 10**6), (0, 0))), {}, r"shape \(1000000, 1000000\)"),
        (state(a=Tensor(ONE, 1, (12,), (1,))), {}, "offset 1 in a storage of 12"),
        (state(a=Tensor(ONE, 0, (3, 4), (4, 2))), {}, r"strides \(4, 2\)"),
        (state(a=Tensor(ONE, 0, (-3, -4), (4, 1))), {}, "tensor without storage, offset"),
        (state(a=Tensor(ONE, 0, (12,), (1, 1))), {}, "zip()"),
        (state(a=Tensor("7", 0, (12,), (1,))), {}, "tensor without storage"),
        (state(a=Tensor(Storage("7", 12, "DoubleStorage"), 0, (12,), (1,))), {}, "DoubleStorage"),
        (state(a=Tensor(Storage("7", 10**15), 0, (12,), (1,))), {}, "a truncated file: storage 7"),
        (state(a=GOOD, b=Tensor(Storage("7", 11), 0, (11,), (1,))), {}, "of 12 elements where 11"),
        (state(a=GOOD), {"keys": ("7", "8")}, "2 storages where the tensors name 1"),
        (state(a=GOOD), {"storages": raw(FLOATS)[:-1]}, "truncated file: .* ends 1 bytes later"),
        (state(a=GOOD), {"storages": raw(FLOATS) + b"more"}, "4 bytes behind the last storage"),
        (state(a=GOOD), {"storages": raw(FLOATS[:4], FLOATS[:7])}, "7 of 4 elements where 12"),
        (state(a=1), {}, "an entry 'a' that is no tensor"),
        ([GOOD], {}, "something else than a dictionary"),
        (state(a=GOOD), {"headers": (1, *HEADERS[1:])}, "a magic number of 1"),
        (state(a=GOOD), {"headers": (HEADERS[0], 2, HEADERS[2])}, "a protocol version of 2"),
        (state(a=GOOD), {"headers": (*HEADERS[:2], {})}, "not little-endian"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_is_no_file_of_tensors(
    tensors: Any, options: dict, match: str, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(DataError, match=f"expected a legacy torch file of tensors.*{match}"):
        torch_file.read(*file_of(tmp_path, tensors, **options))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "a broken pickle"),
        (pickle.dumps(HEADERS[0], 4), "FRAME"),
        (b"\x80\x02Nr\xff\xff\xff\xff.", "memo number 4294967295"),
        (b"\x80\x02]}b}b.", "BUILD"),
        (b"\x80\x02(((.", "a broken pickle"),
        (b"PK\x03\x04 the form of newer files", "a broken pickle"),
    ],
)
def test_what_is_no_pickle_of_tensors(content: bytes, match: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(DataError, match=match):
        torch_file.read(*written(tmp_path / "weights.pth", content))


def test_every_cut_of_a_file_is_refused(tmp_path: pathlib.Path) -> None:
    path, _ = file_of(tmp_path, state(a=Tensor(ONE, 0, (3, 4), (1, 3))))
    content = path.read_bytes()
    for length in range(len(content)):
        with pytest.raises(DataError, match="legacy torch file"):
            torch_file.read(*written(tmp_path / "cut.pth", content[:length]))


@pytest.mark.parametrize("pid", ["7", ("storage", "FloatStorage", "7", "cpu", 12, None)])
def test_a_storage_described_otherwise(pid: Any, tmp_path: pathlib.Path) -> None:
    class Other(Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return pid if isinstance(obj, Storage) else None

    import io

    stream = io.BytesIO()
    Other(stream, 2).dump(state(a=GOOD))
    content = b"".join(map(pickled, HEADERS)) + stream.getvalue()
    with pytest.raises(DataError, match="a storage described as"):
        torch_file.read(*written(tmp_path / "weights.pth", content))
