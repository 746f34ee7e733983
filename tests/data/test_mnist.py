"""MNIST and Fashion-MNIST from every local format, and what is wrong with such files."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xncaps_tf import data
from xncaps_tf.errors import DataError


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("inside", ["", "mnist", "MNIST/raw"])
def test_load_reads_idx(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any], packed: bool, inside: str
) -> None:
    written = write_mnist(tmp_path / inside, packed=packed)
    for split in data.SPLITS:
        found = data.load("mnist", split, tmp_path)
        images, labels = found.numpy()
        np.testing.assert_array_equal(images[..., 0], written[split][0])
        np.testing.assert_array_equal(labels, written[split][1])
        assert labels.dtype == np.int64 and found.class_names == tuple("0123456789")
        assert (found.name, found.split, found.image_shape) == ("mnist", split, (28, 28, 1))


def test_load_reads_names_with_a_dot(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any]
) -> None:
    write_mnist(tmp_path)
    for path in list(tmp_path.iterdir()):
        path.rename(tmp_path / path.name.replace("-idx", ".idx"))
    assert len(data.load("mnist", "train", tmp_path)) == 40


def test_load_reads_the_npz_of_keras(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any]
) -> None:
    written = write_mnist(tmp_path / "idx")
    (x_train, y_train), (x_test, y_test) = written["train"], written["test"]
    np.savez(tmp_path / "mnist.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    images, labels = data.load("mnist", "test", tmp_path).numpy()
    np.testing.assert_array_equal(images[..., 0], x_test)
    np.testing.assert_array_equal(labels, y_test)


def test_load_reads_picture_files(
    tmp_path: pathlib.Path, write_picture: Callable[..., pathlib.Path]
) -> None:
    for digit in range(10):
        write_picture(tmp_path / "train" / str(digit) / "a.png", (28, 28), digit * 20)
    found = data.load("mnist", "train", tmp_path)
    images, labels = found.numpy()
    assert images[:, 0, 0, 0].tolist() == [digit * 20 for digit in range(10)]
    assert labels.tolist() == list(range(10)) and found.title == "mnist (picture files)"


def test_load_refuses_images_without_labels(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any]
) -> None:
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte: expected t10k-labels-idx1-ubyte"):
        data.load("mnist", "test", tmp_path)
    (tmp_path / "train-images-idx3-ubyte").unlink()
    with pytest.raises(DataError, match="train-labels-idx1-ubyte: expected train-images-idx3-uby"):
        data.load("mnist", "train", tmp_path)


def test_load_refuses_another_number_of_labels(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any], to_idx: Callable[[np.ndarray], bytes]
) -> None:
    write_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(to_idx(np.zeros(39, np.uint8)))
    with pytest.raises(DataError, match="train-images.*one label an image.*40 images and 39 lab"):
        data.load("mnist", "train", tmp_path)


def test_load_refuses_a_label_without_class(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any], to_idx: Callable[[np.ndarray], bytes]
) -> None:
    write_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(to_idx(np.full(40, 10, np.uint8)))
    with pytest.raises(DataError, match="train-images.*labels from 0 to 9. Received: .*10 to 10"):
        data.load("mnist", "train", tmp_path)


def test_load_refuses_other_sizes_and_no_images(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any], to_idx: Callable[[np.ndarray], bytes]
) -> None:
    write_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(to_idx(np.zeros((40, 32, 32), np.uint8)))
    with pytest.raises(DataError, match=r"train-images.*images of 28x28. Received: shape \(40, 32"):
        data.load("mnist", "train", tmp_path)
    path.write_bytes(to_idx(np.zeros((0, 28, 28), np.uint8)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(to_idx(np.zeros(0, np.uint8)))
    with pytest.raises(DataError, match="train-images.*at least one image. Received: none"):
        data.load("mnist", "train", tmp_path)


def test_load_of_a_damaged_file_does_not_look_further(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any]
) -> None:
    write_mnist(tmp_path)
    np.savez(tmp_path / "mnist.npz", x_train=np.zeros((1, 28, 28), np.uint8), y_train=np.zeros(1))
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="train-images-idx3-ubyte: expected 31360 bytes"):
        data.load("mnist", "train", tmp_path)


def test_whole_real_set(real_data: tuple[str, pathlib.Path]) -> None:
    name, folder = real_data
    for split, size in (("train", 60_000), ("test", 10_000)):
        found = data.load(name, split, folder)
        images, labels = found.numpy()
        assert images.shape == (size, 28, 28, 1) and images.dtype == np.uint8
        counts = np.bincount(labels, minlength=10)
        assert counts.sum() == size and counts.min() > 0.08 * size  # MNIST's rarest class: 8.9 %
        assert images.max() == 255 and images.min() == 0
        assert 0.1 < images.mean() / 255 < 0.35  # MNIST 0.131, Fashion-MNIST 0.286
