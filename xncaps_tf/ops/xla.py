"""The capsules of a training step, compiled by XLA, with a gradient written by hand.

It computes what `xncaps_tf.ops.routing` computes, in another order. Between the input's and the
output's transpose the batch is the last axis, [N, J, E, B]: every sum over E, J or N then adds
whole rows of B. The gradient of the routing with respect to u_hat is a sum of outer products,

    d u_hat[n, j, e, b] = ds_0 / J + sum over turns of (c * ds + dlogits * v),

so it is formed in one pass, and the only large tensor kept between the two passes is u_hat.

Where u_hat is larger than `BLOCK_BYTES` (many classes) it would go to memory and back in every
turn. It is then made for a block of the batch at a time, routed and dropped, and made again in the
backward pass; between the passes only couplings and sums are kept, about 1 / E of u_hat a turn.
There the factors of the outer products are formed for a block of the batch after another, and the
gradient of u_hat, with its two products, for some input capsules after another.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

from xncaps_tf._keras import tf
from xncaps_tf.ops import blocks
from xncaps_tf.ops.routing import KERNEL_AXES
from xncaps_tf.ops.squash import EPSILON

BLOCK_BYTES = 8 * 2**20  # of u_hat that is worked on at a time: what the caches of a core hold
_LANES = 4  # of a vector register of 128 bits: a block is a multiple of it
_USUAL_BATCH = 100  # in the place of a batch that is not known when a graph is traced


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


class _Apart(TypedDict, total=False):
    u_hat: Any
    magnitude: Any


class _Kept(_Apart):
    """What the way back needs of the way there, B last; u_hat is formed again where it is cut.

    `u_hat` [N, J, E, B]; of each turn the sums [J, E, B] and, but of the first, the couplings
    [N, J, B]; `magnitude` [N, J, B] where u_hat has a quantizer.
    """

    sums: list[Any]
    couplings: list[Any]


class _ByCapsule(NamedTuple):
    """Of each turn but the first, gradients of the agreement and couplings, each [N, J, B]."""

    da: list[Any]
    c: list[Any]


class _Factors(NamedTuple):
    """What u_hat's gradient is made of.

    Of each turn but the first, too, the gradients of the sums `ds` and the poses `q` that were
    agreed with, each [J, E, B]; `first` [J, E, B] is what the first turn adds for every input
    capsule.
    """

    by_capsule: _ByCapsule
    ds: list[Any]
    q: list[Any]
    first: Any


@dataclass(frozen=True)
class _Capsules:
    """The two passes, for given quantizers; all tensors float32 or float64."""

    turns: int
    input_quantizer: Signs | None
    kernel_quantizer: Signs | None
    prediction_quantizer: Signs | None
    pose_quantizer: Signs | None
    kernel_scales: str

    def forward(self, u: Any, kernel: Any) -> tuple[Any, _Kept]:
        """Poses [B, J, E] and what `backward` needs of the way there."""
        x, w = self._operands(u, kernel)  # [N, D, B], [N, J, D, E]
        w = _columns(w)  # [N, J * E, D]
        size = _block(u, kernel)
        if size is None:
            v, kept = self._poses(x, w, kernel.shape)
        else:
            v, kept = self._in_blocks(x, w, kernel.shape, size)
        return tf.transpose(v, (2, 0, 1)), kept  # [B, J, E]

    def _poses(self, x: Any, w: Any, shape: Any) -> tuple[Any, _Kept]:
        """Poses [J, E, B] of operands [N, D, B] and [N, J * E, D]; what is kept has B last."""
        u_hat = _predictions(x, w, shape)  # [N, J, E, B]
        magnitude = self._prediction_magnitude(u_hat)  # [N, J, B]
        sums, logits = [tf.reduce_sum(u_hat, axis=0) / shape[1]], None
        couplings: list[Any] = []
        for _ in range(self.turns - 1):
            step = self._agreement(u_hat, _squash(sums[-1]), magnitude)  # [N, J, B]
            logits = step if logits is None else logits + step
            couplings.append(tf.nn.softmax(logits, axis=1))  # [N, J, B]
            sums.append(tf.reduce_sum(couplings[-1][:, :, tf.newaxis] * u_hat, axis=0))  # [J, E, B]
        kept: _Kept = {"u_hat": u_hat, "sums": sums, "couplings": couplings}
        if magnitude is not None:
            kept["magnitude"] = magnitude
        return _squash(sums[-1]), kept

    def _in_blocks(self, x: Any, w: Any, shape: Any, size: int) -> tuple[Any, _Kept]:
        """`_poses`, `size` examples at a time; what is kept, all but u_hat, is in these blocks."""

        def of_block(x: Any) -> Any:
            v, kept = self._poses(x, w, shape)
            return v, {name: part for name, part in kept.items() if name != "u_hat"}

        v, kept = blocks.mapped(of_block, blocks.cut(x, size))
        return blocks.joined(v, tf.shape(x)[-1]), kept

    def backward(self, u: Any, kernel: Any, kept: _Kept, dv: Any) -> tuple[Any, Any]:
        """Gradients of u [B, N, D] and kernel [N, J, D, E] from that of the poses [B, J, E]."""
        n, j, d, e = kernel.shape
        x, w = self._operands(u, kernel)  # [N, D, B], [N, J, D, E]
        dv = tf.transpose(dv, (1, 2, 0))  # [J, E, B]
        # Both transposes are written out: XLA takes twice as long for a matmul that makes one.
        rows = tf.reshape(tf.transpose(w, (0, 2, 1, 3)), (n, d, j * e))  # [N, D, J * E]
        size = _block(u, kernel)
        if size is None:
            u_hat = kept.get("u_hat")
            dx, dw = self._gradients(x, rows, u_hat, self._factors(u_hat, kept, dv))
        else:
            dx, dw = self._gradients_in_blocks(x, w, rows, kept, dv, size)
        dx = tf.transpose(dx, (2, 0, 1))  # [B, N, D]
        dw = tf.transpose(tf.reshape(dw, (n, j, e, d)), (0, 1, 3, 2))  # [N, J, D, E]
        if self.input_quantizer is not None:
            dx = self.input_quantizer.window(u, dx * _magnitude(u, axis=2))
        if self.kernel_quantizer is not None:
            dw = self.kernel_quantizer.window(kernel, dw * self._kernel_magnitude(kernel))
        return dx, dw

    def _gradients(self, x: Any, rows: Any, u_hat: Any, factors: _Factors) -> tuple[Any, Any]:
        """Gradients of x [N, D, B] and of the kernel, as [N, J * E, D]; rows [N, D, J * E]."""
        n, _, columns = rows.shape
        du_hat = self._assembled(factors, u_hat, n)  # [N, J, E, B]
        du_hat = tf.reshape(du_hat, (n, columns, -1))  # [N, J * E, B]
        return tf.matmul(rows, du_hat), tf.matmul(du_hat, x, transpose_b=True)

    def _gradients_in_blocks(
        self, x: Any, w: Any, rows: Any, kept: _Kept, dv: Any, size: int
    ) -> tuple[Any, Any]:
        """`_gradients` without all of u_hat or of its gradient at any time.

        The factors of the gradient are formed for `size` examples after another, the gradient and
        its two products for some input capsules after another, so that dw is written once.
        """
        n, j, _, e = w.shape
        columns, batch = _columns(w), tf.shape(x)[-1]  # [N, J * E, D]

        def of_block(parts: Any) -> Any:
            x, dv, kept = parts
            return self._factors(_predictions(x, columns, w.shape), kept, dv)

        factors: _Factors = blocks.mapped(
            of_block, (blocks.cut(x, size), blocks.cut(dv, size), kept)
        )
        factors = tf.nest.map_structure(functools.partial(blocks.joined, batch=batch), factors)
        some = blocks.divisor(n, max(1, size * n // (x.shape[-1] or _USUAL_BATCH)))

        def of_capsules(parts: Any) -> Any:
            x, rows, columns, by_capsule = parts
            u_hat = None
            if self.prediction_quantizer is not None:
                u_hat = _predictions(x, columns, (some, j, None, e))
            return self._gradients(x, rows, u_hat, factors._replace(by_capsule=by_capsule))

        def chunks(part: Any) -> Any:
            return tf.reshape(part, (n // some, some, part.shape[1], -1))

        parts = tf.nest.map_structure(chunks, (x, rows, columns, factors.by_capsule))
        dx, dw = blocks.mapped(of_capsules, parts)
        return tf.reshape(dx, (*x.shape[:2], -1)), tf.reshape(dw, columns.shape)

    def _operands(self, u: Any, kernel: Any) -> tuple[Any, Any]:
        """Both factors of u_hat, quantized and scaled: [N, D, B] and [N, J, D, E]."""
        if self.input_quantizer is not None:
            u = self.input_quantizer(u) * _magnitude(u, axis=2)
        if self.kernel_quantizer is not None:
            kernel = self.kernel_quantizer(kernel) * self._kernel_magnitude(kernel)
        return tf.transpose(u, (1, 2, 0)), kernel

    def _kernel_magnitude(self, kernel: Any) -> Any:
        return _magnitude(kernel, axis=KERNEL_AXES[self.kernel_scales])

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

    def _factors(self, u_hat: Any, kept: _Kept, dv: Any) -> _Factors:
        """What u_hat's gradient is made of, from the gradient of the poses, [J, E, B]."""
        sums = kept["sums"]
        factors = _Factors(_ByCapsule([], []), [], [], None)
        dlogits = None
        for turn in range(self.turns - 1, 0, -1):
            c, v = kept["couplings"][turn - 1], _squash(sums[turn - 1])
            ds = _squash_gradient(sums[turn], dv)  # [J, E, B]
            dc = tf.reduce_sum(u_hat * ds, axis=2)  # [N, J, B]
            step = c * (dc - tf.reduce_sum(dc * c, axis=1, keepdims=True))  # [N, J, B]
            dlogits = step if dlogits is None else dlogits + step
            scale = self._agreement_scale(kept.get("magnitude"), v)
            da = dlogits if scale is None else dlogits * scale  # [N, J, B]
            dv = self._pose_gradient(u_hat, v, da[:, :, tf.newaxis])
            q = v if self.pose_quantizer is None else self.pose_quantizer(v)  # [J, E, B]
            factors.by_capsule.da.append(da)
            factors.by_capsule.c.append(c)
            factors.ds.append(ds)
            factors.q.append(q)
        return factors._replace(first=_squash_gradient(sums[0], dv) / u_hat.shape[1])  # [J, E, B]

    def _pose_gradient(self, u_hat: Any, v: Any, da: Any) -> Any:
        """Gradient of poses [J, E, B] from that of their agreement with u_hat, [N, J, 1, B]."""
        if self.prediction_quantizer is None:
            dv = tf.reduce_sum(da * u_hat, axis=0)
        else:
            dv = tf.reduce_sum(tf.where(u_hat > 0, da, -da), axis=0)
        return dv if self.pose_quantizer is None else self.pose_quantizer.window(v, dv)

    def _assembled(self, factors: _Factors, u_hat: Any, n: int) -> Any:
        """Gradient of u_hat, [N, J, E, B]; u_hat is None where it has no quantizer."""
        total = factors.first
        for da, c, ds, q in zip(*factors.by_capsule, factors.ds, factors.q, strict=True):
            part = da[:, :, tf.newaxis] * q  # [N, J, E, B]
            if self.prediction_quantizer is not None:
                part = self.prediction_quantizer.window(u_hat, part)
            total = part + c[:, :, tf.newaxis] * ds + total
        return total if factors.ds else tf.repeat(total[tf.newaxis], n, axis=0)


