"""What `load` returns: shapes, specs, subsets, hold-outs."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import pytest

from xncaps_tf import data
from xncaps_tf._keras import tf
from xncaps_tf.errors import DataError


def _numbered(count: int, classes: int = 3) -> data.Dataset:
    """Image i has the value i everywhere and the class i mod `classes`."""
    pixels = np.broadcast_to(
        np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 2, 3, 1)
    )
    return data.Dataset(
        name="numbered",
        split="train",
        class_names=tuple("abcdefghij"[:classes]),
        images=data.ArrayImages(pixels),
        labels=np.arange(count, dtype=np.int64) % classes,
    )


def test_digits_are_whole_fixed_and_scaled() -> None:
    train, test = (data.load("digits", split) for split in data.SPLITS)
    assert (len(train), len(test)) == (1433, 364)
    assert train.image_shape == (8, 8, 1) and train.class_names == tuple("0123456789")
    pixels, labels = train.numpy()
    assert pixels.dtype == np.float32 and (pixels.min(), pixels.max()) == (0, 255)
    steps = pixels / np.float32(255 / 16)
    assert set(np.unique(steps).tolist()) == set(range(17))
    assert np.bincount(labels).min() >= 139
    # The split must never move: results of different machines are compared.
    assert int(steps.sum(dtype=np.float64)) == 447_244
    assert test.labels[:12].tolist() == [2, 0, 2, 6, 7, 8, 5, 4, 1, 0, 0, 1]
    assert np.bincount(test.labels).tolist() == [36, 37, 36, 37, 37, 37, 37, 36, 35, 36]


def test_dataset_tells_what_it_holds() -> None:
    found = _numbered(7)
    assert (len(found), found.size, found.num_classes, found.num_labels) == (7, 7, 3, 1)
    assert found.image_shape == (2, 3, 1) and found.title == "numbered"
    assert found.element_spec == (
        tf.TensorSpec([2, 3, 1], tf.float32),
        tf.TensorSpec([], tf.int64),
    )
    assert found.as_tf().element_spec == found.element_spec
    values = [(int(image[0, 0, 0]), int(label)) for image, label in found.as_tf()]
    assert values == [(i, i % 3) for i in range(7)]


def test_a_files_map_stays_in_the_file(tmp_path: pathlib.Path) -> None:
    shape = (7, 2, 3, 1)
    mapped = np.memmap(tmp_path / "pixels", np.uint8, "w+", shape=shape)
    mapped[:] = np.arange(7, dtype=np.uint8)[:, None, None, None]
    images = data.ArrayImages(mapped)
    images.prepare()
    found = images.gather(tf.constant([5, 0, 3]))
    assert found.dtype == tf.float32 and found.numpy()[:, 0, 0, 0].tolist() == [5, 0, 3]


def test_subset_keeps_the_order_given() -> None:
    found = _numbered(7).subset([5, 0, 3], split="some")
    assert found.split == "some" and found.labels.tolist() == [2, 0, 0]
    assert found.numpy()[0][:, 0, 0, 0].tolist() == [5, 0, 3]
    again = found.subset(slice(1, None))
    assert [int(image[0, 0, 0]) for image, _ in again.as_tf()] == [0, 3]
    with pytest.raises(IndexError):
        found.subset([3])
    with pytest.raises(DataError, match="numbered: expected at least one image"):
        found.subset([])


def test_dataset_refuses_what_does_not_fit() -> None:
    images = data.ArrayImages(np.zeros((3, 2, 2, 1), np.uint8))
    two = ("a", "b")
    with pytest.raises(DataError, match="one label an image. Received: 3 images and 2 labels"):
        data.Dataset("x", "train", two, images, np.zeros(2, np.int64))
    with pytest.raises(DataError, match="labels from 0 to 1. Received: labels from -1 to 2"):
        data.Dataset("x", "train", two, images, np.array([-1, 0, 2]))
    with pytest.raises(DataError, match=r"expected labels \[n, 2\]. Received: shape \(3, 3\)"):
        data.Dataset("x", "train", two, images, np.zeros((3, 3), np.float32))
    with pytest.raises(ValueError, match="ArrayImages: expected .*Received: array of float64"):
        data.ArrayImages(np.zeros((3, 2, 2, 1)))


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_split_validation_holds_out_every_class(fraction: float) -> None:
    whole = data.load("digits", "train")
    rest, held = data.split_validation(whole, fraction, seed=3)
    assert len(held) == round(fraction * len(whole)) and len(rest) + len(held) == len(whole)
    both = np.concatenate([rest.positions, held.positions])
    assert np.array_equal(np.sort(both), np.arange(len(whole)))
    counts, of_held = np.bincount(whole.labels), np.bincount(held.labels)
    assert np.abs(of_held - fraction * counts).max() < 1
    assert (rest.split, held.split) == ("train[rest]", "train[validation]")


def test_split_validation_is_a_function_of_the_seed() -> None:
    whole = data.load("digits", "train")
    first, same, other = (data.split_validation(whole, 0.1, seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first.positions, same.positions)
    assert not np.array_equal(first.positions, other.positions)


def test_split_validation_of_rare_classes_and_of_two_labels() -> None:
    _, held = data.split_validation(_numbered(9), 0.01, seed=0)
    assert sorted(held.labels.tolist()) == [0, 1, 2]
    whole = _numbered(8)
    hot = np.eye(3, dtype=np.float32)[whole.labels] + np.eye(3, dtype=np.float32)[whole.labels - 1]
    both = data.Dataset("x", "train", whole.class_names, whole.images, hot)
    assert both.num_labels == 2
    assert len(data.split_validation(both, 0.25, seed=0)[1]) == 2


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5])
def test_split_validation_refuses_a_fraction(fraction: float) -> None:
    with pytest.raises(ValueError, match="split_validation: expected 0 < fraction < 1. Received:"):
        data.split_validation(_numbered(9), fraction, seed=0)


def test_split_validation_refuses_classes_of_one_image() -> None:
    with pytest.raises(DataError, match="a class with two images or more.*Received: 3 im"):
        data.split_validation(_numbered(3), 0.5, seed=0)


@pytest.mark.parametrize("count", [1, 3, 10, 17, 60])
def test_a_sample_has_the_same_share_of_every_class(count: int) -> None:
    labels = np.repeat(np.arange(3), [10, 20, 30])  # sorted, as folders are
    ds = dataclasses.replace(_numbered(60), labels=labels)
    chosen = data.sample(ds, count, seed=4)
    assert len(chosen) == count
    found = np.bincount(chosen.labels, minlength=3)
    assert np.all(np.abs(found - count * np.array([1, 2, 3]) / 6) <= 1)
    assert len(set(chosen.positions.tolist())) == count
    np.testing.assert_array_equal(chosen.positions, data.sample(ds, count, seed=4).positions)
    # Every prefix is such a sample.
    np.testing.assert_array_equal(chosen.positions, data.sample(ds, 60, 4).positions[:count])


@pytest.mark.parametrize("count", [0, 4, -1])
def test_a_sample_of_more_or_less_than_there_is_says_so(count: int) -> None:
    with pytest.raises(ValueError, match=f"Received: count={count}"):
        data.sample(_numbered(3), count, seed=0)
