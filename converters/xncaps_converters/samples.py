"""The inputs that a file is checked on: a data set's test split, or random ones.

Nothing here holds a split in memory: photographs are decoded as rows are asked for.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xncaps_tf.errors import DataError

if TYPE_CHECKING:
    from xncaps_tf.data import Dataset

RANDOM = "random"
_SEED = 20211110
_AT_ONCE = 16


class Inputs(Protocol):
    """What Samples needs of an array `[n, ...]`; rows come as float32, as the model takes them."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> NDArray[Any]: ...


class DatasetInputs:
    """The images of a data set as an array `[n, H, W, C]`; those that are asked for are in memory.

    Args:
        dataset: photographs are decoded again whenever they are asked for, but for those that
            the data set keeps.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self._dataset), *self._dataset.image_shape

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, rows: slice | Sequence[int] | NDArray[Any], /) -> NDArray[Any]:
        positions = self._dataset.positions[rows]
        return self._dataset.images.numpy(positions).astype(np.float32)


@dataclass(frozen=True)
class Samples:
    """Inputs and what is known of them.

    Attributes:
        inputs: `[n, ...]`, whose slices are float32, as the model takes them.
        labels: int64 `[n]`, or two-hot `[n, classes]`, or None where not known.
        source: the data set's name and split, or 'random'.
        whole: whether these are all samples of the split.
    """

    inputs: Inputs
    labels: NDArray[Any] | None
    source: str
    whole: bool = False

    @property
    def is_random(self) -> bool:
        return self.source == RANDOM

    @property
    def holds_pixels(self) -> bool:
        """Whether the inputs are images of whole numbers from 0 to 255."""
        if not is_image(self.inputs.shape[1:]):
            return False
        chunks = (self.inputs[at : at + _AT_ONCE] for at in range(0, len(self), _AT_ONCE))
        return all(np.array_equal(np.clip(np.rint(chunk), 0, 255), chunk) for chunk in chunks)

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
    generator: Any = np.random.default_rng(_SEED)
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
    if dataset.image_shape != input_shape(model):
        raise DataError(
            f"verify: expected images {list(input_shape(model))}, as the model takes them. "
            f"Received: {list(dataset.image_shape)} of {name}."
        )
    classes = model.outputs[0].shape[-1]
    if len(dataset.class_names) != classes:
        raise DataError(
            f"verify: expected {classes} classes, as the model has. "
            f"Received: {len(dataset.class_names)} of {name}."
        )
    whole = len(dataset) == total
    return Samples(DatasetInputs(dataset), np.asarray(dataset.labels), f"{name}/{split}", whole)
