"""Fully connected capsules in float."""

from __future__ import annotations

from xncaps_tf._keras import keras
from xncaps_tf.layers._capsule_layer import CapsuleLayer


@keras.saving.register_keras_serializable(package="xncaps_tf")
class CapsFC(CapsuleLayer):
    r"""Fully connected capsules with dynamic routing, in float.

    With \(\hat u_{nj} = u_n W_{nj}\) and from \(b_{nj} = 0\), \(R\) times:
    \[ c_{nj} = \mathrm{softmax}_j(b_{nj}), \quad s_j = \sum_n c_{nj}\hat u_{nj}, \quad
       v_j = \frac{|s_j|^2}{1+|s_j|^2}\frac{s_j}{|s_j|}, \quad
       b_{nj} \leftarrow b_{nj} + \hat u_{nj} \cdot v_j. \]
    The gradient runs through the whole routing. The logits \(b\) are no state: they start from zero
    in every call.

    Examples:
        >>> CapsFC(10, 16)(tf.zeros((2, 128, 8))).shape
        TensorShape([2, 10, 16])

    Args:
        num_capsules: J, a positive int.
        capsule_dim: E, a positive int.
        routing_iterations: R >= 1. R = 1 means no agreement step: every c is 1/J.
        kernel_initializer: of the weight. Glorot's limit here is sqrt(6 / ((D + E) * N * J)).
        kernel_regularizer: of the weight, or None.
        kernel_constraint: of the weight, or None.

    Input shape: `[B, N, D]`, N and D known when built.
    Output shape: `[B, J, E]`, each vector shorter than 1.
    Weights: `kernel` `[N, J, D, E]`.

    Raises:
        TypeError: J, E or R is not an int.
        ValueError: J, E or R is below 1, or the input is not of rank 3 with N and D known.

    Source: Sabour et al. 2017, eq. 1-3 and procedure 1, https://arxiv.org/abs/1710.09829.
    Differs from the source: a zero vector is squashed to zero; the last turn updates no logits.
    Under mixed precision only the input and the output are half, all between them is float32.
    Called with `training=True` in a graph it is compiled by XLA, and has no second derivative.
    Reference: `xncaps_tf.reference.caps_fc`.
    """
