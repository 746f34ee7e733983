"""FILE.expected.npz: written, read in every version, refused where it does not fit; `compare`."""

from __future__ import annotations

import io
import pathlib
import zipfile
from typing import Any

import numpy as np
import pytest

from xncaps_files import expected
from xncaps_files.errors import DataError
from xncaps_files.expected import Expected, choose_rows, compare, encode

ROWS = 12
RNG = np.random.default_rng(3)
PIXELS = RNG.integers(0, 256, (ROWS, 8, 8, 1)).astype(np.float32)
OUTPUTS = RNG.random((ROWS, 10)).astype(np.float32)
LABELS = np.arange(ROWS) % 10
NAMES = tuple(f"digit {n}" for n in range(10))
STORED = Expected(PIXELS, OUTPUTS, LABELS, NAMES, 0.125, 0.25, "digits test", "abc")


def _write_1(path: pathlib.Path, **arrays: Any) -> pathlib.Path:
    """A file of format 1, with some arrays replaced."""
    stored = {
        "inputs": PIXELS,
        "outputs": OUTPUTS,
        "labels": LABELS.astype(np.int64),
        "class_names": np.array(NAMES),
        "tolerance": np.float32(0.125),
        "tolerated_share": np.float32(0.25),
        "source": np.array("digits test"),
        "model_sha256": np.array("abc"),
        "format_version": np.int64(1),
    }
    np.savez(path, **{**stored, **arrays})
    return path


def _same(found: Expected, wanted: Expected) -> None:
    for name, value in vars(wanted).items():
        np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)
    assert (found.inputs.dtype, found.outputs.dtype) == (np.float32, np.float32)


def test_format_2_is_read_as_it_was_written(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m.expected.npz"
    path.write_bytes(encode(STORED))
    _same(expected.read(path), STORED)
    assert encode(expected.read(path)) == path.read_bytes()


def test_format_1_is_read(tmp_path: pathlib.Path) -> None:
    _same(expected.read(_write_1(tmp_path / "m.expected.npz")), STORED)


def test_pixels_are_stored_as_bytes_and_other_numbers_as_they_are(tmp_path: pathlib.Path) -> None:
    for inputs, kind in (
        (PIXELS, np.uint8),
        (PIXELS / 2, np.float32),
        (PIXELS - 1, np.float32),
        (PIXELS[:, 0, :, 0], np.float32),
    ):
        path = tmp_path / "m.expected.npz"
        path.write_bytes(encode(Expected(inputs, OUTPUTS, LABELS)))
        with np.load(path) as archive:
            assert archive["inputs"].dtype == kind
        np.testing.assert_array_equal(expected.read(path).inputs, inputs)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (3, "format_version 1 to 2. Received: 3; a newer xncaps"),
        (0, "format_version of 1 or more. Received: 0"),
        (-1, "of 1 or more. Received: -1"),
    ],
)
def test_other_versions_are_refused(tmp_path: pathlib.Path, version: int, message: str) -> None:
    path = _write_1(tmp_path / "m.expected.npz", format_version=np.int64(version))
    with pytest.raises(DataError, match=rf"m\.expected\.npz: expected .*{message}"):
        expected.read(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"outputs": np.zeros((3, 10), np.float32)}, r"inputs=\(12, 8, 8, 1\), outputs=\(3, 10\)"),
        ({"labels": np.zeros(3, np.int64)}, r"labels=\(3,\)"),
        ({"labels": np.full(ROWS, 10)}, "labels below 10.*label 10"),
        ({"tolerance": np.float32(-1)}, "tolerance="),
        ({"tolerance": np.zeros(2, np.float32)}, "tolerance="),
        ({"tolerated_share": np.float32(np.nan)}, "tolerated_share="),
        ({"format_version": np.array([1, 1])}, "format_version="),
        ({"inputs": np.full((ROWS, 8, 8, 1), np.nan, np.float32)}, "NaN or infinity"),
        ({"inputs": np.full((ROWS, 8), "a")}, "'inputs' of kind 'fu'"),
        ({"source": np.array([{}], dtype=object)}, "'source' of numbers. Received: pickled"),
    ],
    ids=str,
)
def test_read_refuses_what_does_not_fit(
    tmp_path: pathlib.Path, arrays: dict[str, Any], message: str
) -> None:
    path = _write_1(tmp_path / "m.expected.npz", **arrays)
    with pytest.raises(DataError, match=message):
        expected.read(path)


