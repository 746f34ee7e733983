"""The Grocery Store data set in its published layout, drawn small."""

from __future__ import annotations

import os
import pathlib

import numpy as np
import pytest

import drawn_grocery
from xncaps_tf import data
from xncaps_tf.errors import DataError


@pytest.fixture
def clone(tmp_path: pathlib.Path) -> pathlib.Path:
    drawn_grocery.write(tmp_path)
    return tmp_path


@pytest.mark.parametrize("inside", ["", "GroceryStoreDataset", "GroceryStoreDataset/dataset"])
def test_load_gives_the_published_splits(clone: pathlib.Path, inside: str) -> None:
    for split, file in (("train", "train"), ("validation", "val"), ("test", "test")):
        found = data.load("grocery", split, clone / inside)
        assert found.labels.tolist() == list(drawn_grocery.SPLITS[file])
        assert found.class_names == ("Golden-Delicious", "Pink-Lady", "Milk, 3 %")
        assert found.image_shape == (224, 224, 3) and found.split == split
        red = found.numpy()[0][:, 100, 100, 0].astype(int)
        assert np.abs(red - 100 * found.labels).max() <= 2  # JPEG's DC term
    coarse = data.load("grocery/coarse", "train", clone / inside, image_shape=(8, 6, 1))
    assert coarse.class_names == ("Apple", "Milk") and coarse.labels.tolist() == [0, 0, 1, 1]
    assert coarse.image_shape == (8, 6, 1) and coarse.name == "grocery/coarse"
    assert data.has_validation("grocery", clone) and not data.has_validation("mnist", clone)


def _edit(clone: pathlib.Path, file: str, old: str, new: str) -> None:
    path = clone / "GroceryStoreDataset" / "dataset" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new", "match"),
    [
        ("train.txt", "/0/0.jpg, 0, 0", "/0/0.jpg, 3, 0", "train.txt, line 1: .*the 3 classes"),
        ("train.txt", "/0/0.jpg, 0, 0", "/0/0.jpg, 0, 1", "line 1: .*coarse class. Received: 0, 1"),
        ("train.txt", "/0/0.jpg, 0, 0", "/0/0.jpg; 0; 1", "line 1: expected 'PATH, CLASS, COARSE"),
        ("train.txt", "/1/1.jpg", "/1/no.jpg", "line 2: .*'train/Fruit/1/no.jpg', no such file"),
        ("train.txt", "train/Fruit/0", "../../x", "train.txt, line 1: expected a path inside"),
        ("train.txt", "train/F", "train/../train/F", "train.txt, line 1: expected a path inside"),
        ("train.txt", "train/Fruit/0/0.jpg", "/etc/passwd", "line 1: expected a path inside"),
        ("train.txt", "train/Fruit/0/0.jpg", "a\0b", "line 1: expected a path inside"),
        ("classes.csv", "Class ID (int)", "Number", "classes.csv: expected the columns .*Class ID"),
        ("classes.csv", "Lady,1,", "Lady,one,", "classes.csv, line 3: expected two names with"),
        ("classes.csv", "Lady,1,", "Lady,0,", "classes.csv, line 3: expected a number for each"),
        ("classes.csv", "Pink-Lady,1,Apple", "Pink-Lady,1,Pear", "line 3: expected a number for"),
        ("classes.csv", "Lady,1,", "Lady,7,", "numbered from 0 on, none left out. Received: 3 cl"),
    ],
)
def test_load_names_what_is_wrong(
    clone: pathlib.Path, file: str, old: str, new: str, match: str
) -> None:
    _edit(clone, file, old, new)
    with pytest.raises(DataError, match=match) as caught:
        data.load("grocery", "train", clone)
    assert "\n" not in str(caught.value)


def test_a_link_does_not_lead_out(clone: pathlib.Path, tmp_path: pathlib.Path) -> None:
    picture = clone / "GroceryStoreDataset/dataset/train/Fruit/0/0.jpg"
    os.replace(picture, tmp_path / "outside.jpg")
    picture.symlink_to(tmp_path / "outside.jpg")
    with pytest.raises(DataError, match="train.txt, line 1: expected a path inside"):
        data.load("grocery", "train", clone)


def test_load_of_missing_or_damaged_files(clone: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(DataError, match="grocery: expected data_dir.*a clone of its repository"):
        data.load("grocery", "train")
    with pytest.raises(DataError, match="grocery: expected classes.csv in .*/none or"):
        data.load("grocery", "train", tmp_path / "none")
    folder = clone / "GroceryStoreDataset/dataset"
    (folder / "train.txt").write_text("\n")
    with pytest.raises(DataError, match="train.txt: expected a picture a line. Received: no line"):
        data.load("grocery", "train", clone)
    (folder / "train.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="train.txt: expected a text in UTF-8"):
        data.load("grocery", "train", clone)
    with open(folder / "train.txt", "r+b") as file:
        file.truncate(50 * 10**6 + 1)
    with pytest.raises(DataError, match="train.txt: expected at most 50 MB. Received: a larger"):
        data.load("grocery", "train", clone)
    (folder / "train.txt").unlink()
    with pytest.raises(DataError, match="train.txt: cannot be read: No such file"):
        data.load("grocery", "train", clone)
