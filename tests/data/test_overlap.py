"""MultiMNIST composed on the fly: which pairs, where, and that both ways give the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from xncaps_tf import data
from xncaps_tf.data import overlap

SHAPE = (overlap.SIDE, overlap.SIDE, 1)


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    """57 'digits' in unequal classes; a full frame of grey that tells which one it is."""
    labels = np.repeat(np.arange(5), [3, 20, 1, 13, 20]).astype(np.int64)
    labels = labels[np.arange(57) * 23 % 57]  # a fixed order in which classes are mixed
    pixels = np.zeros((len(labels), 28, 28, 1), np.uint8)
    pixels[:] = (np.arange(len(labels), dtype=np.uint8) * 4 + 20)[:, None, None, None]
    return data.Dataset("mnist", "train", tuple("01234"), data.ArrayImages(pixels), labels)


@pytest.mark.parametrize("config", overlap.CONFIGS)
def test_dataset_gives_the_same_as_its_arrays_and_the_stream(
    digits: data.Dataset, config: str
) -> None:
    found = overlap.dataset(digits, config, size=3000)
    images, labels = found.numpy()
    assert images.shape == (3000, *SHAPE) and images.dtype == overlap.CONFIGS[config].dtype
    assert found.num_labels == 2 and len(found) == 3000
    position = 0
    for batch, hot in data.batches(found, 1000):
        np.testing.assert_array_equal(batch, images[position : position + len(batch)])
        np.testing.assert_array_equal(hot, labels[position : position + len(batch)])
        position += len(batch)
    elements = itertools.islice(overlap.stream(digits, config, seed=0, first=1020), 10)
    for number, (image, hot) in enumerate(elements, start=1020):  # over the edge of a block
        np.testing.assert_array_equal(image, images[number])
        np.testing.assert_array_equal(hot, labels[number])


def test_published_puts_both_digits_whole_into_the_picture(digits: data.Dataset) -> None:
    table = overlap.Pairs(digits.labels, overlap.CONFIGS["published"], 0).table(500)
    images, _ = overlap.dataset(digits, size=500).numpy()
    pixels = digits.numpy()[0].astype(np.int64)
    for image, (a, b, ya, xa, yb, xb) in zip(images, table, strict=True):
        wanted = np.zeros(SHAPE, np.int64)
        wanted[ya : ya + 28, xa : xa + 28] += pixels[a]
        wanted[yb : yb + 28, xb : xb + 28] += pixels[b]
        np.testing.assert_array_equal(image, wanted)
    assert images.max() > 255  # summed without clipping
    assert (table[:, 2:].min(), table[:, 2:].max()) == (0, 8)


def test_efficient_capsnet_shifts_further_and_clips(digits: data.Dataset) -> None:
    config = overlap.CONFIGS["efficient_capsnet"]
    table = overlap.Pairs(digits.labels, config, 0).table(500)
    images, _ = overlap.dataset(digits, "efficient_capsnet", size=500).numpy()
    pixels = digits.numpy()[0].astype(np.int64)
    for image, (a, b, ya, xa, yb, xb) in zip(images, table, strict=True):
        wanted = np.zeros((40, 40, 1), np.int64)  # the picture with an edge of 2 that is cut off
        wanted[ya + 2 : ya + 30, xa + 2 : xa + 30] += pixels[a]
        wanted[yb + 2 : yb + 30, xb + 2 : xb + 30] += pixels[b]
        np.testing.assert_array_equal(image, np.minimum(wanted[2:-2, 2:-2], 255))
    assert images.max() == 255
    assert (table[:, 2:].min(), table[:, 2:].max()) == (-2, 10)


def test_pairs_are_uniform_over_all_pairs_of_different_classes(digits: data.Dataset) -> None:
    count = 200_000
    table = overlap.Pairs(digits.labels, overlap.CONFIGS["published"], 5).table(count)
    first, second = digits.labels[table[:, 0]], digits.labels[table[:, 1]]
    assert (first != second).all()
    size = len(digits)
    seen = np.bincount(table[:, 0] * size + table[:, 1], minlength=size * size).reshape(size, size)
    allowed = digits.labels[:, None] != digits.labels[None, :]
    assert (seen[~allowed] == 0).all()
    # P(a) = 1 / n, P(b | a) = 1 / (n - images of a's class); 6 sigma of a binomial count.
    others = allowed.sum(axis=1, keepdims=True)
    wanted = np.broadcast_to(count / size / others, allowed.shape)[allowed]
    assert (np.abs(seen[allowed] - wanted) < 6 * np.sqrt(wanted)).all()
    corners = np.bincount(table[:, 2], minlength=9)
    assert (np.abs(corners - count / 9) < 6 * np.sqrt(count / 9)).all()


def test_the_pairs_never_change_between_versions(digits: data.Dataset) -> None:
    table = overlap.Pairs(digits.labels, overlap.CONFIGS["published"], 0).table(1025)
    assert table[0].tolist() == [50, 24, 8, 0, 4, 1]
    assert table[1].tolist() == [17, 23, 3, 3, 1, 0]
    assert table[1024].tolist() == [26, 54, 6, 1, 5, 8]


def test_labels_are_those_of_the_two_digits(digits: data.Dataset) -> None:
    table = overlap.Pairs(digits.labels, overlap.CONFIGS["published"], 0).table(50)
    hot = overlap.dataset(digits, size=50).labels
    for row, (a, b, *_) in zip(hot, table, strict=True):
        assert np.flatnonzero(row).tolist() == sorted([digits.labels[a], digits.labels[b]])


def test_splits_and_seeds_have_draws_of_their_own(digits: data.Dataset) -> None:
    first = overlap.dataset(digits, size=100).numpy()[0]
    np.testing.assert_array_equal(first, overlap.dataset(digits, size=100, seed=0).numpy()[0])
    assert not np.array_equal(first, overlap.dataset(digits, size=100, seed=1).numpy()[0])
    assert overlap.SEEDS["train"] != overlap.SEEDS["test"]
    assert len(overlap.dataset(digits)) == 240_000


def test_overlap_refuses_what_are_no_digits(digits: data.Dataset) -> None:
    with pytest.raises(ValueError, match="published, efficient_capsnet. Received: config='x'"):
        overlap.dataset(digits, "x")
    with pytest.raises(ValueError, match=r"uint8 images of 28x28x1 .*shape \(1433, 8, 8, 1\)"):
        overlap.stream(data.load("digits", "train"), seed=0)
    same = digits.subset(np.flatnonzero(digits.labels == 1))
    with pytest.raises(ValueError, match="overlap: expected digits of two classes or more"):
        overlap.dataset(same)
