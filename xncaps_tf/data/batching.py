"""Batches whose contents are functions of (seed, epoch, step)."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from xncaps_tf._keras import tf
from xncaps_tf.data import augment as augmenting
from xncaps_tf.data import seeds
from xncaps_tf.data.dataset import Dataset


def num_batches(size: int, batch_size: int, *, drop_remainder: bool = False) -> int:
    """How many batches one epoch of `size` images has."""
    return size // batch_size if drop_remainder else -(-size // batch_size)


def batches(
    ds: Dataset,
    batch_size: int,
    *,
    seed: int | None = None,
    epoch: int = 0,
    epochs: int | None = 1,
    start: int = 0,
    augment: str | augmenting.Augmentation | None = None,
    one_hot: bool = True,
    drop_remainder: bool = False,
    shard: tuple[int, int] = (0, 1),
    beside: NDArray[Any] | None = None,
) -> Any:
    """tf.data of (images float32 [B, H, W, C], labels) of one epoch or of several.

    With a seed the order of epoch e is a permutation made from (seed, e), and the augmentation of
    an example is drawn from (seed, e, its index in `ds`). So the batches are the same wherever one
    starts, at any batch size of the same examples, and on any number of workers.

    Args:
        ds: the data set.
        batch_size: B, of the whole (global) batch.
        seed: an int; None keeps the stored order.
        epoch: the number of the first epoch.
        epochs: how many follow one another; None: without end.
        start: how many batches of the first epoch to skip (without reading them).
        augment: a word of `AUGMENTATIONS`, an `Augmentation`, or None; needs a seed.
        one_hot: labels float32 [B, classes]; else int64 [B] (labels of MultiMNIST are always
            float32 [B, classes]).
        drop_remainder: leave out a last batch that is not full.
        shard: (index, count): this worker's slice of every global batch. The slices of worker 0 to
            count - 1, one after another, are the global batch. For
            `strategy.distribute_datasets_from_function`, which takes what each worker reads as is.
        beside: float32 [n, k], numbers of each image that follow its one-hot labels.

    Raises:
        ValueError: an argument is out of its range, or `augment` comes without a seed.
    """
    _check(ds, batch_size, epoch, epochs, start, shard, drop_remainder)
    augmentation = augmenting.get(augment)
    if augmentation and seed is None:
        raise ValueError(f"batches: expected a seed with augment={augment!r}. Received: seed=None.")
    if beside is not None and (beside.ndim != 2 or len(beside) != len(ds) or not one_hot):
        raise ValueError(
            "batches: expected numbers [n, k] beside one-hot labels, n images. "
            f"Received: beside of shape {beside.shape}, {len(ds)} images, one_hot={one_hot}."
        )
    steps = num_batches(len(ds), batch_size, drop_remainder=drop_remainder)
    index, count = shard

    def of_epoch(number: Any) -> Any:
        size = len(ds)
        order = tf.range(size, dtype=tf.int64) if seed is None else seeds.order(size, seed, number)
        first = tf.where(tf.equal(number, epoch), tf.constant(start, tf.int64), 0)

        def cut(step: Any) -> tuple[Any, ...]:
            begin = step * batch_size
            length = tf.minimum(begin + batch_size, size) - begin
            chosen = order[begin + length * index // count : begin + length * (index + 1) // count]
            if not augmentation:
                return (chosen,)
            return chosen, tf.gather(draws, chosen)

        draws: Any = None
        if augmentation and seed is not None:
            draws = seeds.uniform([size, augmentation.num_draws], seed, number, seeds.AUGMENT)
        return tf.data.Dataset.range(first, tf.constant(steps, tf.int64)).map(cut)

    ds.images.prepare()
    read = _reader(ds, augmentation, one_hot, beside)
    is_static = drop_remainder or len(ds) % batch_size == 0

    def load(chosen: Any, *draws: Any) -> tuple[Any, Any]:
        if is_static:
            chosen = tf.ensure_shape(chosen, [batch_size // count])
        return read(chosen, *draws)

    last = None if epochs is None else epoch + epochs
    numbers = tf.data.Dataset.range(epoch, tf.int64.max if last is None else last)
    result = numbers.flat_map(of_epoch).map(load, tf.data.AUTOTUNE, deterministic=True)
    if epochs is not None:
        result = result.apply(tf.data.experimental.assert_cardinality(steps * epochs - start))
    return result.prefetch(2).with_options(_options())


def _reader(
    ds: Dataset,
    augmentation: augmenting.Augmentation | None,
    one_hot: bool,
    beside: NDArray[Any] | None,
) -> Any:
    """The function (indices of ds [n][, draws [n, k]]) -> (images, labels) of a tf.data map."""
    with tf.init_scope(), tf.device("CPU:0"):
        positions, labels = tf.constant(ds.positions), tf.constant(ds.labels)
        more = None if beside is None else tf.constant(beside, tf.float32)

    def read(chosen: Any, *draws: Any) -> tuple[Any, Any]:
        images = ds.images.gather(tf.gather(positions, chosen))
        images = tf.ensure_shape(images, [None, *ds.image_shape])
        if augmentation:
            shape = images.shape
            images = tf.ensure_shape(augmentation.apply(images, *draws), shape)
        target = tf.gather(labels, chosen)
        if one_hot and ds.labels.ndim == 1:
            target = tf.one_hot(target, ds.num_classes, dtype=tf.float32)
        if more is not None:
            target = tf.concat([target, tf.gather(more, chosen)], axis=1)  # [B, classes + k]
        return images, target

    return read


def _options() -> Any:
    options = tf.data.Options()
    options.deterministic = True
    # A worker's share is cut here; TensorFlow's own sharding would cut it a second time.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return options


def _check(
    ds: Dataset,
    batch_size: int,
    epoch: int,
    epochs: int | None,
    start: int,
    shard: tuple[int, int],
    drop_remainder: bool,
) -> None:
    index, count = shard
    if batch_size < 1:
        raise ValueError(f"batches: expected batch_size >= 1. Received: batch_size={batch_size}.")
    if epoch < 0 or (epochs is not None and epochs < 1):
        raise ValueError(
            "batches: expected epoch >= 0 and epochs >= 1. "
            f"Received: epoch={epoch}, epochs={epochs}."
        )
    if count < 1 or not 0 <= index < count or batch_size % count:
        raise ValueError(
            "batches: expected shard=(index, count) with 0 <= index < count and a batch_size that "
            f"count divides. Received: shard={shard}, batch_size={batch_size}."
        )
    steps = num_batches(len(ds), batch_size, drop_remainder=drop_remainder)
    if not steps:
        raise ValueError(
            "batches: expected a batch_size of at most the number of images, with drop_remainder. "
            f"Received: batch_size={batch_size}, {len(ds)} images."
        )
    if not 0 <= start <= steps:
        raise ValueError(
            f"batches: expected start from 0 to {steps}, the batches of an epoch. "
            f"Received: start={start}."
        )
