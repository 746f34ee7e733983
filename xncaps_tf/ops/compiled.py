"""The capsules of a training step, compiled by XLA, with a gradient written by hand.

It computes what `xncaps_tf.ops.routing` computes, in another order. Between the input's and the
output's transpose the batch is the last axis, [N, J, E, B]: every sum over E, J or N then adds
whole rows of B. The gradient of the routing with respect to u_hat is a sum of outer products,

    d u_hat[n, j, e, b] = ds_0 / J + sum over turns of (c * ds + dlogits * v),

so it is formed in one pass, and the only large tensor kept between the two passes is u_hat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xncaps_tf._keras import tf
from xncaps_tf.ops.squash import EPSILON


@dataclass(frozen=True)
class Signs:
    """A sign quantizer of one operand: its gradient passes where |x| <= clip_value (None: all)."""

    clip_value: float | None = 1.0

    def __call__(self, x: Any) -> Any:
        return tf.where(x > 0, tf.ones_like(x), -tf.ones_like(x))

    def window(self, x: Any, gradient: Any) -> Any:
        """The gradient where it passes, else zero; `x` and `gradient` of one shape."""
        if self.clip_value is None:
            return gradient
        return tf.where(tf.abs(x) <= self.clip_value, gradient, tf.zeros_like(gradient))


@dataclass(frozen=True)
class _Capsules:
    """The two passes, for given quantizers; all tensors float32 or float64."""

    turns: int
    input_quantizer: Signs | None
    kernel_quantizer: Signs | None
    prediction_quantizer: Signs | None
    pose_quantizer: Signs | None

    def forward(self, u: Any, kernel: Any) -> tuple[Any, dict[str, Any]]:
        """Poses [B, J, E] and what `backward` needs of the way there."""
        x, w = self._operands(u, kernel)
        n, j, d, e = kernel.shape
        w = tf.reshape(tf.transpose(w, (0, 1, 3, 2)), (n, j * e, d))  # [N, J * E, D]
        u_hat = tf.reshape(tf.matmul(w, x), (n, j, e, -1))  # [N, J, E, B]
        magnitude = self._prediction_magnitude(u_hat)  # [N, J, B]
        sums, couplings, logits = [tf.reduce_sum(u_hat, axis=0) / j], [], None
        for _ in range(self.turns - 1):
            step = self._agreement(u_hat, _squash(sums[-1]), magnitude)  # [N, J, B]
            logits = step if logits is None else logits + step
            couplings.append(tf.nn.softmax(logits, axis=1))  # [N, J, B]
            sums.append(tf.reduce_sum(couplings[-1][:, :, tf.newaxis] * u_hat, axis=0))  # [J, E, B]
        v = tf.transpose(_squash(sums[-1]), (2, 0, 1))  # [B, J, E]
        kept = {"u_hat": u_hat, "magnitude": magnitude, "sums": sums, "couplings": couplings}
        return v, kept

    def backward(self, u: Any, kernel: Any, kept: dict[str, Any], dv: Any) -> tuple[Any, Any]:
        """Gradients of u [B, N, D] and kernel [N, J, D, E] from that of the poses [B, J, E]."""
        n, j, d, e = kernel.shape
        du_hat = tf.reshape(self._routing_gradient(kept, dv), (n, j * e, -1))  # [N, J * E, B]
        x, w = self._operands(u, kernel)
        # The transpose is written out: XLA takes twice as long for a matmul that makes it.
        w = tf.reshape(tf.transpose(w, (0, 2, 1, 3)), (n, d, j * e))  # [N, D, J * E]
        dx = tf.transpose(tf.matmul(w, du_hat), (2, 0, 1))  # [B, N, D]
        dw = tf.reshape(tf.matmul(du_hat, x, transpose_b=True), (n, j, e, d))
        dw = tf.transpose(dw, (0, 1, 3, 2))  # [N, J, D, E]
        if self.input_quantizer is not None:
            dx = self.input_quantizer.window(u, dx * _magnitude(u, axis=2))
        if self.kernel_quantizer is not None:
            dw = self.kernel_quantizer.window(kernel, dw * _magnitude(kernel, axis=2))
        return dx, dw

    def _operands(self, u: Any, kernel: Any) -> tuple[Any, Any]:
        """Both factors of u_hat, quantized and scaled: [N, D, B] and [N, J, D, E]."""
        if self.input_quantizer is not None:
            u = self.input_quantizer(u) * _magnitude(u, axis=2)
        if self.kernel_quantizer is not None:
            kernel = self.kernel_quantizer(kernel) * _magnitude(kernel, axis=2)
        return tf.transpose(u, (1, 2, 0)), kernel

    def _prediction_magnitude(self, u_hat: Any) -> Any:
        """Mean magnitude [N, J, B] of predictions that have a quantizer, else None."""
        if self.prediction_quantizer is None or self.turns == 1:
            return None
        return tf.reduce_mean(tf.abs(u_hat), axis=2)

    def _agreement_scale(self, magnitude: Any, v: Any) -> Any:
        """What an agreement of signs is multiplied by, [N, J, B] or [J, B], or None for 1."""
        if self.pose_quantizer is None:
            return magnitude
        poses = tf.reduce_mean(tf.abs(v), axis=1)  # [J, B]
        return poses if magnitude is None else magnitude * poses

    def _agreement(self, u_hat: Any, v: Any, magnitude: Any) -> Any:
        """[N, J, B] of u_hat [N, J, E, B] and poses [J, E, B]."""
        q = v if self.pose_quantizer is None else self.pose_quantizer(v)  # [J, E, B]
        if self.prediction_quantizer is None:
            agreed = tf.reduce_sum(u_hat * q, axis=2)
        else:
            agreed = tf.reduce_sum(tf.where(u_hat > 0, q, -q), axis=2)
        scale = self._agreement_scale(magnitude, v)
        return agreed if scale is None else agreed * scale

    def _routing_gradient(self, kept: dict[str, Any], dv: Any) -> Any:
        """Gradient of u_hat, [N, J, E, B], from that of the poses, [B, J, E]."""
        u_hat, sums = kept["u_hat"], kept["sums"]
        dv = tf.transpose(dv, (1, 2, 0))  # [J, E, B]
        total = dlogits = None
        for turn in range(self.turns - 1, 0, -1):
            c, v = kept["couplings"][turn - 1], _squash(sums[turn - 1])
            ds = _squash_gradient(sums[turn], dv)  # [J, E, B]
            dc = tf.reduce_sum(u_hat * ds, axis=2)  # [N, J, B]
            step = c * (dc - tf.reduce_sum(dc * c, axis=1, keepdims=True))  # [N, J, B]
            dlogits = step if dlogits is None else dlogits + step
            part, dv = self._agreement_gradient(u_hat, v, kept["magnitude"], dlogits)
            part += c[:, :, tf.newaxis] * ds  # [N, J, E, B]
            total = part if total is None else total + part
        ds = _squash_gradient(sums[0], dv) / u_hat.shape[1]  # [J, E, B]
        return ds + tf.zeros_like(u_hat) if total is None else total + ds

    def _agreement_gradient(self, u_hat: Any, v: Any, magnitude: Any, da: Any) -> tuple[Any, Any]:
        """Gradients of u_hat [N, J, E, B] and of poses [J, E, B] from that of their agreement."""
        scale = self._agreement_scale(magnitude, v)
        da = (da if scale is None else da * scale)[:, :, tf.newaxis]  # [N, J, 1, B]
        q = v if self.pose_quantizer is None else self.pose_quantizer(v)  # [J, E, B]
        if self.prediction_quantizer is None:
            du_hat, dv = da * q, tf.reduce_sum(da * u_hat, axis=0)
        else:
            du_hat = self.prediction_quantizer.window(u_hat, da * q)
            dv = tf.reduce_sum(tf.where(u_hat > 0, da, -da), axis=0)
        return du_hat, dv if self.pose_quantizer is None else self.pose_quantizer.window(v, dv)


def compiled_capsules(
    u: Any, kernel: Any, routing_iterations: int = 3, signs: Mapping[str, Signs] | None = None
) -> Any:
    """`capsules` by XLA: for graphs that are trained, never for what is saved or converted.

    Call it while a tf.function is traced: there each trace makes its two compiled functions, which
    XLA compiles once for each batch size that comes. Nothing is kept elsewhere.

    Args:
        u: input capsules `[B, N, D]`, float32 or float64; B may be unknown.
        kernel: weight `[N, J, D, E]` of the same dtype.
        routing_iterations: R >= 1.
        signs: quantizers by the names of `capsules`' arguments; a missing one is None there.

    Returns:
        Output capsules `[B, J, E]`, equal to those of `capsules` but for rounding.

    Raises:
        NotImplementedError: when a second derivative is taken.
    """
    signs = signs or {}
    passes = _Capsules(
        routing_iterations,
        signs.get("input_quantizer"),
        signs.get("kernel_quantizer"),
        signs.get("prediction_quantizer"),
        signs.get("pose_quantizer"),
    )
    forward = tf.function(passes.forward, jit_compile=True, autograph=False)
    backward = tf.function(passes.backward, jit_compile=True, autograph=False)

    @tf.custom_gradient
    def call(u: Any, kernel: Any) -> Any:
        v, kept = forward(u, kernel)

        @tf.custom_gradient
        def gradient(dv: Any) -> Any:
            return backward(u, kernel, kept, dv), _no_second_derivative

        return v, gradient

    return call(u, kernel)  # [B, J, E]


def _no_second_derivative(*_: Any) -> Any:
    raise NotImplementedError(
        "xncaps_tf: expected first derivatives of a capsule layer called with training=True. "
        "Received: a second derivative; call the layer with training=False for it."
    )


def _magnitude(x: Any, axis: int) -> Any:
    return tf.reduce_mean(tf.abs(x), axis=axis, keepdims=True)


def _squash(s: Any) -> Any:
    """`squash` of [J, E, B] along E."""
    n2 = tf.reduce_sum(tf.square(s), axis=1, keepdims=True)  # [J, 1, B]
    return s * (n2 * tf.math.rsqrt(n2 + EPSILON) / (1.0 + n2))


def _squash_gradient(s: Any, dv: Any) -> Any:
    """Gradient of s [J, E, B] from that of squash(s) = s * f(|s|^2)."""
    n2 = tf.reduce_sum(tf.square(s), axis=1, keepdims=True)  # [J, 1, B]
    r = tf.math.rsqrt(n2 + EPSILON)
    f = n2 * r / (1.0 + n2)
    slope = (r - 0.5 * n2 * r * r * r) / (1.0 + n2) - f / (1.0 + n2)  # f'(n2)
    return f * dv + s * (2.0 * slope * tf.reduce_sum(s * dv, axis=1, keepdims=True))
