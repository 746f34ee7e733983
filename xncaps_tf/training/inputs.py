"""The pictures of a training: what it trains on and what it holds out."""

from __future__ import annotations

import time
from collections.abc import Callable

from xncaps_tf import data as datasets
from xncaps_tf.data import Dataset
from xncaps_tf.training.config import TrainConfig

Say = Callable[[str], object]
_SAY_SECONDS = 15.0


def _silent(text: str) -> None:
    """Where nobody looks."""


def load(
    config: TrainConfig, shape: tuple[int | None, ...], *, check: bool = True, say: Say = _silent
) -> tuple[Dataset, Dataset | None]:
    """(training images, the hold-out or None), every picture of both checked.

    Args:
        config: of the whole training.
        shape: (H, W, C) of the model's images; None where the data decides.
        check: False where the same pictures have been checked.
        say: takes a line for a person.

    Raises:
        DataError: the data cannot be read.
    """

    def part(split: str, shape: tuple[int | None, ...]) -> Dataset:
        return datasets.load_for(
            shape, config.data, split, config.data_dir, download=config.download
        )

    train = part("train", shape)
    if config.validation and datasets.has_validation(config.data, config.data_dir):
        held_out = part(datasets.VALIDATION, train.image_shape)
        return prepared(config, train, held_out, check=check, say=say)
    return prepared(config, train, None, check=check, say=say)


def prepared(
    config: TrainConfig,
    train: Dataset,
    held_out: Dataset | None,
    *,
    check: bool = True,
    say: Say = _silent,
) -> tuple[Dataset, Dataset | None]:
    """(at most `limit` training images, the hold-out given or `validation` of them), checked."""
    if config.limit is not None and config.limit < len(train):
        train = datasets.sample(train, config.limit, config.seed)
    if held_out is None and config.validation:
        train, held_out = datasets.split_validation(train, config.validation, config.seed)
    for images in (train, held_out):
        if check and images is not None:
            images.check(_Progress(images, say))
    return train, held_out


class _Progress:
    """Says how many pictures have been read, where that takes long."""

    def __init__(self, images: Dataset, say: Say) -> None:
        self._images, self._say, self._said = images, say, time.monotonic()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._said >= _SAY_SECONDS:
            self._said = now
            total, split = len(self._images), self._images.split
            self._say(f"looking whether every picture can be read: {done} of {total} ({split})")