def compiled_capsules(
    u: Any,
    kernel: Any,
    routing_iterations: int = 3,
    signs: Mapping[str, Signs] | None = None,
    *,
    kernel_scales: str = "channel",
) -> Any:
    """`capsules` by XLA: for graphs that are trained, never for what is saved or converted.

    Call it while a tf.function is traced: there each trace makes its two compiled functions, which
    XLA compiles once for each batch size that comes. Nothing is kept elsewhere.

    Args:
        u: input capsules `[B, N, D]`, float32 or float64; B may be unknown.
        kernel: weight `[N, J, D, E]` of the same dtype.
        routing_iterations: R >= 1.
        signs: quantizers by the names of `capsules`' arguments; a missing one is None there.
        kernel_scales: as of `capsules`.

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
        kernel_scales,
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


def _block(u: Any, kernel: Any) -> int | None:
    """How many examples are worked on at a time; None for all, where their u_hat is small."""
    n, j, _, e = kernel.shape
    most = max(_LANES, BLOCK_BYTES // (n * j * e * kernel.dtype.size) // _LANES * _LANES)
    batch = u.shape[0] or _USUAL_BATCH
    if batch <= most:
        return None
    count = -(-batch // most)
    return -(-batch // count // _LANES) * _LANES


def _columns(w: Any) -> Any:
    """The kernel [N, J, D, E] as [N, J * E, D]."""
    n, j, d, e = w.shape
    return tf.reshape(tf.transpose(w, (0, 1, 3, 2)), (n, j * e, d))  # [N, J * E, D]


def _predictions(x: Any, columns: Any, shape: Any) -> Any:
    """u_hat [N, J, E, B] of x [N, D, B] and the kernel as [N, J * E, D]."""
    n, j, _, e = shape
    return tf.reshape(tf.matmul(columns, x), (n, j, e, -1))  # [N, J, E, B]


def _magnitude(x: Any, axis: int | tuple[int, ...]) -> Any:
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
