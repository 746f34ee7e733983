"""Projection of capsules and dynamic routing, with optional one-bit operands.

Inside this file the input capsules' axis N comes first, [N, B, J, E]: the projection is a batched
matrix product over N, and the sums over N run over whole contiguous blocks of B * J * E.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xncaps_tf._keras import tf
from xncaps_tf.ops.binarize import mean_magnitude
from xncaps_tf.ops.squash import squash

Quantizer = Callable[[Any], Any]

# What the mean magnitude of a binary kernel [N, J, D, E] is taken over.
KERNEL_AXES: dict[str, tuple[int, ...]] = {
    "channel": (2,),
    "capsule": (2, 3),
    "none": (0, 1, 2, 3),
}


def capsules(
    u: Any,
    kernel: Any,
    routing_iterations: int = 3,
    *,
    input_quantizer: Quantizer | None = None,
    kernel_quantizer: Quantizer | None = None,
    prediction_quantizer: Quantizer | None = None,
    pose_quantizer: Quantizer | None = None,
    kernel_scales: str = "channel",
) -> Any:
    """Fully connected capsules: `route(project(u, kernel))`; see those two.

    Args:
        u: input capsules `[B, N, D]`, float32 or float64.
        kernel: weight `[N, J, D, E]` of the same dtype.
        routing_iterations: R >= 1.
        input_quantizer: signs of `u`, or None.
        kernel_quantizer: signs of `kernel`, or None.
        prediction_quantizer: signs of the predictions in the agreement, or None.
        pose_quantizer: signs of the output poses in the agreement, or None.
        kernel_scales: a word of `KERNEL_AXES`.

    Returns:
        Output capsules `[B, J, E]`.
    """
    u_hat = project(
        u,
        kernel,
        input_quantizer=input_quantizer,
        kernel_quantizer=kernel_quantizer,
        kernel_scales=kernel_scales,
    )
    return route(
        u_hat,
        routing_iterations,
        prediction_quantizer=prediction_quantizer,
        pose_quantizer=pose_quantizer,
    )  # [B, J, E]


def project(
    u: Any,
    kernel: Any,
    *,
    input_quantizer: Quantizer | None = None,
    kernel_quantizer: Quantizer | None = None,
    kernel_scales: str = "channel",
) -> Any:
    r"""Predictions of every input capsule for every output capsule.

    \[ \hat u_{nj} = q(u_n)\, q(W_{nj}) \cdot \overline{|u_n|} \cdot \overline{|W_{nj}|}, \]
    the means over D (that of W as `kernel_scales` says), each only where its operand has a
    quantizer.

    Args:
        u: `[B, N, D]`.
        kernel: `[N, J, D, E]`.
        input_quantizer: a function that gives the signs of `u`, or None.
        kernel_quantizer: a function that gives the signs of `kernel`, or None.
        kernel_scales: 'channel': a mean over D; 'capsule': over D and E; 'none': over all of it.

    Returns:
        `[N, B, J, E]`.
    """
    n, j, d, e = kernel.shape
    x = scaled_signs(u, input_quantizer, axis=2)  # [B, N, D]
    w = scaled_signs(kernel, kernel_quantizer, axis=KERNEL_AXES[kernel_scales])  # [N, J, D, E]
    x = tf.transpose(x, (1, 0, 2))  # [N, B, D]
    w = tf.reshape(tf.transpose(w, (0, 2, 1, 3)), (n, d, j * e))  # [N, D, J * E]
    return tf.reshape(tf.matmul(x, w), (n, -1, j, e))  # [N, B, J, E]


def route(
    u_hat: Any,
    routing_iterations: int = 3,
    *,
    prediction_quantizer: Quantizer | None = None,
    pose_quantizer: Quantizer | None = None,
) -> Any:
    r"""Dynamic routing by agreement, from logits of zero.

    From \(b_{nj} = 0\), \(R\) times: \(c_{nj} = \mathrm{softmax}_j(b_{nj})\),
    \(s_j = \sum_n c_{nj}\hat u_{nj}\), \(v_j = \mathrm{squash}(s_j)\) and, except in the last turn,
    \[ b_{nj} \leftarrow b_{nj} +
       (q(\hat u_{nj}) \cdot q(v_j))\,\overline{|\hat u_{nj}|}\,\overline{|v_j|}, \]
    the means over E, each only where its operand has a quantizer. The gradient runs through all
    turns; the means are constants to it.

    Args:
        u_hat: predictions `[N, B, J, E]`, float32 or float64.
        routing_iterations: R >= 1.
        prediction_quantizer: a function that gives the signs of `u_hat`, or None.
        pose_quantizer: a function that gives the signs of the poses `[B, J, E]`, or None.

    Returns:
        Output poses `[B, J, E]`, each vector shorter than 1.

    Source: Sabour et al. 2017, procedure 1, https://arxiv.org/abs/1710.09829; one-bit agreement:
        Sun et al. 2021, https://arxiv.org/abs/2111.10854.
    """
    j = u_hat.shape[2]
    v = squash(tf.reduce_sum(u_hat, axis=0) / j)  # [B, J, E]; the softmax of zero is 1 / J
    logits = None
    for _ in range(routing_iterations - 1):
        step = agreement(u_hat, v, prediction_quantizer, pose_quantizer)  # [N, B, J]
        logits = step if logits is None else logits + step  # [N, B, J]
        c = tf.nn.softmax(logits, axis=2)  # [N, B, J]
        v = squash(tf.reduce_sum(tf.expand_dims(c, -1) * u_hat, axis=0))  # [B, J, E]
    return v


def agreement(
    u_hat: Any,
    v: Any,
    prediction_quantizer: Quantizer | None = None,
    pose_quantizer: Quantizer | None = None,
) -> Any:
    """How far predictions `[N, B, J, E]` and poses `[B, J, E]` agree: `[N, B, J]`; see `route`."""
    p = scaled_signs(u_hat, prediction_quantizer, axis=3)  # [N, B, J, E]
    q = scaled_signs(v, pose_quantizer, axis=2)  # [B, J, E]
    return tf.reduce_sum(p * q, axis=3)  # [N, B, J]


def scaled_signs(x: Any, quantizer: Quantizer | None, axis: int | tuple[int, ...]) -> Any:
    """`x`, or where it has a quantizer its signs times their mean magnitude along `axis`."""
    if quantizer is None:
        return x
    return tf.cast(quantizer(x), x.dtype) * mean_magnitude(x, axis=axis)
