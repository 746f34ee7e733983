"""Layers that compute what ours compute, in the shape that larq-compute-engine packs into bits.

LCE makes an LceBconv2d of one thing only: an NHWC convolution of `sign(x)` by a constant filter of
equal magnitudes, with larq's sign, which is +1 at zero. Ours is -1 at zero, b(x) = -sign(-x), so
both operands are negated: b(x) b(w) = sign(-x) sign(-w), and the two minus signs cancel.
"""

from __future__ import annotations

from typing import Any

import larq as lq
import numpy as np
from numpy.typing import NDArray

from xncaps_tf import ops
from xncaps_tf._keras import keras, tf

WORD = 32  # LCE packs channels in words of 32 bits; a group of a convolution is whole words


def padded_depth(depth: int) -> tuple[int, int]:
    """How a capsule of D values fills words: (times that each value is repeated, channels).

    Half of the channels left over are worth +1 and half -1, which cancel exactly; that takes an
    even number of them, so an odd D is repeated twice (and the multiplier halved, exact too).
    """
    repeats = 1 + depth % 2
    return repeats, -(-depth * repeats // WORD) * WORD


def packed_filter(kernel: NDArray[Any]) -> NDArray[Any]:
    """The filter `[1, 1, P, N * J * E]` of +-1 of a grouped 1x1 convolution, one group a capsule.

    Args:
        kernel: weight of an XnODR layer, `[N, J, D, E]`.
    """
    n, j, d, e = kernel.shape
    repeats, channels = padded_depth(d)
    signs = np.where(kernel > 0, -1.0, 1.0).astype(np.float32)  # sign(-W), [N, J, D, E]
    signs = np.repeat(signs.transpose(2, 0, 1, 3), repeats, axis=0)  # [D', N, J, E]
    filler = np.resize(np.array([1.0, -1.0], np.float32), channels - d * repeats)
    filler = np.broadcast_to(filler[:, None, None, None], (len(filler), n, j, e))
    return np.concatenate([signs, filler]).reshape(1, 1, channels, n * j * e)  # [1, 1, P, N*J*E]


@keras.saving.register_keras_serializable(package="xncaps_converters")
class PackedXnODR(keras.layers.Layer):
    """XnODR as a grouped 1x1 convolution; for conversion, never for training.

    Args:
        num_capsules: J.
        capsule_dim: E.
        routing_iterations: R.

    Input shape: `[B, N, D]`, N and D known.
    Output shape: `[B, J, E]`.
    Weights: `filter` `[1, 1, P, N * J * E]`, see `packed_filter`; `multiplier` `[N * J * E]`, the
        mean over D of the magnitudes of the weight.

    Differs from `XnODR`: the same sums in another order, equal to rounding.
    """

    def __init__(
        self, num_capsules: int, capsule_dim: int, *, routing_iterations: int = 3, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_capsules = num_capsules
        self.capsule_dim = capsule_dim
        self.routing_iterations = routing_iterations

    @classmethod
    def of(cls, layer: Any) -> PackedXnODR:
        """A layer of the same name and sizes as an `XnODR` layer, without its weights."""
        return cls(
            layer.num_capsules,
            layer.capsule_dim,
            routing_iterations=layer.routing_iterations,
            name=layer.name,
        )

    def build(self, input_shape: Any) -> None:
        n, d = (int(size) for size in input_shape[1:])
        self.repeats, channels = padded_depth(d)
        outputs = n * self.num_capsules * self.capsule_dim
        self.filter = self.add_weight("filter", (1, 1, channels, outputs), trainable=False)
        self.multiplier = self.add_weight("multiplier", (outputs,), trainable=False)
        super().build(input_shape)

    def take(self, layer: Any) -> None:
        """Sets both weights from the weight `[N, J, D, E]` of an XnODR layer."""
        (kernel,) = layer.get_weights()
        axes = ops.KERNEL_AXES[layer.scales]
        scale = np.abs(kernel).mean(axis=axes, dtype=np.float32, keepdims=True)
        n, j, _, e = kernel.shape
        scale = np.broadcast_to(scale, (n, j, 1, e)).reshape(-1)  # [N * J * E]
        self.set_weights([packed_filter(kernel), scale / np.float32(self.repeats)])

    def call(self, inputs: Any) -> Any:
        n, d = (int(size) for size in inputs.shape[1:])
        channels = int(self.filter.shape[2])
        magnitude = tf.reduce_mean(tf.abs(inputs), axis=-1)  # [B, N]
        x = -inputs
        if self.repeats > 1:
            x = tf.repeat(x, self.repeats, axis=-1)  # [B, N, D']
        x = tf.pad(x, [(0, 0), (0, 0), (0, channels - d * self.repeats)], constant_values=1.0)
        x = lq.math.sign(tf.reshape(x, (-1, 1, 1, n * channels)))  # [B, 1, 1, N * P]
        y = tf.nn.conv2d(x, self.filter, 1, "VALID") * self.multiplier  # [B, 1, 1, N * J * E]
        u_hat = tf.reshape(y, (-1, n, self.num_capsules, self.capsule_dim))  # [B, N, J, E]
        u_hat *= tf.reshape(magnitude, (-1, n, 1, 1))
        return ops.route(self._capsules_first(u_hat), self.routing_iterations)  # [B, J, E]

    def _capsules_first(self, u_hat: Any) -> Any:
        """[B, N, J, E] -> [N, B, J, E]; nothing moves where B is 1."""
        if u_hat.shape[0] == 1:
            return tf.reshape(u_hat, (u_hat.shape[1], 1, *u_hat.shape[2:]))
        return tf.transpose(u_hat, (1, 0, 2, 3))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_capsules": self.num_capsules,
            "capsule_dim": self.capsule_dim,
            "routing_iterations": self.routing_iterations,
        }


@keras.saving.register_keras_serializable(package="xncaps_converters")
class SignConv2D(keras.layers.Conv2D):
    """A binary convolution whose filter holds signs already; for conversion, never for training.

    Args:
        negate: the input's sign is taken of -x; the filter has been negated to make up for it.
        pad_values: what 'same' padding adds to the signs that are convolved: 0, 1 or -1.

    The other arguments, input and output shape and weights are those of `keras.layers.Conv2D`.

    LCE has padding of zeros and of ones. Zeros stay with the convolution, ones are added to the
    signs; -1 is added to the float input, in front of the sign, which is the same.
    """

    def __init__(
        self, *args: Any, negate: bool = False, pad_values: float = 0.0, **kwargs: Any
    ) -> None:
        self.negate = negate
        self.pad_values = float(pad_values)
        super().__init__(*args, **kwargs)
        self._same = self.padding == "same" and self.pad_values != 0.0
        if self._same:
            self.padding = "valid"

    def build(self, input_shape: Any) -> None:
        if self._same:
            pairs = zip(input_shape, self._padding(input_shape), strict=True)
            input_shape = [size if size is None else size + sum(pair) for size, pair in pairs]
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        x = -inputs if self.negate else inputs
        padding = self._padding(inputs.shape) if self._same else None
        if padding is not None and self.pad_values < 0:
            x = tf.pad(x, padding, constant_values=self.pad_values)
        x = lq.math.sign(x)
        if padding is not None and self.pad_values > 0:
            x = tf.pad(x, padding, constant_values=self.pad_values)
        return super().call(x)

    def _padding(self, shape: Any) -> list[tuple[int, int]]:
        """TensorFlow's 'same' padding of [B, H, W, C], H and W known."""
        pairs: list[tuple[int, int]] = []
        rows = zip(shape[1:3], self.kernel_size, self.strides, self.dilation_rate, strict=True)
        for size, kernel, stride, dilation in rows:
            extent = (kernel - 1) * dilation + 1
            total = max((-(-size // stride) - 1) * stride + extent - size, 0)
            pairs.append((total // 2, total - total // 2))
        return [(0, 0), *pairs, (0, 0)]

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "negate": self.negate, "pad_values": self.pad_values}
        return {**config, "padding": "same"} if self._same else config


@keras.saving.register_keras_serializable(package="xncaps_converters")
class UnfusedBatchNorm(keras.layers.BatchNormalization):
    """BatchNormalization that LCE does not fuse into the convolution before it.

    LCE's kernels compute (K - 2 * popcount) * multiplier + bias as popcount * (-2 * multiplier) +
    (K * multiplier + bias), K being the number of products in a sum. A channel whose variance is
    nearly zero (one that a ReLU keeps at zero) has a multiplier of gamma / sqrt(epsilon), some
    hundreds; K times that swallows the bias. The minimum, which changes no finite number, keeps the
    two operations apart.
    """

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        return super().call(tf.minimum(inputs, inputs.dtype.max), training=False)


@keras.saving.register_keras_serializable(package="xncaps_converters")
class FloatSign(lq.quantizers.Quantizer):
    """`CapsSign` in words that LCE does not take for its own.

    The signs in XnIDR's agreement are multiplied in float; LCE would pack them into bits and unpack
    them at once (LceQuantize, LceDequantize): two ops that no stock interpreter has.
    """

    precision = 1

    def call(self, inputs: Any) -> Any:
        return 2.0 * tf.cast(inputs > 0, inputs.dtype) - 1.0
