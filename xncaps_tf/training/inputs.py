"""The pictures of a training: what it trains on and what it holds out."""

from __future__ import annotations

from xncaps_tf import data as datasets
from xncaps_tf.data import Dataset
from xncaps_tf.training.config import TrainConfig


def load(config: TrainConfig, shape: tuple[int | None, ...]) -> tuple[Dataset, Dataset | None]:
    """(training images, the hold-out or None), every picture of both checked.

    Args:
        config: of the whole training.
        shape: (H, W, C) of the model's images; None where the data decides.

    Raises:
        DataError: the data cannot be read.
    """

    def part(split: str, shape: tuple[int | None, ...]) -> Dataset:
        return datasets.load_for(
            shape, config.data, split, config.data_dir, download=config.download
        )

    train = part("train", shape)
    if config.validation and datasets.has_validation(config.data, config.data_dir):
        return prepared(config, train, part(datasets.VALIDATION, train.image_shape))
    return prepared(config, train, None)


def prepared(
    config: TrainConfig, train: Dataset, held_out: Dataset | None
) -> tuple[Dataset, Dataset | None]:
    """(at most `limit` training images, the hold-out given or `validation` of them), checked."""
    if config.limit is not None and config.limit < len(train):
        train = datasets.sample(train, config.limit, config.seed)
    if held_out is None and config.validation:
        train, held_out = datasets.split_validation(train, config.validation, config.seed)
    for images in (train, held_out):
        if images is not None:
            images.check()
    return train, held_out
