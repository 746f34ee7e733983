"""One-bit values: the sign that counts zero as negative, and the magnitude it leaves out."""

from __future__ import annotations

from typing import Any

import larq as lq

from xncaps_tf._keras import tf


def sign(x: Any, clip_value: float | None = 1.0) -> Any:
    r"""\(+1\) where \(x > 0\), else \(-1\), with a straight-through gradient.

    Forward: \(b(x) = -\mathrm{sign}_{larq}(-x)\), so that \(b(0) = -1\).
    Backward: the gradient passes where \(|x| \le\) `clip_value` and is zero elsewhere.

    Args:
        x: floating tensor of any shape.
        clip_value: half the width of the window; None passes every gradient.

    Returns:
        A tensor of the shape and dtype of `x`, of -1 and +1 only.

    Source: Courbariaux et al. 2016, eq. 1 and 4, https://arxiv.org/abs/1602.02830.
    Differs from the source and from larq's `ste_sign`: those give +1 at zero. A capsule layer's
    input comes out of a ReLU: with +1 at zero every one of its bits would be +1.
    """
    return -lq.quantizers.ste_sign(-tf.convert_to_tensor(x), clip_value=clip_value)


def mean_magnitude(x: Any, axis: int | tuple[int, ...]) -> Any:
    """Mean of absolute values along `axis` (kept with size 1), a constant to the gradient."""
    return tf.stop_gradient(tf.reduce_mean(tf.abs(x), axis=axis, keepdims=True))
