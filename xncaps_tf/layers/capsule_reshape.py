"""From features to primary capsules."""

from __future__ import annotations

from typing import Any

from xncaps_tf import ops
from xncaps_tf._keras import keras, tf
from xncaps_tf.layers import _checks


@keras.saving.register_keras_serializable(package="xncaps_tf")
class CapsuleReshape(keras.layers.Layer):
    r"""Cuts features into capsules and squashes them: primary capsules.

    \(u_n = \mathrm{squash}(x_{nD}, \ldots, x_{nD+D-1})\) over the flattened features of an example.

    Examples:
        >>> CapsuleReshape(8)(tf.zeros((2, 1024))).shape
        TensorShape([2, 128, 8])

    Args:
        capsule_dim: D, a positive int that divides the number of features.

    Input shape: `[B, ..., C]`, everything but B known when built.
    Output shape: `[B, N, D]` with N = product of the input's dimensions but B, over D.

    Raises:
        TypeError: D is not an int.
        ValueError: D is below 1, or does not divide the features, or their number is unknown.

    Source: Sun et al. 2021, section 4 (the head), https://arxiv.org/abs/2111.10854.
    """

    def __init__(self, capsule_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.capsule_dim = _checks.positive_int("CapsuleReshape", "capsule_dim", capsule_dim)

    def build(self, input_shape: Any) -> None:
        self._num_capsules(input_shape)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        n = self._num_capsules(inputs.shape)
        return ops.squash(tf.reshape(inputs, (-1, n, self.capsule_dim)))  # [B, N, D]

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = tf.TensorShape(input_shape)
        return shape[:1].concatenate([self._num_capsules(shape), self.capsule_dim])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "capsule_dim": self.capsule_dim}

    def _num_capsules(self, input_shape: Any) -> int:
        shape = tf.TensorShape(input_shape)
        features = None
        if shape.rank is not None and shape.rank > 1:
            features = shape[1:].num_elements()
        if features is None or features % self.capsule_dim:
            raise ValueError(
                "CapsuleReshape: expected an input of shape [B, ..., C] with a known number of "
                f"features that capsule_dim={self.capsule_dim} divides. "
                f"Received: input_shape={tuple(shape) if shape.rank is not None else None}."
            )
        return features // self.capsule_dim
