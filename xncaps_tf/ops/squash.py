"""The capsule nonlinearity and the norm of capsules, both safe at the zero vector."""

from __future__ import annotations

from typing import Any

from xncaps_tf._keras import tf

# |s| is n2 * rsqrt(n2 + EPSILON): zero with a zero gradient at s = 0. For every other s it is short
# of |s| by at most max_t sqrt(EPSILON * t) * (1 - sqrt(t / (1 + t))) = 0.31 * sqrt(EPSILON) = 3e-8.
EPSILON = 1e-14


def squash(x: Any, axis: int = -1) -> Any:
    r"""Shortens vectors to a length below 1 and keeps their direction.

    \[ \mathrm{squash}(s) = \frac{|s|^2}{1+|s|^2}\frac{s}{|s|}, \quad \mathrm{squash}(0) = 0. \]

    float16 and bfloat16 are computed in float32.

    Args:
        x: floating tensor of any rank.
        axis: the axis that holds the components of a vector.

    Returns:
        A tensor of the shape and dtype of `x`.

    Source: Sabour et al. 2017, eq. 1, https://arxiv.org/abs/1710.09829.
    Differs from the source: zero, with a zero gradient, for the zero vector (theirs is 0 / 0).
    Reference: `xncaps_tf.reference.squash`.
    """
    x = tf.convert_to_tensor(x)
    s = _widen(x)
    n2 = tf.reduce_sum(tf.square(s), axis=axis, keepdims=True)
    return tf.cast(s * (n2 * tf.math.rsqrt(n2 + EPSILON) / (1.0 + n2)), x.dtype)


def length(x: Any, axis: int = -1, keepdims: bool = False) -> Any:
    r"""Euclidean norm \(|x|\) along an axis, with a zero gradient at the zero vector.

    float16 and bfloat16 are computed in float32.

    Args:
        x: floating tensor of any rank.
        axis: the axis that holds the components of a vector.
        keepdims: keep `axis` with size 1.

    Returns:
        A tensor of the dtype of `x` and of its shape without `axis`.

    Differs from tf.norm: its gradient at zero is NaN.  Reference: `xncaps_tf.reference.length`.
    """
    x = tf.convert_to_tensor(x)
    n2 = tf.reduce_sum(tf.square(_widen(x)), axis=axis, keepdims=keepdims)
    return tf.cast(n2 * tf.math.rsqrt(n2 + EPSILON), x.dtype)


def _widen(x: Any) -> Any:
    """float16 and bfloat16 as float32, anything else as it is."""
    return tf.cast(x, tf.float32) if x.dtype in (tf.float16, tf.bfloat16) else x
