"""The accuracies of capsule networks: of one label, and of MultiMNIST's two."""

from __future__ import annotations

from typing import Any

from xncaps_tf._keras import keras, tf


@keras.saving.register_keras_serializable(package="xncaps_tf")
def score_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the highest score is that of the true class, else 0, an example each.

    Args:
        y_true: targets: one-hot `[B, classes]`, or class indices `[B]` or `[B, 1]`.
        y_pred: scores `[B, classes]`. Of equal scores the first counts as the highest.

    Returns:
        float32 `[B]`.

    Reference: `xncaps_tf.reference.score_accuracy`.
    """
    y_true, y_pred = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
    predicted = tf.argmax(y_pred, axis=-1)  # [B]
    one_hot = y_true.shape.rank == y_pred.shape.rank and y_true.shape[-1] == y_pred.shape[-1]
    if one_hot and y_pred.shape[-1] != 1:
        labels = tf.argmax(y_true, axis=-1)  # [B]
    else:
        labels = tf.reshape(tf.cast(y_true, tf.int64), tf.shape(predicted))  # [B]
    return tf.cast(tf.equal(labels, predicted), tf.float32)


@keras.saving.register_keras_serializable(package="xncaps_tf")
def two_label_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Share of an example's two labels that are among its two highest scores: 0, 0.5 or 1.

    Args:
        y_true: two-hot targets `[B, classes]`.
        y_pred: scores `[B, classes]`. Of equal scores the first counts as the highest.

    Returns:
        float32 `[B]`.

    Source: Sun et al. 2021, section 4 (MultiMNIST), https://arxiv.org/abs/2111.10854.
    Reference: `xncaps_tf.reference.two_label_accuracy`.
    """
    y_pred = tf.convert_to_tensor(y_pred)
    y_true = tf.cast(y_true, tf.float32)
    highest = tf.math.top_k(y_pred, k=2).indices  # [B, 2]
    return tf.reduce_mean(tf.gather(y_true, highest, axis=-1, batch_dims=1), axis=-1)  # [B]


@keras.saving.register_keras_serializable(package="xncaps_tf")
class ScoreAccuracy(keras.metrics.Mean):
    """Mean of `score_accuracy`: share of examples whose highest score is that of the true class.

    Args:
        name: the metric's name.
        dtype: of its two sums.
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().update_state(score_accuracy(y_true, y_pred), sample_weight)


@keras.saving.register_keras_serializable(package="xncaps_tf")
class TwoLabelAccuracy(keras.metrics.Mean):
    """Mean of `two_label_accuracy`: share of labels found, MultiMNIST's accuracy.

    Args:
        name: the metric's name.
        dtype: of its two sums.
    """

    def __init__(self, name: str = "two_label_accuracy", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().update_state(two_label_accuracy(y_true, y_pred), sample_weight)
