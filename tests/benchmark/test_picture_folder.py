"""A folder of pictures as --accuracy, on this machine and on a phone."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

import xncaps_files
from benchmark_files import Digits
from xncaps_benchmark import images, measure, picture_folder
from xncaps_benchmark.errors import BenchmarkError
from xncaps_files.errors import DataError

Make = Callable[..., pathlib.Path]
COUNT = 40
FAST = {"runs": 32, "warm_up": 0.01}


@pytest.fixture
def folder(tmp_path: pathlib.Path, digits: Digits) -> pathlib.Path:
    """photos/CLASS/N.png of the first test rows; classes by the model's names."""
    root = tmp_path / "photos"
    for row, (pixels, label) in enumerate(
        zip(digits.images[:COUNT], digits.labels[:COUNT], strict=True)
    ):
        place = root / f"digit {label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(pixels[..., 0]).astype(np.uint8)).save(place / f"{row:03d}.png")
    return root


def expected_hits(digits: Digits) -> int:
    return int((digits.outputs()[:COUNT].argmax(1) == digits.labels[:COUNT]).sum())


def test_folder_of_pictures_is_scored(model: Make, digits: Digits, folder: pathlib.Path) -> None:
    (entry,) = measure([model()], accuracy=folder, **FAST)["models"]
    assert entry["accuracy"]["rows"] == COUNT and entry["accuracy"]["source"] == "photos"
    assert entry["accuracy"]["correct"] == expected_hits(digits) > COUNT * 0.8
    confusion = np.array(entry["accuracy"]["confusion"])
    assert confusion.sum(1).tolist() == np.bincount(digits.labels[:COUNT], minlength=10).tolist()


def test_classes_by_number_and_test_split(
    model: Make, digits: Digits, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    split = tmp_path / "split"
    (split / "train").mkdir(parents=True)
    folder.rename(split / "test")
    for place in sorted((split / "test").iterdir()):
        place.rename(place.with_name(place.name.removeprefix("digit ")))
    (entry,) = measure([model()], accuracy=split, **FAST)["models"]
    assert entry["accuracy"]["correct"] == expected_hits(digits)


def test_pictures_without_folders_have_predictions_alone(
    model: Make, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for file in list(folder.rglob("*.png"))[:7]:
        file.rename(flat / file.name)
    (entry,) = measure([model(expected=False)], accuracy=flat, **FAST)["models"]
    assert len(entry["predictions"]) == 7 and entry["accuracy"] is None


def test_files_that_are_not_read_are_said(
    folder: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.heic", "b.HEIC", ".c"):
        (folder / "digit 1" / name).write_bytes(b"x")
    assert len(picture_folder.read(folder, (8, 8, 1)).inputs) == COUNT
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{folder}: left out 2 files (.heic 2); ")


def test_other_class_names_are_refused(model: Make, folder: pathlib.Path) -> None:
    (folder / "digit 3").rename(folder / "cat")
    with pytest.raises(BenchmarkError, match="or their numbers in .*Received: cat"):
        measure([model()], accuracy=folder, **FAST)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "expected pictures .*Received: none"), (b"no picture", "0.png: expected a picture")],
    ids=["empty", "damaged"],
)
def test_what_is_no_picture_is_one_line(
    tmp_path: pathlib.Path, content: bytes | None, message: str
) -> None:
    (tmp_path / "a").mkdir()
    if content is not None:
        (tmp_path / "a" / "0.png").write_bytes(content)
    with pytest.raises(DataError, match=message):
        picture_folder.read(tmp_path, (8, 8, 1))


def test_files_of_different_inputs_cannot_share_pictures(
    model: Make, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xncaps_benchmark import measuring
    from xncaps_files import tflite

    shapes = iter([(1, 8, 8, 1), (1, 9, 9, 1)])
    io = tflite.read_io
    monkeypatch.setattr(
        measuring.tflite,
        "read_io",
        lambda data, name: (
            [tflite.Io(next(shapes), "float32", 0.0, 0)],
            io(data, name)[1],
        ),
    )
    with pytest.raises(BenchmarkError, match=r"one and the same input .*\[8, 8, 1\], \[9, 9, 1\]"):
        measure([model("a"), model("b")], accuracy=folder, **FAST)


def test_without_pillow_the_way_out_is_said(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "xncaps_files.pictures", raising=False)
    monkeypatch.delattr(xncaps_files, "pictures", raising=False)
    with pytest.raises(BenchmarkError, match=r"xncaps-benchmark\[pictures\]"):
        picture_folder.read(folder, (8, 8, 1))


def test_stored_images_come_back(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.npz"
    draw = np.random.default_rng(0)
    for pixels in (draw.integers(0, 256, (3, 4, 4, 1)), draw.random((3, 4, 4, 1)) * 255):
        given = images.Images(
            pixels.astype(np.float32), np.arange(3), ("a", "b", "c"), "mnist test"
        )
        images.write(path, given)
        found = images.read(path)
        np.testing.assert_array_equal(found.inputs, given.inputs)
        assert found.class_names == given.class_names and found.source == "mnist test"
        assert found.labels.tolist() == [0, 1, 2]
