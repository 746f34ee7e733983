"""What the build packs of FILE.expected.npz for the app to check a model with."""

from __future__ import annotations

import json
import pathlib
import sys
import zipfile
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "android_demo/tools"))

from xncaps_android import apk, checks  # noqa: E402
from xncaps_android.commands import BuildError  # noqa: E402

from xncaps_files import expected  # noqa: E402


def stored(folder: pathlib.Path, rows: int = 20, **changes: Any) -> pathlib.Path:
    """A model with stored rows of 100 x 100 x 3 pixels beside it."""
    generator = np.random.default_rng(1)
    found = expected.Expected(
        inputs=generator.integers(0, 256, (rows, 100, 100, 3)).astype(np.float32),
        outputs=generator.normal(size=(rows, 4)).astype(np.float32),
        labels=np.zeros(rows, np.int64),
        tolerance=0.25,
        tolerated_share=0.1,
        source="goods/test",
    )
    file = folder / "m.tflite"
    file.write_bytes(b"model")
    (folder / "m.expected.npz").write_bytes(expected.encode(found))
    return file


def parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    line, _, rest = content.partition(b"\n")
    return json.loads(line), rest


def test_the_first_rows_that_fit_are_packed(tmp_path: pathlib.Path) -> None:
    file = stored(tmp_path, rows=40)
    content = checks.check(file)
    assert content is not None and len(content) < checks.MOST_BYTES + 1000
    head, rest = parts(content)
    assert head == {
        "rows": 30, "allowed": 4, "inputs": "uint8", "source": "goods/test", "tolerance": 0.25
    }  # fmt: skip
    whole = expected.read(tmp_path / "m.expected.npz")
    pixels = 30 * 100 * 100 * 3
    np.testing.assert_array_equal(
        np.frombuffer(rest[:pixels], np.uint8), whole.inputs[:30].reshape(-1)
    )
    np.testing.assert_array_equal(
        np.frombuffer(rest[pixels:], "<f4").reshape(30, 4), whole.outputs[:30]
    )


def test_a_file_of_format_1_and_the_longer_name_are_read(tmp_path: pathlib.Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"model")
    with open(tmp_path / "m.tflite.expected.npz", "wb") as file:
        np.savez(file, inputs=np.zeros((3, 8), np.float32), outputs=np.ones((3, 2), np.float32),
                 tolerance=np.float32(0.5))  # fmt: skip
    head, rest = parts(checks.check(tmp_path / "m.tflite") or b"")
    assert head["inputs"] == "float32" and (head["rows"], head["allowed"]) == (3, 0)
    assert len(rest) == 3 * (8 + 2) * 4


def test_it_lies_beside_the_packed_model(tmp_path: pathlib.Path) -> None:
    file = stored(tmp_path)
    apk._copy_models([file], tmp_path / "out")
    assert (tmp_path / "out/m.check").read_bytes() == checks.check(file)
    (tmp_path / "m.expected.npz").unlink()
    assert checks.check(file) is None


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"inputs": np.zeros((2, 3), np.int16)},
        {"outputs": np.zeros((3, 4), np.float32)},
        {"outputs": np.zeros((2, 4), np.float64)},
        {"inputs": np.asfortranarray(np.zeros((2, 3), np.float32))},
        {"tolerance": np.float32(-1)},
        {"tolerated_share": np.float32(1)},
    ],
    ids=["none", "integers", "other rows", "doubles", "Fortran", "tolerance", "share"],
)
def test_other_arrays_are_refused(arrays: dict[str, Any], tmp_path: pathlib.Path) -> None:
    good = {"inputs": np.zeros((2, 3), np.float32), "outputs": np.zeros((2, 4), np.float32),
            "tolerance": np.float32(0)}  # fmt: skip
    with open(tmp_path / "m.expected.npz", "wb") as file:
        np.savez(file, **({**good, **arrays} if arrays else {"x": np.zeros(1)}))
    with pytest.raises(BuildError, match="m.expected.npz: expected stored inputs and outputs, got"):
        checks.check(tmp_path / "m.tflite")


def test_what_is_no_archive_or_cut_is_refused(tmp_path: pathlib.Path) -> None:
    file = stored(tmp_path)
    whole = (tmp_path / "m.expected.npz").read_bytes()
    for content in (b"", b"no zip", whole[: len(whole) // 2]):
        (tmp_path / "m.expected.npz").write_bytes(content)
        with pytest.raises(BuildError, match="expected stored inputs and outputs"):
            checks.check(file)
    with zipfile.ZipFile(tmp_path / "m.expected.npz", "w") as archive:
        for name in ("inputs", "outputs", "tolerance"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': 0}")
    with pytest.raises(BuildError, match="expected stored inputs and outputs"):
        checks.check(file)
