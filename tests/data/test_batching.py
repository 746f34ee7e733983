"""Batches are functions of (seed, epoch, step)."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from xncaps_tf import data
from xncaps_tf._keras import tf


@pytest.fixture(scope="module")
def numbered() -> data.Dataset:
    """107 images; every pixel of image i is i, its class i mod 10."""
    pixels = np.repeat(np.arange(107, dtype=np.uint8), 6 * 5).reshape(107, 6, 5, 1)
    return data.Dataset(
        name="numbered",
        split="train",
        class_names=tuple("0123456789"),
        images=data.ArrayImages(pixels),
        labels=np.arange(107, dtype=np.int64) % 10,
    )


def _numbers(batches: Any) -> list[list[int]]:
    return [images[:, 0, 0, 0].numpy().astype(int).tolist() for images, _ in batches]


def _flat(batches: Any) -> list[int]:
    return [number for batch in _numbers(batches) for number in batch]


def _equal(first: Any, second: Any) -> bool:
    pairs = list(zip(first, second, strict=True))
    return all(
        np.array_equal(a, b) and np.array_equal(a_label, b_label)
        for (a, a_label), (b, b_label) in pairs
    )


def test_batches_without_seed_keep_the_order(numbered: data.Dataset) -> None:
    found = list(data.batches(numbered, 25))
    assert [images.shape.as_list() for images, _ in found] == [[25, 6, 5, 1]] * 4 + [[7, 6, 5, 1]]
    images, labels = found[1]
    assert images.dtype == tf.float32 and labels.dtype == tf.float32
    assert images[:, 3, 3, 0].numpy().tolist() == list(range(25, 50))
    np.testing.assert_array_equal(labels, np.eye(10)[np.arange(25, 50) % 10])
    (_, numbers), *_ = data.batches(numbered, 25, one_hot=False)
    assert numbers.dtype == tf.int64 and numbers.numpy().tolist() == [i % 10 for i in range(25)]


def test_batches_with_drop_remainder(numbered: data.Dataset) -> None:
    found = data.batches(numbered, 25, drop_remainder=True)
    assert found.cardinality() == 4 and len(list(found)) == 4
    assert found.element_spec[0].shape == (25, 6, 5, 1)
    assert data.batches(numbered, 25).cardinality() == 5
    assert data.num_batches(107, 25) == 5 and data.num_batches(107, 25, drop_remainder=True) == 4


def test_an_epoch_has_every_image_once_in_an_order_of_its_own(numbered: data.Dataset) -> None:
    epochs = [_flat(data.batches(numbered, 25, seed=1, epoch=epoch)) for epoch in range(3)]
    assert all(sorted(epoch) == list(range(107)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert epochs[0] == _flat(data.batches(numbered, 25, seed=1))
    assert epochs[0] == _flat(data.batches(numbered, 10, seed=1))  # at any batch size
    assert epochs[0] != _flat(data.batches(numbered, 25, seed=2))


def test_the_order_never_changes_between_versions(numbered: data.Dataset) -> None:
    order = _flat(data.batches(numbered, 25, seed=7, epoch=3))
    assert order[:12] == [60, 15, 21, 4, 19, 79, 45, 95, 80, 98, 46, 2]


@pytest.mark.parametrize("seed", [0, -1, 2**63 - 1, 2**64 - 1, 2**70])
def test_any_int_is_a_seed(numbered: data.Dataset, seed: int) -> None:
    assert sorted(_flat(data.batches(numbered, 25, seed=seed))) == list(range(107))


@pytest.mark.parametrize("augment", [None, "shift", "affine_flip", "photo", "photo_strong"])
def test_a_run_can_go_on_anywhere(numbered: data.Dataset, augment: str | None) -> None:
    options: dict[str, Any] = {"seed": 5, "augment": augment}
    whole = list(data.batches(numbered, 25, epochs=3, **options))
    assert len(whole) == 15
    apart = [b for epoch in range(3) for b in data.batches(numbered, 25, epoch=epoch, **options)]
    assert _equal(whole, apart)
    rest = data.batches(numbered, 25, epoch=1, epochs=2, start=3, **options)
    assert rest.cardinality() == 7
    assert _equal(whole[8:], rest)
    endless = data.batches(numbered, 25, epoch=1, epochs=None, **options)
    assert _equal(whole[5:], endless.take(10))


def test_augmentation_is_of_the_example_and_the_epoch(numbered: data.Dataset) -> None:
    """The draws do not depend on the batch size, and change from epoch to epoch."""
    gradient = np.tile(np.arange(30, dtype=np.uint8).reshape(6, 5, 1), (107, 1, 1, 1))
    ds = data.Dataset(
        "g", "train", numbered.class_names, data.ArrayImages(gradient), numbered.labels
    )

    def images(**options: Any) -> np.ndarray:
        return np.concatenate([x for x, _ in data.batches(ds, seed=4, augment="shift", **options)])

    first = images(batch_size=25)
    np.testing.assert_array_equal(first, images(batch_size=10))
    assert len(np.unique(first.reshape(107, -1), axis=0)) > 15  # of 25 shifts
    assert not np.array_equal(first, images(batch_size=25, epoch=1))


@pytest.mark.parametrize("count", [2, 4, 5])
@pytest.mark.parametrize("drop_remainder", [False, True])
def test_shards_make_up_the_global_batch(
    numbered: data.Dataset, count: int, drop_remainder: bool
) -> None:
    options: dict[str, Any] = {"seed": 2, "augment": "shift", "drop_remainder": drop_remainder}
    whole = data.batches(numbered, 20, **options)
    shards = [data.batches(numbered, 20, shard=(index, count), **options) for index in range(count)]
    if drop_remainder:
        assert shards[0].element_spec[0].shape == (20 // count, 6, 5, 1)
    joined = [
        [np.concatenate(part) for part in zip(*step, strict=True)]
        for step in zip(*shards, strict=True)
    ]
    assert _equal(whole, joined)


def test_distributed_workers_read_their_slices(numbered: data.Dataset) -> None:
    """The way `tf.distribute` reads it: what the function of a worker gives is used as it is."""
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])

    def of_worker(context: Any) -> Any:
        assert context.num_input_pipelines == 1
        return data.batches(numbered, 20, seed=3, shard=(1, 2))

    found = strategy.distribute_datasets_from_function(of_worker)
    assert _numbers(found) == _numbers(data.batches(numbered, 20, seed=3, shard=(1, 2)))
    whole = strategy.experimental_distribute_dataset(data.batches(numbered, 20, seed=3))
    assert _numbers(whole) == _numbers(data.batches(numbered, 20, seed=3))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "batch_size": ({"batch_size": 0}, "batch_size >= 1. Received: batch_size=0"),
    "epoch": ({"epoch": -1}, "epoch >= 0 .* Received: epoch=-1"),
    "epochs": ({"epochs": 0}, "epochs >= 1. Received: epoch=0, epochs=0"),
    "start": ({"start": 6}, "start from 0 to 5, the batches of an epoch. Received: start=6"),
    "index": ({"shard": (2, 2)}, r"shard=\(index, count\) .* Received: shard=\(2, 2\)"),
    "count": ({"shard": (0, 3)}, r"that count divides. Received: shard=\(0, 3\), batch_size=25"),
    "augment": ({"augment": "turn", "seed": 1}, "none, shift, affine, .*Received: augment='turn'"),
    "seed": ({"augment": "shift"}, "expected a seed with augment='shift'. Received: seed=None"),
    "no batch": ({"batch_size": 108, "drop_remainder": True}, "at most the number of images"),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_batches_refuses(numbered: data.Dataset, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        data.batches(numbered, **{"batch_size": 25, **change})


def test_a_real_epoch_is_fast_enough_to_train_on(real_data: tuple[str, Any]) -> None:
    """60,000 augmented images for less than a quarter of the CPU time of two cores in 45 s."""
    ds = data.load(real_data[0], "train", real_data[1])
    begun = time.process_time()  # of all threads; not of what else the machine does
    count = sum(1 for _ in data.batches(ds, 100, seed=0, augment="shift"))
    assert count == 600 and time.process_time() - begun < 2 * 45 / 4
