"""Two digits in one picture: MultiMNIST, composed when it is asked for.

Example i is a function of (seed, i): which two digits of different classes, and where each lies.
So the tf.data version here and the images that the tfds builder writes are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_tf._keras import tf
from xncaps_tf.data import seeds
from xncaps_tf.data.dataset import Dataset, StoredImages

SIDE = 36
_BLOCK = 1024  # examples whose draws are made at once
_NUM_DRAWS = 6  # digit a, digit b, y and x of a, y and x of b


@dataclass(frozen=True)
class Config:
    """One of the published variants.

    Attributes:
        name: its name.
        low, high: the smallest and the largest offset of a digit's corner in the 36x36 picture; a
            part that lies outside is cut off.
        is_clipped: sums over 255 become 255; else they stay, up to 510.
        text: one line for people.
    """

    name: str
    low: int
    high: int
    is_clipped: bool
    text: str

    @property
    def dtype(self) -> Any:
        """What a picture is stored in."""
        return np.uint8 if self.is_clipped else np.uint16


CONFIGS = {
    config.name: config
    for config in (
        Config(
            "published",
            0,
            8,
            False,
            "XnODR/XnIDR: a pad of 8, offsets 0 to 8, summed without clipping",
        ),
        Config(
            "efficient_capsnet",
            -2,
            10,
            True,
            "Efficient-CapsNet: a pad of 4, shifts of up to 6, clipped at white",
        ),
    )
}
DEFAULT = "published"
SEEDS = {"train": 0, "test": 1}
SIZES = {"train": 240_000, "test": 40_000}


class Pairs:
    """Draws of pairs of digits with different labels, uniform over all such pairs."""

    def __init__(self, labels: NDArray[Any], config: Config, seed: int) -> None:
        counts = np.bincount(labels)
        if np.count_nonzero(counts) < 2:
            raise ValueError("overlap: expected digits of two classes or more. Received: one.")
        self._config = config
        self._seed = seed
        self._labels = labels.astype(np.int64)
        self._by_class = np.argsort(labels, kind="stable").astype(np.int64)
        self._counts = counts.astype(np.int64)
        self._firsts = np.cumsum(self._counts) - self._counts

    def block(self, number: Any) -> Any:
        """Rows (a, b, ya, xa, yb, xb) of block `number`, int64 [1024, 6]."""
        drawn = tf.bitcast(
            seeds.bits([_BLOCK, _NUM_DRAWS], tf.int32, self._seed, number, seeds.OVERLAP), tf.uint32
        )
        drawn = tf.cast(drawn, tf.int64)  # [1024, 6], 32 bits each

        def scaled(column: int, limit: Any) -> Any:  # 0 to limit - 1
            return drawn[:, column] * limit // 2**32

        first = scaled(0, len(self._labels))
        own = tf.gather(self._labels, first)
        of_own, start = tf.gather(self._counts, own), tf.gather(self._firsts, own)
        place = scaled(1, len(self._labels) - of_own)  # among those of other classes
        second = tf.gather(self._by_class, place + tf.where(place >= start, of_own, 0))
        reach = self._config.high - self._config.low + 1
        corners = [scaled(column, reach) + self._config.low for column in range(2, _NUM_DRAWS)]
        return tf.stack([first, second, *corners], axis=1)

    def table(self, count: int) -> NDArray[Any]:
        """The rows of examples 0 to count - 1, int64 [count, 6]."""
        blocks = [self.block(number).numpy() for number in range(-(-count // _BLOCK))]
        return np.concatenate(blocks)[:count]


class OverlapImages(StoredImages):
    """`Images` of a table of pairs: composed on the fly, nothing stored but the digits."""

    def __init__(self, digits: NDArray[Any], table: NDArray[Any], config: Config) -> None:
        """digits uint8 [n, 28, 28, 1]; table int64 [m, 6] as `Pairs` draws it."""
        self._digits = digits
        self._table = table
        self._config = config
        self._tensors: Any = None

    @property
    def shape(self) -> tuple[int, int, int]:
        return SIDE, SIDE, 1

    def __len__(self) -> int:
        return len(self._table)

    def prepare(self) -> None:
        if self._tensors is None:
            with tf.init_scope(), tf.device("CPU:0"):
                self._tensors = tf.constant(self._digits), tf.constant(self._table)

    def gather(self, indices: Any) -> Any:
        digits, table = self._tensors
        return compose(digits, tf.gather(table, indices), self._config)

    def numpy(self, indices: NDArray[Any]) -> NDArray[Any]:
        rows = self._table[indices]
        result = np.empty((len(rows), SIDE, SIDE, 1), self._config.dtype)
        for target, row in zip(result, rows, strict=True):
            target[...] = self.example(row)
        return result

    def example(self, row: NDArray[Any]) -> NDArray[Any]:
        """One picture [36, 36, 1] in plain NumPy: what `compose` does for a batch."""
        height, width = self._digits.shape[1:3]
        margin = max(height, width)
        canvas = np.zeros((SIDE + 2 * margin, SIDE + 2 * margin, 1), np.int64)
        for digit, y, x in ((row[0], row[2], row[3]), (row[1], row[4], row[5])):
            top, left = margin + y, margin + x
            canvas[top : top + height, left : left + width] += self._digits[digit]
        picture = canvas[margin : margin + SIDE, margin : margin + SIDE]
        return np.minimum(picture, 255 if self._config.is_clipped else 510).astype(
            self._config.dtype
        )


def compose(digits: Any, rows: Any, config: Config) -> Any:
    """float32 [n, 36, 36, 1] of digits [m, 28, 28, 1] and rows int64 [n, 6]."""
    zero = tf.zeros_like(rows[:, 0], tf.float32)

    def place(which: int, y: int) -> Any:
        corner = tf.cast(rows[:, y : y + 2], tf.float32)  # [n, 2]
        moves = [zero + 1, zero, -corner[:, 1], zero, zero + 1, -corner[:, 0], zero, zero]
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(tf.gather(digits, rows[:, which]), tf.float32),
            transforms=tf.stack(moves, axis=1),  # [n, 8]
            output_shape=[SIDE, SIDE],
            fill_value=0.0,
            interpolation="NEAREST",
            fill_mode="CONSTANT",
        )

    both = place(0, 2) + place(1, 4)  # [n, 36, 36, 1]
    return tf.minimum(both, 255.0) if config.is_clipped else both


def two_hot(first: NDArray[Any], second: NDArray[Any], num_classes: int) -> NDArray[Any]:
    """float32 [n, classes] with a one for each of the two classes."""
    result = np.zeros((len(first), num_classes), np.float32)
    result[np.arange(len(first)), first] = 1
    result[np.arange(len(second)), second] = 1
    return result


def dataset(
    base: Dataset,
    config: str = DEFAULT,
    *,
    size: int | None = None,
    seed: int | None = None,
) -> Dataset:
    """MultiMNIST made of `base` (one split of MNIST) while it is read.

    Args:
        base: the digits, one class an image, 28x28x1.
        config: a word of `CONFIGS`.
        size: how many pictures; None: as published, 240,000 of 'train' and 40,000 of 'test'.
        seed: None: 0 for 'train' and 1 for 'test', as in the tfds builder.

    Raises:
        ValueError: there is no such config, or the images are not of one class each and 28x28x1.
    """
    chosen, digits = _checked(base, config)
    seed = SEEDS[base.split] if seed is None else seed
    table = Pairs(base.labels, chosen, seed).table(size or SIZES[base.split])
    return Dataset(
        name="multi_mnist" if config == DEFAULT else f"multi_mnist/{config}",
        split=base.split,
        class_names=base.class_names,
        images=OverlapImages(digits, table, chosen),
        labels=two_hot(base.labels[table[:, 0]], base.labels[table[:, 1]], base.num_classes),
        source=base.source,
    )


def stream(base: Dataset, config: str = DEFAULT, *, seed: int, first: int = 0) -> Any:
    """Endless tf.data of (picture float32 [36, 36, 1], two-hot float32 [classes]).

    Element k is example `first + k`, a function of (seed, first + k): a training that goes on
    from there sees what an undisturbed one would have seen, and no pair comes round again.

    Raises:
        ValueError: as `dataset`.
    """
    chosen, digits = _checked(base, config)
    pairs = Pairs(base.labels, chosen, seed)
    with tf.init_scope(), tf.device("CPU:0"):
        pixels, labels = tf.constant(digits), tf.constant(base.labels)

    def of_block(number: Any) -> tuple[Any, Any]:
        rows = pairs.block(number)  # [1024, 6]
        hot = tf.one_hot(tf.gather(labels, rows[:, :2]), base.num_classes)  # [1024, 2, classes]
        return compose(pixels, rows, chosen), tf.reduce_sum(hot, axis=1)

    blocks = tf.data.Dataset.range(first // _BLOCK, tf.int64.max)
    loaded = blocks.map(of_block, tf.data.AUTOTUNE, deterministic=True)
    return loaded.unbatch().skip(first % _BLOCK)


def _checked(base: Dataset, config: str) -> tuple[Config, NDArray[Any]]:
    if config not in CONFIGS:
        raise ValueError(
            f"multi_mnist: expected one of {', '.join(CONFIGS)}. Received: config={config!r}."
        )
    digits, labels = base.numpy()
    if labels.ndim != 1 or digits.dtype != np.uint8 or digits.shape[1:] != (28, 28, 1):
        raise ValueError(
            "multi_mnist: expected uint8 images of 28x28x1 with one class each. "
            f"Received: {digits.dtype}, shape {digits.shape}."
        )
    return CONFIGS[config], digits
