"""The published formulation of the capsule layers: the baseline of a training step's speed.

u is tiled over J to [B, N, J, 1, D]; tf.scan goes over B with a matmul by W [N, J, D, E]; the
logits are [1, N, J, 1, 1] and broadcast over B. Squash is as published too (0 / 0 at zero).
"""

from __future__ import annotations

from typing import Any

from xncaps_tf import ops
from xncaps_tf._keras import tf


def published_capsules(u: Any, kernel: Any, layer: str, routing_iterations: int = 3) -> Any:
    """Poses [B, J, E] of u [B, N, D] and kernel [N, J, D, E]; layer: CapsFC, XnODR or XnIDR."""
    n, j, _, e = kernel.shape
    tiled = tf.tile(u[:, :, tf.newaxis, tf.newaxis, :], [1, 1, j, 1, 1])  # [B, N, J, 1, D]
    x, w = tiled, tf.convert_to_tensor(kernel)
    if layer == "XnODR":
        x, w = ops.sign(tiled), ops.sign(w)
    start = tf.zeros((n, j, 1, e))
    u_hat = tf.scan(lambda _, one: tf.matmul(one, w), x, start)  # [B, N, J, 1, E]
    if layer == "XnODR":
        u_hat *= ops.mean_magnitude(tiled, axis=-1) * ops.mean_magnitude(kernel, axis=2)
    logits = tf.zeros((1, n, j, 1, 1))
    v = None
    for turn in range(routing_iterations):
        c = tf.nn.softmax(logits, axis=2)  # [1 or B, N, J, 1, 1]
        s = tf.reduce_sum(c * u_hat, axis=1, keepdims=True)  # [B, 1, J, 1, E]
        n2 = tf.reduce_sum(tf.square(s), axis=-1, keepdims=True)
        v = n2 / (1.0 + n2) * s / tf.sqrt(n2)  # [B, 1, J, 1, E]
        if turn < routing_iterations - 1:
            logits += _agreement(u_hat, v, layer)  # [B, N, J, 1, 1]
    return tf.reshape(v, (-1, j, e))


def _agreement(u_hat: Any, v: Any, layer: str) -> Any:
    if layer != "XnIDR":
        return tf.reduce_sum(u_hat * v, axis=-1, keepdims=True)
    agreed = tf.reduce_sum(ops.sign(u_hat) * ops.sign(v), axis=-1, keepdims=True)
    return agreed * ops.mean_magnitude(u_hat, axis=-1) * ops.mean_magnitude(v, axis=-1)
