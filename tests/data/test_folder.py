"""Own images, a folder a class."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable

import numpy as np
import pytest

from xncaps_tf import data
from xncaps_tf.data.picture_files import FileImages
from xncaps_tf.errors import DataError

Writer = Callable[..., pathlib.Path]


def _write_classes(folder: pathlib.Path, write_picture: Writer, count: int = 10) -> None:
    for number, name in enumerate(["cat", "dog", "emu"]):
        for picture in range(count):
            write_picture(folder / name / f"{picture:02}.png", color=number * 100 + picture)


def test_load_reads_train_and_test_folders(tmp_path: pathlib.Path, write_picture: Writer) -> None:
    _write_classes(tmp_path / "train", write_picture, 4)
    _write_classes(tmp_path / "test", write_picture, 2)
    (tmp_path / "train" / "cat" / "Thumbs.db").write_bytes(b"no picture")
    (tmp_path / "train" / ".hidden").mkdir()
    found = data.load("folder", "train", tmp_path)
    images, labels = found.numpy()
    assert found.class_names == ("cat", "dog", "emu") and found.image_shape == (10, 12, 1)
    assert labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 100, 101, 102, 103, 200, 201, 202, 203]
    assert len(data.load("folder", "test", tmp_path)) == 6


def test_load_makes_a_test_split_that_stays(tmp_path: pathlib.Path, write_picture: Writer) -> None:
    _write_classes(tmp_path / "a", write_picture)
    parts = {split: data.load("folder", split, tmp_path / "a") for split in data.SPLITS}
    values = {split: set(found.numpy()[0][:, 0, 0, 0].tolist()) for split, found in parts.items()}
    assert not values["train"] & values["test"]
    assert values["train"] | values["test"] == {c * 100 + i for c in range(3) for i in range(10)}
    assert np.bincount(parts["test"].labels).tolist() == [2, 2, 2]
    shutil.copytree(tmp_path / "a", tmp_path / "elsewhere")
    again = data.load("folder", "test", tmp_path / "elsewhere").numpy()[0]
    np.testing.assert_array_equal(again, parts["test"].numpy()[0])


def test_names_of_another_encoding(tmp_path: pathlib.Path, write_picture: Writer) -> None:
    """Pictures may have them, as from an old archive; classes, whose names files store, may not."""
    _write_classes(tmp_path, write_picture, 4)
    (tmp_path / "cat" / "00.png").rename(tmp_path / "cat" / "caf\udce9.png")
    found = data.load("folder", "train", tmp_path)
    assert len(found) == 9 and len(data.load("folder", "test", tmp_path)) == 3
    big = write_picture(tmp_path / "dog" / "gro\udcdf.png", (64, 64))
    assert FileImages([big], (8, 8, 3)).fingerprint(np.array([0]))
    (tmp_path / "cat").rename(tmp_path / "caf\udce9")
    with pytest.raises(DataError, match=r"class names in UTF-8\. Received: .*caf.*rename"):
        data.load("folder", "train", tmp_path)


def test_load_scales_to_the_shape_asked_for(tmp_path: pathlib.Path, write_picture: Writer) -> None:
    _write_classes(tmp_path, write_picture, 2)
    write_picture(tmp_path / "cat" / "wide.jpg", (400, 100), (9, 200, 30))
    assert data.load("folder", "train", tmp_path).image_shape == (224, 224, 3)
    found = data.load("folder", "train", tmp_path, image_shape=(8, 6, 1))
    assert found.image_shape == (8, 6, 1) and found.numpy()[0].dtype == np.uint8


def test_load_of_large_pictures_of_one_size_scales_them(
    tmp_path: pathlib.Path, write_picture: Writer
) -> None:
    for name in ("a", "b"):
        for picture in range(2):
            write_picture(tmp_path / name / f"{picture}.png", (300, 20))
    assert data.load("folder", "train", tmp_path).image_shape == (224, 224, 3)


def test_load_refuses_an_empty_class(tmp_path: pathlib.Path, write_picture: Writer) -> None:
    _write_classes(tmp_path, write_picture, 2)
    (tmp_path / "fox").mkdir()
    with pytest.raises(DataError, match="fox: expected pictures .*Received: an empty class"):
        data.load("folder", "train", tmp_path)


def test_a_class_of_photographs_that_are_not_read_says_of_which_kind(
    tmp_path: pathlib.Path, write_picture: Writer
) -> None:
    """A telephone's .heic files; what is hidden does not count."""
    _write_classes(tmp_path, write_picture, 2)
    (tmp_path / "fox").mkdir()
    for name in ("1.HEIC", "2.heic", ".DS_Store"):
        (tmp_path / "fox" / name).write_bytes(b"x")
    with pytest.raises(
        DataError, match=r"fox: .*2 files \(\.heic 2\) of other kinds alone; save them as"
    ):
        data.load("folder", "train", tmp_path)


