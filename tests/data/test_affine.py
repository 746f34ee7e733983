"""MNIST moved about in 40x40 pixels, and files of affNIST."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from scipy.io import savemat

from xncaps_tf import data
from xncaps_tf._keras import tf
from xncaps_tf.data import affine
from xncaps_tf.errors import DataError

DRAWS = np.random.default_rng(3).uniform(0, 1, (12, 6)).astype(np.float32)
DIGITS = np.random.default_rng(4).integers(0, 256, (12, 28, 28, 1)).astype(np.float32)


def test_test_pictures_equal_scipys_affine_transform() -> None:
    found = affine.move(tf.constant(DIGITS), tf.constant(DRAWS), is_placed=False).numpy()
    for digit, row, picture in zip(DIGITS, DRAWS.astype(np.float64), found, strict=True):
        angle, shear = np.deg2rad((2 * row[0] - 1) * 20), (2 * row[1] - 1) * 0.2
        scale = 0.8 + 0.4 * row[2:4]  # y, x
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # y, x
        forward = turn @ np.diag(scale) @ np.array([[1, 0], [shear, 1]])
        place = (2 * row[4:6] - 1) * np.maximum(0, 40 - 28 * scale) / 2
        back = np.linalg.inv(forward)
        offset = np.array([13.5, 13.5]) - back @ (np.array([19.5, 19.5]) + place)
        wanted = ndimage.affine_transform(
            digit[:, :, 0], back, offset, (40, 40), order=1, mode="grid-constant"
        )
        # Rounded to whole numbers here; a coordinate of float32 is off by up to 1e-5 pixels.
        np.testing.assert_allclose(picture[:, :, 0], wanted, atol=0.5 + 0.02)


def test_training_pictures_are_whole_digits_at_a_place() -> None:
    found = affine.move(tf.constant(DIGITS), tf.constant(DRAWS), is_placed=True).numpy()
    places = set()
    for digit, picture in zip(DIGITS, found, strict=True):
        rows, columns = np.nonzero(picture[:, :, 0])
        y, x = rows.min(), columns.min()
        inside = picture[y : y + 28, x : x + 28]
        np.testing.assert_array_equal(inside, digit[: inside.shape[0], : inside.shape[1]])
        places.add((int(y), int(x)))
    assert len(places) > 6


def test_load_makes_it_of_mnist(tmp_path: pathlib.Path, write_mnist: Callable[..., Any]) -> None:
    written = write_mnist(tmp_path)
    for split in data.SPLITS:
        found = data.load("affine_mnist", split, tmp_path)
        again = data.load("affine_mnist", split, tmp_path)
        images, labels = found.numpy()
        assert images.dtype == np.uint8 and found.image_shape == (40, 40, 1)
        assert found.title == "affine_mnist (ours, in affNIST's ranges; not affNIST)"
        np.testing.assert_array_equal(labels, written[split][1])
        np.testing.assert_array_equal(images, again.numpy()[0])
        batch, _ = next(iter(data.batches(found.subset([5, 2]), 2)))
        np.testing.assert_array_equal(batch, images[[5, 2]])


def _affnist(path: pathlib.Path, pictures: np.ndarray, labels: list[int], **change: Any) -> None:
    """Writes [n, 40, 40] as affNIST stores them, by the rules that its other readers go by.

    A struct `affNISTdata`, in it `image` [1600, n], uint8, a picture a column, one row of pixels
    after the other; `label_int` [1, n], and more that is not needed. Pixel by pixel, so that no
    reshape of ours is held to itself.

    Source: https://www.cs.toronto.edu/~tijmen/affNIST/ and its public readers in Python and Julia;
        of the 15 that were compared one alone has rows and columns the other way round.
    """
    image = np.zeros((1600, len(pictures)), np.uint8)
    for column, picture in enumerate(pictures):
        for y in range(40):
            for x in range(40):
                image[40 * y + x, column] = picture[y, x]
    fields = {
        "human_readable_transform": np.ones((6, len(pictures))),
        "image": image,
        "label_one_of_n": np.eye(10, dtype=np.uint8)[labels].T,
        "label_int": np.array([labels], np.uint8),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"affNISTdata": {**fields, **change}}, do_compression=True)


CENTRED = np.pad(DIGITS[..., 0], ((0, 0), (6, 6), (6, 6)))  # as affNIST's just_centered has MNIST
LABELS = [7, 2, 1, 0, 4, 1, 4, 9, 5, 9, 0, 6]


@pytest.mark.parametrize(
    ("split", "name"),
    [
        ("train", "affNIST/just_centered/training_and_validation.mat"),
        ("train", "just_centered/training.mat"),
        ("train", "training_and_validation.mat"),
        ("test", "affNIST/transformed/test.mat"),
        ("test", "test.mat"),
    ],
)
def test_load_reads_a_file_of_affnist(split: str, name: str, tmp_path: pathlib.Path) -> None:
    pictures = CENTRED if split == "train" else np.flip(CENTRED, 1)
    _affnist(tmp_path / name, pictures, LABELS)
    found = data.load("affine_mnist", split, tmp_path)
    assert found.title == "affine_mnist (affNIST)" and found.source == str(tmp_path / name)
    assert found.image_shape == (40, 40, 1) and found.labels.tolist() == LABELS
    batch, _ = next(iter(data.batches(found.subset([3, 0]), 2)))
    np.testing.assert_array_equal(batch[..., 0], pictures[[3, 0]])


def test_a_file_of_all_training_pictures_goes_before_one_of_some(tmp_path: pathlib.Path) -> None:
    _affnist(tmp_path / "just_centered" / "training.mat", CENTRED[:3], LABELS[:3])
    _affnist(tmp_path / "just_centered" / "training_and_validation.mat", CENTRED, LABELS)
    assert len(data.load("affine_mnist", "train", tmp_path)) == 12


def test_a_damaged_or_foreign_file_is_named(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.mat"

    def fails(match: str) -> None:
        with pytest.raises(DataError, match=f"test.mat: expected {match}") as caught:
            data.load("affine_mnist", "test", tmp_path)
        assert "\n" not in str(caught.value)

    _affnist(path, CENTRED, LABELS, image=np.zeros((100, 12), np.uint8))
    fails(r"uint8 images \[1600, n\] and n labels from 0 to 9. Received: uint8, shape \(100, 12\)")
    _affnist(path, CENTRED, LABELS, label_int=np.full((1, 12), 12, np.uint8))
    fails("uint8 images")
    _affnist(path, CENTRED, LABELS)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    fails("a .mat file of affNIST with affNISTdata.image and .label_int. Received: ")
    path.write_bytes(whole[:128] + whole[128:136] + b"\0" * 50)
    fails("a sound .mat file")
    path.write_bytes(whole)
    monkeypatch.setattr(affine, "_MAX_BYTES", 9000)
    fails("at most 0 MB unpacked")
