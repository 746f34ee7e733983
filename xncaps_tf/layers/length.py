"""The norm of capsules."""

from __future__ import annotations

from typing import Any

from xncaps_tf import ops
from xncaps_tf._keras import keras, tf


@keras.saving.register_keras_serializable(package="xncaps_tf")
class Length(keras.layers.Layer):
    r"""Length of each capsule, \(|v_j|\): one score a class.

    Zero, with a zero gradient, for a zero capsule. float16 is computed in float32.

    Examples:
        >>> Length()(tf.constant([[[3.0, 4.0], [0.0, 0.0]]])).numpy()
        array([[5., 0.]], dtype=float32)

    Input shape: `[B, ..., E]`.
    Output shape: `[B, ...]`.

    Source: Sabour et al. 2017, section 2, https://arxiv.org/abs/1710.09829.
    Reference: `xncaps_tf.reference.length`.
    """

    def call(self, inputs: Any) -> Any:
        return ops.length(inputs)  # [B, ...]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tf.TensorShape(input_shape)[:-1]
