"""The inputs that a file is checked on: a data set's test split, or random ones."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from xncaps_tf.errors import DataError

RANDOM = "random"
_SEED = 20211110


@dataclass(frozen=True)
class Samples:
    """Inputs and what is known of them.

    Attributes:
        inputs: float32 `[n, ...]`, as the model takes them.
        labels: int64 `[n]`, or two-hot `[n, classes]`, or None where not known.
        source: the data set's name and split, or 'random'.
        whole: whether these are all samples of the split.
    """

    inputs: np.ndarray
    labels: np.ndarray | None
    source: str
    whole: bool = False

    @property
    def is_random(self) -> bool:
        return self.source == RANDOM

    @property
    def holds_pixels(self) -> bool:
        """Whether the inputs are images of whole numbers from 0 to 255."""
        whole = np.clip(np.rint(self.inputs), 0, 255)
        return is_image(self.inputs.shape[1:]) and np.array_equal(whole, self.inputs)

    def __len__(self) -> int:
        return len(self.inputs)


def input_shape(model: Any) -> tuple[int, ...]:
    """The shape of one sample of a model with one input of known shape."""
    shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    if len(shapes) != 1 or None in shapes[0]:
        raise DataError(
            f"verify: expected a model with one input of a known shape. Received: {shapes}; "
            "--no-verify converts it unchecked."
        )
    return shapes[0]


def takes_pixels(model: Any) -> bool:
    """Whether the model's input looks like an image: [H, W, 1 or 3]."""
    return is_image(input_shape(model))


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether a sample's shape is [H, W, 1 or 3]."""
    return len(shape) == 3 and shape[-1] in (1, 3)


def random_samples(model: Any, count: int) -> Samples:
    """Seeded inputs of the right range for a model."""
    return random_inputs(input_shape(model), count)


def random_inputs(shape: tuple[int, ...], count: int) -> Samples:
    """Seeded inputs of the right range: whole pixels 0 to 255 for images, else normal numbers."""
    generator = np.random.default_rng(_SEED)
    if is_image(shape):
        inputs = generator.integers(0, 256, (count, *shape)).astype(np.float32)
    else:
        inputs = generator.standard_normal((count, *shape), np.float32)
    return Samples(inputs, None, RANDOM)


def from_data(
    model: Any,
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    count: int | None = None,
    *,
    split: str = "test",
) -> Samples:
    """`count` samples of a data set's split, the same share of every class, or all of them.

    They are a function of the split alone, in an order whose every prefix is such a sample.

    Raises:
        DataError: the data set is not found, or its images or classes are not the model's.
    """
    from xncaps_tf import data

    folder = None if data_dir is None else os.fspath(data_dir)
    dataset = data.load_for(input_shape(model), name, split, folder)
    total = len(dataset)
    dataset = data.sample(dataset, min(count or total, total), _SEED)
    images, labels = dataset.numpy()
    if tuple(images.shape[1:]) != input_shape(model):
        raise DataError(
            f"verify: expected images {list(input_shape(model))}, as the model takes them. "
            f"Received: {list(images.shape[1:])} of {name}."
        )
    classes = model.outputs[0].shape[-1]
    if len(dataset.class_names) != classes:
        raise DataError(
            f"verify: expected {classes} classes, as the model has. "
            f"Received: {len(dataset.class_names)} of {name}."
        )
    inputs = np.asarray(images, np.float32)
    return Samples(inputs, np.asarray(labels), f"{name}/{split}", len(inputs) == total)
