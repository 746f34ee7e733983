"""IDX: right arrays of right files, one clear line of all others."""

from __future__ import annotations

import gzip
import pathlib
import struct
import tempfile
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xncaps_tf.data import idx
from xncaps_tf.errors import DataError

PIXELS = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
FILE = struct.pack(">BBBBIII", 0, 0, 8, 3, 3, 4, 5) + PIXELS.tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_read_gives_the_array(
    tmp_path: pathlib.Path, to_idx: Callable[[np.ndarray], bytes], pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "images"
    path.write_bytes(pack(to_idx(PIXELS)))
    found = idx.read(path, axes=3)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, PIXELS)


DAMAGED = {
    "empty": (b"", r"magic number 0x00000803\). Received: magic number 0x\."),
    "labels": (struct.pack(">BBBBI", 0, 0, 8, 1, 60), "magic number 0x00000801"),
    "int32": (b"\0\0\x0c\x03" + FILE[4:], "magic number 0x00000c03"),
    "png": (b"\x89PNG\r\n\x1a\n" + FILE, "magic number 0x89504e47"),
    "header": (FILE[:10], "expected 3 lengths after the magic number"),
    "truncated": (FILE[:-1], r"expected 60 bytes .*shape \(3, 4, 5\)\). Received: only 59 \(trunc"),
    "rest": (FILE + b"x", r"Received: more \(a rest\)"),
    "huge": (struct.pack(">BBBBIII", 0, 0, 8, 3, *[2**32 - 1] * 3), "Received: a file that can"),
    "cut gzip": (gzip.compress(FILE)[:-9], "expected a whole gzip file. Received: a truncated"),
    "gzip crc": (gzip.compress(FILE)[:-5] + b"xxxxx", "expected a sound gzip file"),
    "gzip garbage": (b"\x1f\x8b" + b"\0" * 40, "expected a sound gzip file"),
    "truncated in gzip": (gzip.compress(FILE[:-1]), r"only 59 \(truncated\)"),
    "rest in gzip": (gzip.compress(FILE + b"x"), r"Received: more \(a rest\)"),
    "huge in gzip": (
        gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, 2**20, 2**10, 1)),
        "Received: a file that can hold at most",
    ),
}


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=DAMAGED)
def test_read_names_the_file_and_the_damage(
    tmp_path: pathlib.Path, content: bytes, message: str
) -> None:
    path = tmp_path / "damaged-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        idx.read(path, axes=3)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_read_of_a_missing_file_or_a_folder(tmp_path: pathlib.Path) -> None:
    with pytest.raises(DataError, match="none: cannot be read: No such file"):
        idx.read(tmp_path / "none", axes=3)
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        idx.read(tmp_path, axes=3)


def _reference(content: bytes) -> np.ndarray | None:
    """What an IDX file of three axes means, by its description; None if it is none."""
    if len(content) < 16 or content[:4] != b"\0\0\x08\x03":
        return None
    shape = struct.unpack(">III", content[4:16])
    if shape[0] * shape[1] * shape[2] != len(content) - 16:
        return None
    return np.frombuffer(content[16:], np.uint8).reshape(shape)


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """`original` after one to four changes: a byte set, a piece taken out, put in, or cut off."""
    content = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(["set", "remove", "insert", "cut"]))
        if kind == "set" and place < len(content):
            content[place] = draw(st.integers(0, 255))
        elif kind == "remove":
            del content[place : place + draw(st.integers(1, 8))]
        elif kind == "insert":
            content[place:place] = draw(st.binary(min_size=1, max_size=8))
        else:
            del content[place:]
    return bytes(content)


def _read(content: bytes) -> np.ndarray | None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            return idx.read(pathlib.Path(file.name), axes=3)
        except DataError as error:
            assert file.name in str(error) and "\n" not in str(error)
            return None


def _equal(found: np.ndarray | None, wanted: np.ndarray | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return found.shape == wanted.shape and bool((found == wanted).all())


@settings(max_examples=400, deadline=None)
@given(mutated(FILE))
@example(FILE)
@example(b"\0\0\x08\x03" + b"\0" * 12)
def test_mutated_bytes_give_what_they_mean_or_an_error(content: bytes) -> None:
    if content[:2] != b"\x1f\x8b":
        assert _equal(_read(content), _reference(content))


@settings(max_examples=400, deadline=None)
@given(mutated(gzip.compress(FILE, mtime=0)))
def test_mutated_gzip_never_gives_a_wrong_array(content: bytes) -> None:
    found = _read(content)
    assert found is None or _equal(found, PIXELS)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_give_what_they_mean_or_an_error(content: bytes) -> None:
    if content[:2] != b"\x1f\x8b":
        assert _equal(_read(content), _reference(content))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=3),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_every_array_comes_back(lengths: list[int], packed: bool, seed: int) -> None:
    array = np.random.default_rng(seed).integers(0, 256, lengths, np.uint8)
    content = struct.pack(f">BBBB{len(lengths)}I", 0, 0, 8, len(lengths), *lengths)
    content += array.tobytes()
    with tempfile.NamedTemporaryFile() as file:
        file.write(gzip.compress(content) if packed else content)
        file.flush()
        assert _equal(idx.read(pathlib.Path(file.name), axes=len(lengths)), array)
