"""A model's scores on a data set."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files.scores import right_answers
from xncaps_tf import data as datasets
from xncaps_tf.data import Dataset
from xncaps_tf.training.networks import check_fit


@dataclass(frozen=True)
class Evaluation:
    """What a model makes of a data set.

    Attributes:
        accuracy: share of images whose highest score is that of their class; of images with two
            labels, the mean share of them among the two highest scores.
        images: number of images.
        per_class: class name -> accuracy on its images (one-label data only).
        confusion: number of images by true class (rows) and highest score (one-label data only).
        dead_classes: names of the classes whose score is zero on every image.
        seconds: what the predictions took, the first call included.
        right: bool `[images]`, of which images the highest score is that of their class; of images
            with two labels `[images, 2]`, which of the two highest are labels.
    """

    accuracy: float
    images: int
    per_class: dict[str, float]
    confusion: list[list[int]]
    dead_classes: list[str]
    seconds: float
    right: NDArray[Any]

    def to_dict(self) -> dict[str, object]:
        """For JSON, without `right`."""
        return {name: value for name, value in vars(self).items() if name != "right"}


def evaluate(model: Any, ds: Dataset, *, batch_size: int = 100) -> Evaluation:
    """Scores every image of `ds`.

    Args:
        model: Keras model of the data's images and classes.
        ds: the data set.
        batch_size: images a call.

    Raises:
        TrainingError: the model does not fit the data.
        DataError: a picture cannot be read.
    """
    check_fit(model, ds, "evaluate")
    began = time.monotonic()
    batches = datasets.batches(ds, batch_size, one_hot=False)
    with ds.reading():
        scores = np.asarray(model.predict(batches, verbose=0), np.float64)  # [n, classes]
    seconds = time.monotonic() - began
    names = list(ds.class_names)
    dead = [name for name, top in zip(names, np.abs(scores).max(axis=0), strict=True) if top == 0]
    right = right_answers(scores, ds.labels)
    accuracy = float(right.mean())
    if ds.labels.ndim == 2:
        return Evaluation(accuracy, len(ds), {}, [], dead, seconds, right)
    confusion = np.zeros((len(names), len(names)), np.int64)
    np.add.at(confusion, (ds.labels, scores.argmax(axis=1)), 1)
    per_class = {
        name: float(row[index] / row.sum())
        for index, (name, row) in enumerate(zip(names, confusion, strict=True))
        if row.sum()
    }
    return Evaluation(accuracy, len(ds), per_class, confusion.tolist(), dead, seconds, right)
