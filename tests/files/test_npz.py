"""Reader of .npz: no pickle, no memory that the file does not account for."""

from __future__ import annotations

import io
import pathlib
import tempfile
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xncaps_files import npz
from xncaps_files.errors import DataError

VALUES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
WANTED = {"x": ("u1", 3)}


def _saved(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def _zipped(content: bytes, name: str = "x.npy") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def test_read_gives_the_arrays(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(_saved(x=VALUES, names=np.array(["a", "bc"]), more=np.zeros(3)))
    found = npz.read(path, {"x": ("u1", 3), "names": ("U", 1)})
    assert set(found) == {"x", "names"}
    np.testing.assert_array_equal(found["x"], VALUES)
    assert list(found["names"]) == ["a", "bc"]


HUGE = _npy(VALUES).replace(b"(2, 3, 4)", b"(9, 9, 9)")
DAMAGED = {
    "no zip": (b"not a zip file", "expected a sound .npz file. Received: File is not a zip file"),
    "missing": (_saved(y=VALUES), r"expected an array 'x'. Received: a file with y\.npy"),
    "pickle": (
        _saved(x=np.array([[[{"a": 1}]]], dtype=object)),
        "Received: pickled objects, which are never loaded",
    ),
    "floats": (_saved(x=VALUES.astype(np.float32)), "of kind 'u1' with 3 axes. Received: float32"),
    "axes": (_saved(x=VALUES.reshape(6, 4)), r"with 3 axes. Received: uint8, shape \(6, 4\)"),
    "more than there is": (_zipped(HUGE), r"expected 'x' of shape \(9, 9, 9\) to fill its entry"),
    "no npy": (_zipped(b"junk" * 10), "expected a sound .npz file. Received: the magic string"),
    "header": (_zipped(_npy(VALUES)[:20]), "expected a sound .npz file"),
    "version": (
        _zipped(_npy(VALUES)[:6] + b"\x09\x00" + _npy(VALUES)[8:]),
        "expected a sound .npz file. Received: .*version",
    ),
    "truncated": (_saved(x=VALUES)[:-30], "expected a sound .npz file"),
}


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=DAMAGED)
def test_read_names_the_file_and_the_damage(
    tmp_path: pathlib.Path, content: bytes, message: str
) -> None:
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        npz.read(path, WANTED)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_read_refuses_an_array_larger_than_the_limit(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(_saved(x=VALUES))
    monkeypatch.setattr(npz, "MAX_BYTES", 100)
    with pytest.raises(DataError, match="at most 100 bytes unpacked. Received: 152 bytes of 'x'"):
        npz.read(path, WANTED)


def test_read_of_a_missing_file(tmp_path: pathlib.Path) -> None:
    with pytest.raises(DataError, match="none.npz: cannot be read: No such file"):
        npz.read(tmp_path / "none.npz", WANTED)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_mutated_bytes_never_give_a_wrong_array(data: st.DataObject) -> None:
    content = bytearray(_saved(x=VALUES))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.one_of(st.none(), st.integers(0, len(content)))) or len(content) :]
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        file.write(content)
        file.flush()
        try:
            found = npz.read(pathlib.Path(file.name), WANTED)["x"]
        except DataError as error:
            assert file.name in str(error)
        else:
            np.testing.assert_array_equal(found, VALUES)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_headers_never_give_a_foreign_exception(data: st.DataObject) -> None:
    content = bytearray(_npy(VALUES))  # zipped anew, so that the checksum does not find the change
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 100))] = data.draw(st.integers(0, 255))
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        file.write(_zipped(bytes(content)))
        file.flush()
        try:
            found = npz.read(pathlib.Path(file.name), WANTED)["x"]
        except DataError as error:
            assert file.name in str(error)
        else:  # another order of axes or lengths is what such a file says
            assert found.dtype == np.uint8 and found.size == VALUES.size