def test_files_that_are_not_read_are_said_once(
    tmp_path: pathlib.Path, write_picture: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("fox/0.png", "fox/1.png", "owl/0.png", "owl/1.png"):
        write_picture(tmp_path / name)
    for name in ("fox/2.HEIC", "owl/2.heic", "owl/note.txt", "owl/.DS_Store", ".git/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    for split in ("train", "test"):
        assert data.load("folder", split, tmp_path).num_classes == 2
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{tmp_path}: left out 3 files (.heic 2, .txt 1); ")


def test_a_name_of_two_lines_is_refused(tmp_path: pathlib.Path, write_picture: Writer) -> None:
    for name in ("a\nb", "c"):
        for number in range(2):
            write_picture(tmp_path / name / f"{number}.png")
    with pytest.raises(DataError, match=r"names of one line each\. Received: 'a\\nb'"):
        data.load("folder", "train", tmp_path)


def test_a_damaged_picture_is_named_when_it_is_checked(
    tmp_path: pathlib.Path, write_picture: Writer
) -> None:
    _write_classes(tmp_path, write_picture, 6)
    for path in sorted((tmp_path / "dog").iterdir()):
        path.write_bytes(path.read_bytes()[:40])
    found = data.load("folder", "train", tmp_path, image_shape=(8, 8, 1))
    with pytest.raises(DataError, match=r"dog/0\d.png: expected a") as caught:
        found.check()
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match=r"dog/0\d.png: expected a"):
        data.load("folder", "train", tmp_path)  # whose size has to be read


def test_load_refuses_what_is_no_set_of_classes(
    tmp_path: pathlib.Path, write_picture: Writer
) -> None:
    with pytest.raises(DataError, match="none: expected a folder with a folder a class"):
        data.load("folder", "train", tmp_path / "none")
    with pytest.raises(DataError, match="folder: expected data_dir"):
        data.load("folder", "train")
    write_picture(tmp_path / "one" / "cat" / "a.png")
    with pytest.raises(DataError, match="one: expected two folders or more.*Received: 1"):
        data.load("folder", "train", tmp_path / "one")
    write_picture(tmp_path / "one" / "dog" / "a.png")
    with pytest.raises(DataError, match="cat: expected two pictures or more"):
        data.load("folder", "train", tmp_path / "one")


def test_load_refuses_splits_that_do_not_fit(tmp_path: pathlib.Path, write_picture: Writer) -> None:
    _write_classes(tmp_path / "train", write_picture, 2)
    with pytest.raises(DataError, match="expected both train/ and test/. Received: train"):
        data.load("folder", "train", tmp_path)
    _write_classes(tmp_path / "test", write_picture, 2)
    shutil.rmtree(tmp_path / "test" / "emu")
    with pytest.raises(DataError, match="the same classes in train/ and test/. Received: emu"):
        data.load("folder", "train", tmp_path)


def test_a_validation_folder_is_a_split(tmp_path: pathlib.Path, write_picture: Writer) -> None:
    for part, count in (("train", 4), ("val", 3), ("test", 2)):
        _write_classes(tmp_path / part, write_picture, count)
    assert data.has_validation("folder", tmp_path)
    found = data.load("folder", "validation", tmp_path)
    assert found.split == "validation" and len(found) == 9
    shutil.rmtree(tmp_path / "val" / "emu")
    with pytest.raises(DataError, match="same classes in train/ and val/. Received: emu"):
        data.load("folder", "validation", tmp_path)
    shutil.rmtree(tmp_path / "val")
    assert not data.has_validation("folder", tmp_path)
    with pytest.raises(DataError, match="expected validation/ or val/. Received: test, train"):
        data.load("folder", "validation", tmp_path)
    with pytest.raises(DataError, match="train: expected train/, test/ and validation/. Received"):
        data.load("folder", "validation", tmp_path / "train")
    assert not data.has_validation("folder", tmp_path / "train")


def test_the_size_is_the_models_whatever_the_split_holds(
    tmp_path: pathlib.Path, write_picture: Writer
) -> None:
    _write_classes(tmp_path / "train", write_picture, 2)
    _write_classes(tmp_path / "test", write_picture, 2)
    write_picture(tmp_path / "test" / "cat" / "odd.png", (17, 9))
    shape = data.load("folder", "train", tmp_path).image_shape
    assert data.load("folder", "test", tmp_path).image_shape == (224, 224, 3) != shape
    assert data.load_for(shape, "folder", "test", tmp_path).image_shape == shape
    assert data.load_for((None, None, 3), "folder", "train", tmp_path).image_shape == shape
