from __future__ import annotations

import io
import pathlib
import zipfile
from typing import Any

import numpy as np
import pytest
from benchmark_files import ROWS, Digits

from xncaps_benchmark import expected, npz
from xncaps_benchmark.errors import ModelError


def test_read_gives_what_was_stored(tmp_path: pathlib.Path, digits: Digits) -> None:
    path = tmp_path / "m.expected.npz"
    digits.write_expected(path)
    stored = expected.read(path)
    assert stored.inputs.shape == (ROWS, 8, 8, 1)
    np.testing.assert_array_equal(stored.outputs, digits.outputs())
    np.testing.assert_array_equal(stored.labels, digits.labels)
    assert stored.class_names[3] == "digit 3"
    assert stored.tolerance == pytest.approx(1e-4)
    assert (stored.tolerated_share, stored.source) == (0.0, "digits test")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"outputs": np.zeros((3, 10), np.float32)}, r"inputs=\(120, 8, 8, 1\), outputs=\(3, 10\)"),
        ({"labels": np.zeros(3, np.int64)}, r"labels=\(3,\)"),
        ({"labels": np.full(ROWS, 10)}, "labels below 10.*label 10"),
        ({"tolerance": np.float32(-1)}, "tolerance="),
        ({"tolerance": np.zeros(2, np.float32)}, "tolerance="),
        ({"inputs": np.full((ROWS, 8, 8, 1), np.nan, np.float32)}, "NaN or infinity"),
        ({"inputs": np.full((ROWS, 8), "a")}, "inputs of kind f"),
    ],
    ids=["lengths", "labels", "label", "negative", "two", "nan", "text"],
)
def test_read_refuses_what_does_not_fit(
    tmp_path: pathlib.Path, digits: Digits, arrays: dict[str, Any], message: str
) -> None:
    path = tmp_path / "m.expected.npz"
    digits.write_expected(path, **arrays)
    with pytest.raises(ModelError, match=message):
        expected.read(path)


def test_read_unpickles_nothing(tmp_path: pathlib.Path, digits: Digits) -> None:
    path = tmp_path / "m.expected.npz"
    digits.write_expected(path, source=np.array([_Bomb()], dtype=object))
    with pytest.raises(ModelError, match="source of kind U"):
        expected.read(path)
    assert not _Bomb.went_off


class _Bomb:
    went_off = False

    def __setstate__(self, state: object) -> None:
        _Bomb.went_off = True


def test_read_believes_no_header(tmp_path: pathlib.Path, digits: Digits) -> None:
    path = tmp_path / "m.expected.npz"
    digits.write_expected(path)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 8, 8, 1)}
    )
    _replace(path, "inputs.npy", header.getvalue())
    with pytest.raises(ModelError, match="inputs of kind f"):
        expected.read(path)


def test_read_refuses_what_unpacks_to_more_than_the_limit(
    tmp_path: pathlib.Path, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.expected.npz"
    digits.write_expected(path)
    monkeypatch.setattr(npz, "MAX_BYTES", 1000)
    with pytest.raises(ModelError, match="at most 1000 bytes unpacked"):
        expected.read(path)


def test_read_names_what_is_missing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m.expected.npz"
    np.savez(path, inputs=np.zeros((1, 2), np.float32))
    with pytest.raises(ModelError, match="Missing: outputs, tolerance"):
        expected.read(path)


@pytest.mark.parametrize("content", [b"", b"PK\3\4" + bytes(50)], ids=["empty", "damaged"])
def test_read_refuses_what_is_no_archive(tmp_path: pathlib.Path, content: bytes) -> None:
    path = tmp_path / "m.expected.npz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="m.expected.npz: expected a .npz"):
        expected.read(path)


def test_read_refuses_a_damaged_compressed_array(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m.expected.npz"
    np.savez_compressed(path, inputs=np.zeros((1, 2), np.float32))
    content = bytearray(path.read_bytes())
    start = 30 + int.from_bytes(content[26:28], "little") + int.from_bytes(content[28:30], "little")
    content[start] = 0xFF  # a deflate block of a type that does not exist
    path.write_bytes(content)
    with pytest.raises(ModelError, match="m.expected.npz: expected a .npz"):
        expected.read(path)


@pytest.mark.parametrize("name", ["m.expected.npz", "m.tflite.expected.npz"])
def test_path_beside_finds_both_names(tmp_path: pathlib.Path, name: str) -> None:
    assert expected.path_beside(tmp_path / "m.tflite") is None
    (tmp_path / name).write_bytes(b"")
    assert expected.path_beside(tmp_path / "m.tflite") == tmp_path / name


def _replace(path: pathlib.Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {info: archive.read(info) for info in archive.namelist()}
    members[name] = content
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
