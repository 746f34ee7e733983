"""The losses of the published trainings."""

from __future__ import annotations

from typing import Any

from xncaps_tf._keras import keras, tf


@keras.saving.register_keras_serializable(package="xncaps_tf")
def margin_loss(
    y_true: Any,
    y_pred: Any,
    m_plus: float = 0.9,
    m_minus: float = 0.1,
    down_weight: float = 0.5,
) -> Any:
    r"""Margin loss of scores, an example each.

    \[ L = \sum_k T_k \max(0, m^+ - p_k)^2 + \lambda (1 - T_k) \max(0, p_k - m^-)^2. \]

    Args:
        y_true: targets `[B, classes]` of 0 and 1, several ones allowed.
        y_pred: scores `[B, classes]`.
        m_plus: m+, the score above which a present class costs nothing.
        m_minus: m-, the score below which an absent class costs nothing.
        down_weight: lambda, the weight of absent classes.

    Returns:
        `[B]`.

    Source: Sabour et al. 2017, eq. 4, https://arxiv.org/abs/1710.09829.
    Reference: `xncaps_tf.reference.margin_loss`.
    """
    y_pred = tf.convert_to_tensor(y_pred)
    y_true = tf.cast(y_true, y_pred.dtype)
    present = tf.square(tf.maximum(0.0, m_plus - y_pred))  # [B, classes]
    absent = tf.square(tf.maximum(0.0, y_pred - m_minus))  # [B, classes]
    return tf.reduce_sum(y_true * present + down_weight * (1.0 - y_true) * absent, axis=-1)


@keras.saving.register_keras_serializable(package="xncaps_tf")
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    r"""Squared hinge of one-hot targets, an example each.

    \[ L = \frac{1}{K} \sum_k \max(0, 1 - t_k p_k)^2, \quad t_k = 2 T_k - 1. \]

    From scratch it can kill a head that ends in ReLU and Length: scores are never negative, so
    nine of ten classes are pushed to exactly zero, from where no gradient comes back.

    Args:
        y_true: targets `[B, classes]` of 0 and 1.
        y_pred: scores `[B, classes]`.

    Returns:
        `[B]`.

    Source: Sun et al. 2021, section 4, https://arxiv.org/abs/2111.10854.
    Reference: `xncaps_tf.reference.squared_hinge`.
    """
    y_pred = tf.convert_to_tensor(y_pred)
    signs = 2.0 * tf.cast(y_true, y_pred.dtype) - 1.0  # [B, classes]
    return tf.reduce_mean(tf.square(tf.maximum(0.0, 1.0 - signs * y_pred)), axis=-1)


@keras.saving.register_keras_serializable(package="xncaps_tf")
class MarginLoss(keras.losses.Loss):
    """`margin_loss` as a Keras loss.

    Args:
        m_plus: m+, the score above which a present class costs nothing.
        m_minus: m-, the score below which an absent class costs nothing.
        down_weight: lambda, the weight of absent classes.
        reduction: as in keras.losses.Loss.
        name: the loss's name.

    Source: Sabour et al. 2017, eq. 4, https://arxiv.org/abs/1710.09829.
    """

    def __init__(
        self,
        m_plus: float = 0.9,
        m_minus: float = 0.1,
        down_weight: float = 0.5,
        reduction: str = "auto",
        name: str = "margin_loss",
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.m_plus = m_plus
        self.m_minus = m_minus
        self.down_weight = down_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return margin_loss(y_true, y_pred, self.m_plus, self.m_minus, self.down_weight)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "m_plus": self.m_plus,
            "m_minus": self.m_minus,
            "down_weight": self.down_weight,
        }


@keras.saving.register_keras_serializable(package="xncaps_tf")
class SquaredHinge(keras.losses.Loss):
    """`squared_hinge` as a Keras loss.

    Args:
        reduction: as in keras.losses.Loss.
        name: the loss's name.

    Source: Sun et al. 2021, section 4, https://arxiv.org/abs/2111.10854.
    """

    def __init__(self, reduction: str = "auto", name: str = "squared_hinge") -> None:
        super().__init__(reduction=reduction, name=name)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return squared_hinge(y_true, y_pred)
