"""From a config to Keras objects: loss and metrics."""

from __future__ import annotations

from typing import Any

from xncaps_tf import models
from xncaps_tf._keras import keras, tf
from xncaps_tf.data import Dataset
from xncaps_tf.losses import MarginLoss, SquaredHinge
from xncaps_tf.training import distillation
from xncaps_tf.training.config import TrainConfig


class DeadClasses(keras.metrics.Metric):
    """Number of classes whose score was zero on every image so far.

    Args:
        num_classes: of the scores.
        name: the metric's name.

    A class that has died under ReLU gets no gradient any more: it has to be seen in training.
    """

    def __init__(self, num_classes: int, name: str = "dead_classes") -> None:
        super().__init__(name=name, dtype="float32")
        self.total = self.add_weight("total", shape=(num_classes,), initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return self.total.assign_add(tf.reduce_sum(tf.abs(tf.cast(y_pred, tf.float32)), axis=0))

    def result(self) -> Any:
        return tf.reduce_sum(tf.cast(tf.equal(self.total, 0.0), tf.float32))

    def reset_state(self) -> None:
        self.total.assign(tf.zeros_like(self.total))


def loss(config: TrainConfig, model: Any) -> Any:
    """The loss of that name for a model's scores, with a teacher's part where there is one."""
    of_labels = {
        "margin": MarginLoss,
        "squared_hinge": SquaredHinge,
        "crossentropy": keras.losses.CategoricalCrossentropy,
    }[config.loss]()
    if config.teacher is None:
        return of_labels
    kind = models.score_kind(model)
    return distillation.Distillation(
        of_labels, kind, config.teacher_weight, config.teacher_temperature
    )


def metrics(train: Dataset) -> list[Any]:
    """Accuracy (of two labels where images have two) and dead classes."""
    accuracy = distillation.accuracy(train.labels.ndim == 2)
    return [accuracy, DeadClasses(train.num_classes)]
