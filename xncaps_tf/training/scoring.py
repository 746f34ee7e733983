"""A model's scores on a data set."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from xncaps_tf import data as datasets
from xncaps_tf import models
from xncaps_tf._keras import keras
from xncaps_tf.data import Dataset
from xncaps_tf.errors import TrainingError
from xncaps_tf.metrics import score_accuracy, two_label_accuracy


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
    """

    accuracy: float
    images: int
    per_class: dict[str, float]
    confusion: list[list[int]]
    dead_classes: list[str]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(self.__dict__)


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
    check_fit(model, ds)
    began = time.monotonic()
    batches = datasets.batches(ds, batch_size, one_hot=False)
    with ds.reading():
        scores = np.asarray(model.predict(batches, verbose=0), np.float64)  # [n, classes]
    seconds = time.monotonic() - began
    names = list(ds.class_names)
    dead = [name for name, top in zip(names, np.abs(scores).max(axis=0), strict=True) if top == 0]
    if ds.labels.ndim == 2:
        right = two_label_accuracy(ds.labels, scores).numpy()
        return Evaluation(float(right.mean()), len(ds), {}, [], dead, seconds)
    right = score_accuracy(ds.labels, scores).numpy()
    confusion = np.zeros((len(names), len(names)), np.int64)
    np.add.at(confusion, (ds.labels, scores.argmax(axis=1)), 1)
    per_class = {
        name: float(row[index] / row.sum())
        for index, (name, row) in enumerate(zip(names, confusion, strict=True))
        if row.sum()
    }
    return Evaluation(float(right.mean()), len(ds), per_class, confusion.tolist(), dead, seconds)


def check_fit(model: keras.Model, ds: Dataset) -> None:
    """Raises TrainingError unless the model takes the data's images and has its classes."""
    wants = tuple(model.input_shape[1:])
    fits = len(wants) == 3 and all(a in (None, b) for a, b in zip(wants, ds.image_shape))  # noqa: B905
    if not fits or model.output_shape[-1] != ds.num_classes:
        raise TrainingError(
            f"evaluate: expected a model of images {tuple(ds.image_shape)} and {ds.num_classes} "
            f"classes, as {ds.name} has. Received: one of images {wants} and "
            f"{model.output_shape[-1]} classes."
        )
    names = models.class_names(model)
    if names is not None and tuple(names) != tuple(ds.class_names):
        raise TrainingError(
            f"evaluate: expected a model of the classes {', '.join(ds.class_names)}. Received: "
            f"one of {', '.join(names)}."
        )
