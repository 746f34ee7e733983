"""The pose of one capsule among zeros, for a decoder."""

from __future__ import annotations

from typing import Any

from xncaps_tf import ops
from xncaps_tf._keras import keras, tf


@keras.saving.register_keras_serializable(package="xncaps_tf")
class WinningCapsule(keras.layers.Layer):
    """The poses of all capsules but that of the highest score set to zero, in one row.

    Called with poses and scores; with labels (one-hot) in the place of scores it is the labelled
    capsule. Of equal scores the first counts; no gradient runs to them.

    Examples:
        >>> WinningCapsule()([tf.constant([[[1.0, 2.0], [3.0, 4.0]]]), tf.constant([[0.1, 0.9]])])
        <tf.Tensor: shape=(1, 4), dtype=float32, numpy=array([[0., 0., 3., 4.]], dtype=float32)>

    Input shape: `[B, J, E]` and `[B, J]`.
    Output shape: `[B, J * E]`.

    Source: Sabour et al. 2017, section 4.1, https://arxiv.org/abs/1710.09829.
    Reference: `xncaps_tf.reference.keep_highest`.
    """

    def build(self, input_shape: Any) -> None:
        shapes = [tuple(tf.TensorShape(shape)) for shape in input_shape]
        ranks = [len(shape) for shape in shapes]
        if ranks != [3, 2] or None in shapes[0][1:] or shapes[0][1] != shapes[1][1]:
            raise ValueError(
                "WinningCapsule: expected poses [B, J, E] and scores [B, J]. "
                f"Received: input_shape={shapes}."
            )
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        poses, scores = inputs  # [B, J, E], [B, J]
        _, j, e = poses.shape
        return tf.reshape(ops.keep_highest(poses, scores), (-1, j * e))  # [B, J * E]

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, j, e = input_shape[0]
        return tf.TensorShape([batch, j * e])
