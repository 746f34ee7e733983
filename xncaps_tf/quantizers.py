"""Quantizers in larq's sense that follow this package's sign: zero counts as negative."""

from __future__ import annotations

from typing import Any

import larq as lq

from xncaps_tf import ops
from xncaps_tf._keras import keras


@lq.utils.register_alias("caps_sign")
@lq.utils.register_alias("CapsSign")  # larq's layers look a class up so when they load an .h5 file
@keras.saving.register_keras_serializable(package="xncaps_tf")
class CapsSign(lq.quantizers.Quantizer):
    r"""Signs of a tensor, with \(q(0) = -1\).

    \[ q(x) = +1 \text{ if } x > 0 \text{ else } -1, \qquad
       \frac{\partial q}{\partial x} = 1 \text{ if } |x| \le c \text{ else } 0. \]

    A larq quantizer of precision 1: usable as `input_quantizer` and `kernel_quantizer` of larq's
    layers and of the capsule layers, as an object or by the name `"caps_sign"`.

    Examples:
        >>> CapsSign()(tf.constant([-0.5, 0.0, 0.5])).numpy()
        array([-1., -1.,  1.], dtype=float32)

    Args:
        clip_value: c, half the width of the window in which gradients pass; None passes all.

    Input shape: any.  Output shape: the same.

    Source: Courbariaux et al. 2016, eq. 1 and 4, https://arxiv.org/abs/1602.02830.
    Differs from larq's `SteSign`: -1 at zero, and no `metrics` argument.
    """

    precision = 1

    def __init__(self, clip_value: float | None = 1.0, **kwargs: Any) -> None:
        if clip_value is not None and not clip_value > 0:
            raise ValueError(
                f"CapsSign: expected a positive number or None. "
                f"Received: clip_value={clip_value!r}."
            )
        super().__init__(autocast=False, **kwargs)  # signs are of x as it is, under any policy
        self.clip_value = clip_value

    def call(self, inputs: Any) -> Any:
        return ops.sign(inputs, clip_value=self.clip_value)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "clip_value": self.clip_value}
