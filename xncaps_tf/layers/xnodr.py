"""Capsules binarised outside the routing."""

from __future__ import annotations

from typing import Any

from xncaps_tf import ops
from xncaps_tf._keras import keras
from xncaps_tf.layers import _checks
from xncaps_tf.layers._capsule_layer import CapsuleLayer


@keras.saving.register_keras_serializable(package="xncaps_tf")
class XnODR(CapsuleLayer):
    r"""Fully connected capsules with one-bit inputs and weights ("xnorised outside the routing").

    With \(q\) the sign that is -1 at zero and means over D,
    \[ \hat u_{nj} = \bigl(q(u_n)\, q(W_{nj})\bigr)\,\overline{|u_n|}\;\overline{|W_{nj}|}, \]
    then the routing of `CapsFC`. Backward: straight-through for \(q\), zero outside \([-1, 1]\);
    the means are constants; routing is differentiated through.

    Examples:
        >>> XnODR(10, 16)(tf.zeros((2, 128, 8))).shape
        TensorShape([2, 10, 16])

    Args:
        num_capsules: J, a positive int.
        capsule_dim: E, a positive int.
        routing_iterations: R >= 1.
        input_quantizer: signs of u: a larq quantizer, its name, or None for float u.
        kernel_quantizer: signs of W: a larq quantizer, its name, or None for float W.
        scales: what stands for the magnitudes of a binary W: 'channel', its mean over D, as
            published; 'capsule', over D and E; 'none', one mean for the whole W. The coarser, the
            fewer numbers a converted file keeps beside the bits: N J E, N J, or none.
        kernel_initializer: of the weight.
        kernel_regularizer: of the weight, or None.
        kernel_constraint: of the weight, or None.

    A quantizer gives the signs only: the layer multiplies by the mean magnitude of each operand
    that has one. With both None the layer equals `CapsFC` bit for bit.

    Input shape: `[B, N, D]`, N and D known when built.
    Output shape: `[B, J, E]`, each vector shorter than 1.
    Weights: `kernel` `[N, J, D, E]`, latent float32.

    Raises:
        TypeError: J, E or R is not an int, `scales` no str, or a quantizer is of another kind.
        ValueError: J, E or R is below 1, a name is unknown, or the input is not of
            rank 3 with N and D known.

    Source: XnODR, Sun et al. 2021, section 3, https://arxiv.org/abs/2111.10854.
    Differs from the source: logits are no weight; a zero vector is squashed to zero.
    Reference: `xncaps_tf.reference.xnodr`.
    """

    _quantizer_names = ("input_quantizer", "kernel_quantizer")

    def __init__(
        self,
        num_capsules: int,
        capsule_dim: int,
        *,
        routing_iterations: int = 3,
        input_quantizer: Any = "caps_sign",
        kernel_quantizer: Any = "caps_sign",
        scales: str = "channel",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_capsules,
            capsule_dim,
            routing_iterations=routing_iterations,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
            **kwargs,
        )
        self.scales = _checks.one_of("XnODR", "scales", scales, ops.KERNEL_AXES)
        self._set_quantizers(input_quantizer=input_quantizer, kernel_quantizer=kernel_quantizer)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scales": self.scales}