def test_read_believes_no_header(tmp_path: pathlib.Path) -> None:
    path = _write_1(tmp_path / "m.expected.npz")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 8, 8, 1)}
    )
    with zipfile.ZipFile(path) as archive:
        members = {info: archive.read(info) for info in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in {**members, "inputs.npy": header.getvalue()}.items():
            archive.writestr(member, data)
    with pytest.raises(DataError, match="expected 'inputs' of shape .* to fill its entry"):
        expected.read(path)


def test_read_refuses_what_unpacks_to_more_than_the_limit(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expected, "MAX_READ_BYTES", 1000)
    with pytest.raises(DataError, match="at most 1000 bytes unpacked"):
        expected.read(_write_1(tmp_path / "m.expected.npz"))


def test_a_small_file_does_not_become_gigabytes(tmp_path: pathlib.Path) -> None:
    """A row of 256 MB of zeros in 250 KB; as float32 it would be four times as large."""
    path = tmp_path / "m.expected.npz"
    inputs = np.zeros((1, 1 << 28), np.uint8)
    np.savez_compressed(
        path, inputs=inputs, outputs=np.zeros((1, 2), np.float32), tolerance=np.float32(0)
    )
    with pytest.raises(DataError, match="at most 134217728 bytes unpacked"):
        expected.read(path)


def test_read_names_what_is_missing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m.expected.npz"
    np.savez(path, inputs=np.zeros((1, 2), np.float32))
    with pytest.raises(DataError, match="expected an array 'outputs'. Received: a file with inp"):
        expected.read(path)


def test_only_rows_and_tolerance_are_needed(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "by hand.npz"
    np.savez(path, inputs=PIXELS, outputs=OUTPUTS, tolerance=np.float32(0.5))
    found = expected.read(path)
    assert found.labels.tolist() == [-1] * ROWS
    assert (found.class_names, found.source, found.allowed) == ((), "", 0)


def test_no_mutated_file_raises_anything_but_one_line(tmp_path: pathlib.Path) -> None:
    """1,000 changed bytes: zlib's error came through here before."""
    good = bytearray(encode(STORED))
    path = tmp_path / "m.expected.npz"
    refused = 0
    for _ in range(1000):
        broken = bytearray(good)
        for _ in range(int(RNG.integers(1, 4))):
            broken[int(RNG.integers(len(broken)))] = int(RNG.integers(256))
        path.write_bytes(broken)
        try:
            expected.read(path)
        except DataError as error:
            refused += 1
            assert "\n" not in str(error) and str(path) in str(error)
    assert refused > 300


@pytest.mark.parametrize("name", ["m.expected.npz", "m.tflite.expected.npz"])
def test_path_beside_finds_both_names(tmp_path: pathlib.Path, name: str) -> None:
    assert expected.path_beside(tmp_path / "m.tflite") is None
    (tmp_path / name).write_bytes(b"")
    assert expected.path_beside(tmp_path / "m.tflite") == tmp_path / name
    assert expected.path_of("m.tflite").name == "m.tflite.expected.npz"


def test_rows_are_of_different_classes_and_fit_the_file() -> None:
    labels = np.array([4, 4, 4, 1, -1, 4, 1, 0])
    assert choose_rows(labels, 10, most=4) == [0, 3, 4, 7]
    assert choose_rows(labels, 10, most=6) == [0, 3, 4, 7, 1, 6]
    assert choose_rows(np.full(8, -1), 10, most=3) == [0, 1, 2]
    picture = 224 * 224 * 3 + 4 * 81
    assert len(choose_rows(np.arange(100), picture)) == 16
    assert choose_rows(labels, 10**9) == [0]


def test_sixteen_noisy_pictures_fit_the_file() -> None:
    """Noise does not compress: the worst that pixels of 224x224 can be."""
    inputs = np.random.default_rng(0).integers(0, 256, (16, 224, 224, 3)).astype(np.float32)
    outputs = np.random.default_rng(0).random((16, 81), np.float32)
    names = tuple(f"a long name of the class with the number {n}" for n in range(81))
    content = encode(Expected(inputs, outputs, np.arange(16), names))
    assert 2_400_000 < len(content) <= expected.MAX_BYTES


def test_compare_counts_rows_that_are_too_far() -> None:
    outputs = OUTPUTS.copy()
    outputs[3, 2] += 1
    outputs[5, 1] += 0.0625
    found = compare(OUTPUTS, outputs, 0.125)
    assert found.over == 1 and found.max_error == pytest.approx(1)
    assert found.mean_error == pytest.approx(1.0625 / outputs.size)
    assert found.equal_top1 is not None and found.equal_top1.sum() == ROWS - 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_compare_lets_nothing_pass_that_is_not_finite(value: float) -> None:
    outputs = OUTPUTS.copy()
    outputs[3, 2] = value
    found = compare(OUTPUTS, outputs, 1e9)
    assert found.over == 1 and np.isnan(found.errors[3]) and np.isnan(found.max_error)


def test_compare_takes_near_scores_for_one() -> None:
    wanted, found = np.array([[0.5, 0.5 + 1e-6]]), np.array([[0.5 + 1e-6, 0.5]])
    for tie, same in ((0.0, False), (1e-5, True)):
        top = compare(wanted, found, 1.0, tie=tie).equal_top1
        assert top is not None and top.tolist() == [same]
    assert compare(wanted[:, :1], found[:, :1], 1.0).equal_top1 is None


def test_compare_refuses_other_shapes() -> None:
    for wanted, found in ((OUTPUTS, OUTPUTS[:3]), (OUTPUTS[:0], OUTPUTS[:0])):
        with pytest.raises(DataError, match="expected outputs .* Received"):
            compare(wanted, found, 1.0)
