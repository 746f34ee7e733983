"""Capsule layers as marked functions, which a converter turns into one custom op each.

A `tf.function` with `experimental_implements` becomes a custom op of that name, its arguments the
op's inputs. Its body computes the same from the same arguments, so a model with marked layers
still runs in Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from xncaps_converters import packing
from xncaps_converters.clone import Replacement, clone
from xncaps_tf import layers, ops, quantizers
from xncaps_tf._keras import keras, tf

OP_VERSION = 1


@dataclass(frozen=True)
class FusedOp:
    """One capsule layer as one custom op.

    Attributes:
        name: of the op: XnCapsOdr, XnCapsIdr or XnCapsFc.
        constants: its inputs after the capsules u, in order.
        routing_iterations: R.
        input_scale: a positive factor for u, 1 where the constants hold every scale.
    """

    name: str
    constants: tuple[NDArray[Any], ...]
    routing_iterations: int
    num_capsules: int
    capsule_dim: int
    input_scale: float = 1.0


def fused_op(layer: Any, *, scales: str = "channel", scale_type: str = "float32") -> FusedOp | None:
    """How a capsule layer is fused, or None where no op computes what the layer computes.

    Only our own quantizers count: with them on both operands XnODR and XnIDR have their ops, with
    none at all every capsule layer is CapsFC.
    """
    kernel = layer.kernel.numpy() if isinstance(layer, _CAPSULE_LAYERS) else None
    if kernel is None:
        return None
    given = list(quantizers_of(layer).values())
    constants: tuple[NDArray[Any] | None, ...]
    input_scale = 1.0
    if all(quantizer is None for quantizer in given):
        name, constants = "XnCapsFc", (kernel.astype(scale_type),)
    elif not all(isinstance(quantizer, quantizers.CapsSign) for quantizer in given):
        return None
    elif isinstance(layer, layers.XnODR):
        name = "XnCapsOdr"
        scales = packing.coarser(scales, layer.scales)  # what was not trained is not stored
        constants = packing.pack_bits(kernel), packing.scale_of(kernel, scales, scale_type)
        if scales == "none":
            input_scale = packing.global_scale(kernel)
    else:
        name, constants = "XnCapsIdr", (kernel,)
    return FusedOp(
        name,
        tuple(constant for constant in constants if constant is not None),
        layer.routing_iterations,
        layer.num_capsules,
        layer.capsule_dim,
        input_scale,
    )


def with_scales(model: Any, scales: str) -> Any:
    """A copy of a model whose fusable XnODR layers compute with coarser scales, in Keras."""

    def replace(layer: Any) -> Replacement | None:
        op = fused_op(layer, scales=scales) if isinstance(layer, layers.XnODR) else None
        if op is None or op.name != "XnCapsOdr":
            return None
        return Replacement(FusedCapsules(op, name=layer.name), lambda old, new: None)

    return clone(model, replace)


class FusedCapsules(keras.layers.Layer):
    """A capsule layer whose call is one marked function; for conversion only, never saved.

    Args:
        op: what the marked function is and takes.

    Input shape: `[B, N, D]`.  Output shape: `[B, J, E]`.
    """

    def __init__(self, op: FusedOp, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self._op = op
        self._marked = _marked_function(op)

    def call(self, inputs: Any) -> Any:
        # A positive factor changes no sign; it scales the mean magnitude, which scales u_hat.
        u = inputs if self._op.input_scale == 1.0 else inputs * self._op.input_scale
        return self._marked(u, *map(tf.constant, self._op.constants))  # [B, J, E]

    def compute_output_shape(self, input_shape: Any) -> Any:
        op = self._op
        return tf.TensorShape([input_shape[0], op.num_capsules, op.capsule_dim])


_CAPSULE_LAYERS = (layers.CapsFC, layers.XnODR, layers.XnIDR)


class FloatCapsules(keras.layers.Layer):
    """What a fused op computes, in TensorFlow's own ops on float32 weights; for conversion only.

    Input shape: `[B, N, D]`.  Output shape: `[B, J, E]`.
    """

    def __init__(self, op: FusedOp, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self._op = op

    def call(self, inputs: Any) -> Any:
        op = self._op
        # tf.constant, not weights: the converter then folds the unpacking of the bits.
        constants = [tf.constant(constant) for constant in op.constants]
        v = _BODIES[op.name](inputs, op.routing_iterations, *constants)
        return tf.ensure_shape(v, [inputs.shape[0], op.num_capsules, op.capsule_dim])  # [B, J, E]


def quantizers_of(layer: Any) -> dict[str, Any]:
    """The quantizers of a capsule layer by their argument's name; empty for CapsFC."""
    names = ("input_quantizer", "kernel_quantizer", "prediction_quantizer", "pose_quantizer")
    return {name: getattr(layer, name) for name in names if hasattr(layer, name)}


def _marked_function(op: FusedOp) -> Any:
    attributes = packing.custom_attributes(
        tfl_fusable_op=True, routing_iterations=op.routing_iterations, version=OP_VERSION
    )
    body = _BODIES[op.name]

    @tf.function(experimental_implements=f'name: "{op.name}" {attributes}', autograph=False)
    def marked(u: Any, *constants: Any) -> Any:
        v = body(u, op.routing_iterations, *constants)
        return tf.ensure_shape(v, [u.shape[0], op.num_capsules, op.capsule_dim])  # [B, J, E]

    return marked


def _odr_body(u: Any, iterations: int, bits: Any, scale: Any | None = None) -> Any:
    kernel = _unpack(bits, u.shape[-1])  # [N, J, D, E]
    if scale is not None:
        shape = (*kernel.shape[:2], 1, -1)  # E scales a pair of capsules, or one
        kernel *= tf.reshape(tf.cast(scale, tf.float32), shape)  # [N, J, D, E]
    return ops.capsules(u, kernel, iterations, input_quantizer=ops.sign)


def _idr_body(u: Any, iterations: int, kernel: Any) -> Any:
    return ops.capsules(
        u, kernel, iterations, prediction_quantizer=ops.sign, pose_quantizer=ops.sign
    )


def _fc_body(u: Any, iterations: int, kernel: Any) -> Any:
    return ops.capsules(u, tf.cast(kernel, tf.float32), iterations)


def _unpack(bits: Any, dim: int) -> Any:
    """float32 `[N, J, D, E]` of -1 and +1 from bits `[N, J, E, ceil(D / 8)]`."""
    shifts = tf.constant(list(range(8)), tf.uint8)  # [8]
    ones = tf.bitwise.bitwise_and(
        tf.bitwise.right_shift(bits[..., tf.newaxis], shifts), tf.constant(1, tf.uint8)
    )  # [N, J, E, ceil(D / 8), 8]
    n, j, e, width = bits.shape
    ones: Any = tf.reshape(ones, (n, j, e, width * 8))
    ones = ones[..., :dim]  # [N, J, E, D]
    return tf.transpose(tf.cast(ones, tf.float32) * 2.0 - 1.0, (0, 1, 3, 2))  # [N, J, D, E]


_BODIES = {"XnCapsOdr": _odr_body, "XnCapsIdr": _idr_body, "XnCapsFc": _fc_body}
