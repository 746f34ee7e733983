"""From a config to Keras objects: loss and metrics."""

from __future__ import annotations

import math
from typing import Any, TypedDict

from xncaps_tf import models
from xncaps_tf._keras import keras, tf
from xncaps_tf.data import Dataset
from xncaps_tf.losses import MarginLoss, SquaredHinge
from xncaps_tf.models import decoder
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


class _Weighted(TypedDict, total=False):
    loss_weights: list[float]  # of several outputs


class Compiled(_Weighted):
    """Arguments of `keras.Model.compile`."""

    loss: Any
    metrics: list[Any]


def compiled(config: TrainConfig, model: Any, train: Dataset) -> Compiled:
    """What a graph over the model's layers is compiled with besides an optimizer.

    The loss of labels has a teacher's part where there is one; that of a decoder's pictures is the
    sum over their values of `SQUARED_ERROR_WEIGHT` times the squared error.
    """
    # Of two labels where images have two; and dead classes.
    found = [distillation.accuracy(train.labels.ndim == 2), DeadClasses(train.num_classes)]
    labels = labels_loss(config, decoder.without_decoder(model))
    if decoder.find(model) is None:
        return {"loss": labels, "metrics": found}
    weight = decoder.SQUARED_ERROR_WEIGHT * math.prod(train.image_shape)
    return {
        "loss": [labels, keras.losses.MeanSquaredError()],
        "loss_weights": [1.0, weight],
        "metrics": [found, []],
    }


def labels_loss(config: TrainConfig, classifier: Any) -> Any:
    """The loss of that name for a classifier's scores, with a teacher's part if there is one.

    The cross-entropy is that of the shares which the scores stand for: of logits, and of scores
    whose kind the model's end does not tell, their softmax.
    """
    kind = models.score_kind(classifier)
    of_labels: Any = {
        "margin": MarginLoss(),
        "squared_hinge": SquaredHinge(),
        "crossentropy": keras.losses.CategoricalCrossentropy(kind in ("logits", None)),
    }[config.loss]
    if config.teacher is None:
        return of_labels
    return distillation.Distillation(
        of_labels, kind, config.teacher_weight, config.teacher_temperature
    )
