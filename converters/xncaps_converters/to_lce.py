"""Keras -> TFLite file of larq-compute-engine's ops: what is binary is kept as bits."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import larq as lq
import numpy as np
from numpy.typing import NDArray

from xncaps_converters import batch, engines, padding
from xncaps_converters.clone import Replacement, as_model, clone, copy_weights, flat_layers
from xncaps_converters.lce_layers import (
    FloatSign,
    PackedXnODR,
    SignConv2D,
    UnfusedBatchNorm,
    packed_filter,
)
from xncaps_converters.output_formats import Made, Options, Report, silent
from xncaps_files import tflite
from xncaps_files.op_codes import LCE_OPS
from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import ConversionError
from xncaps_tf.layers import CapsSign, XnIDR, XnODR

_LARQ_SIGNS = ("SteSign", "ApproxSign", "SwishSign")  # forward: +1 where x >= 0
# Products of a sum times multiplier, from where float32 is off by more than 256 * 2**-24 = 2e-5.
_LARGEST_FUSED = 256.0
_KERNEL_QUANTIZERS = ("kernel_quantizer", "depthwise_quantizer", "pointwise_quantizer")


def prepare_lce(model: Any, *, batch_size: int | None = 1) -> Any:
    """A copy of the model in which LCE's converter finds every binary weight.

    `larq_compute_engine.convert_keras_model(prepare_lce(model))` gives the ops and constants of
    `convert_lce(model)`. Without it LCE leaves XnODR's projection a float matrix product, and
    turns a convolution with our quantizers (-1 at zero) into NEG and a float CONV_2D.

    Args:
        model: a functional or sequential Keras model; nested models are looked into.
        batch_size: of the copy's inputs; None leaves it open.

    Returns:
        A `keras.Model` that computes the same: `XnODR` layers with both of our quantizers are
        `PackedXnODR`, `QuantConv2D` layers with our input quantizer `SignConv2D`, the rest copies.

    Raises:
        ConversionError: the model is subclassed or not built.
    """
    return clone(model, replacement, batch_size=batch_size)


def convert_lce(model: Any, *, batch_size: int | None = 1, allow_float: bool = False) -> bytes:
    """Converts a Keras model with larq-compute-engine.

    Args:
        model: a functional or sequential Keras model, or a built layer.
        batch_size: of the file's inputs; None leaves it open.
        allow_float: accept binary weights that are kept as float32.

    Returns:
        The TFLite file, without metadata.

    Raises:
        ConversionError: LCE is not installed, cannot convert the model, leaves an op that no
            interpreter has, or keeps a binary weight as float32 (the layer is named).
    """
    options = Options(batch_size=batch_size, allow_float=allow_float)
    return make(as_model(model), options).data


def make(model: Any, options: Options, report: Report = silent) -> Made:
    """`convert_lce` as an entry of the table of formats."""
    mark = batch.mark_of(model) if options.batch_size is None else options.batch_size
    report("copy the model", 0)
    prepared = prepare_lce(model, batch_size=mark)
    report("convert", 0)
    data = engines.run_lce(prepared)
    if options.batch_size is None:
        data = batch.open_batch(data, mark)
    file = tflite.parse(data)
    check_ops(file, LCE_OPS)
    unpacked = unpacked_layers(model, file)
    if unpacked and not options.allow_float:
        raise ConversionError(
            "expected every binary weight to become the filter of an LceBconv2d. Received: "
            + "; ".join(str(layer) for layer in unpacked)
            + ". --allow-float (allow_float=True) keeps them as float32."
        )
    return Made(file, tuple(unpacked))


def check_ops(file: tflite.TfliteFile, known: Collection[str]) -> None:
    """Refuses custom ops that no interpreter has."""
    unresolved = [name for name in file.custom_ops if name not in known]
    if unresolved:
        raise ConversionError(
            f"expected TFLite's ops and {', '.join(sorted(known))} only. "
            f"Received: {', '.join(unresolved)}, which no interpreter has."
        )


def has_binary_convolutions(prepared: Any) -> bool:
    """Whether LCE's converter is needed for a model that `prepare_lce` or its like has made."""
    return any(
        isinstance(layer, SignConv2D) or _is_binary(layer) for layer in flat_layers(prepared)
    )


@dataclass(frozen=True)
class UnpackedLayer:
    """A layer whose binary weight is not the filter of an LceBconv2d, and why.

    `is_packable` says that its quantizers are not what stands in the way.
    """

    kind: str
    name: str
    reason: str
    is_packable: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} ({self.reason})"


def binary_layers(model: Any, reason: str = "") -> tuple[UnpackedLayer, ...]:
    """Every layer with a weight that is promised to be kept as bits, with one reason for all."""
    found = filter(_is_binary, flat_layers(model))
    return tuple(UnpackedLayer(type(layer).__name__, layer.name, reason) for layer in found)


def unpacked_layers(model: Any, file: tflite.TfliteFile) -> list[UnpackedLayer]:
    """The layers of a model whose binary weights are not in its file as bits.

    Every filter in the file stands for one call of one layer, compared bit by bit.
    """
    left = _filters(file)
    found: list[UnpackedLayer] = []
    for layer in flat_layers(model):
        if not _is_binary(layer):
            continue
        signs, reason = _expected_signs(layer)
        if signs is not None:
            for _ in range(_calls(layer)):
                match = next((i for i, bits in enumerate(left) if _same_filter(signs, bits)), None)
                if match is None:
                    reason = "LCE left its convolution in float"
                    break
                del left[match]
            else:
                continue
        found.append(UnpackedLayer(type(layer).__name__, layer.name, reason, signs is not None))
    return found


def replacement(layer: Any) -> Replacement | None:
    if isinstance(layer, XnODR) and _packable(layer):
        return Replacement(PackedXnODR.of(layer), lambda old, new: new.take(old))
    if isinstance(layer, XnIDR):
        return _agreement(layer)
    if isinstance(layer, lq.layers.QuantConv2D):
        return _convolution(layer)
    if padding.would_move(layer):
        return Replacement(padding.KeptPadding.from_config(layer.get_config()), copy_weights)
    if isinstance(layer, keras.layers.BatchNormalization) and _loses_bias(layer):
        return Replacement(UnfusedBatchNorm.from_config(layer.get_config()), copy_weights)
    return None


def _agreement(layer: Any) -> Replacement:
    config = layer.get_config()
    for name in ("prediction_quantizer", "pose_quantizer"):
        if isinstance(getattr(layer, name), CapsSign):
            config[name] = FloatSign()
    twin = layer.__class__.from_config(config)
    return Replacement(twin, copy_weights)


def _loses_bias(norm: Any) -> bool:
    """Whether fusing this layer into the binary convolution before it would cost its bias."""
    for node in norm.inbound_nodes:
        for source in tf.nest.flatten(node.inbound_layers):
            products = _products(source)
            if products is None:
                continue
            variance = np.asarray(norm.moving_variance)
            gamma = np.asarray(norm.gamma) if norm.scale else np.ones_like(variance)
            multiplier = np.abs(gamma) / np.sqrt(variance + norm.epsilon)
            if products * float(multiplier.max()) > _LARGEST_FUSED:
                return True
    return False


def _products(layer: Any) -> int | None:
    """How many products a sum of a binary convolution has; looks behind a ReLU."""
    if isinstance(layer, keras.layers.ReLU) and layer.inbound_nodes:
        layer = layer.inbound_nodes[0].inbound_layers
    if not isinstance(layer, lq.layers.QuantConv2D) or not _is_binary(layer):
        return None
    sides: list[int] = layer.kernel.shape[:3].as_list()
    return math.prod(sides)


def _packable(layer: Any) -> bool:
    return isinstance(layer.input_quantizer, CapsSign) and isinstance(
        layer.kernel_quantizer, CapsSign
    )


def _convolution(layer: Any) -> Replacement | None:
    """Ours, and larq's with a padding of -1, which LCE has no op for; others stay as they are."""
    ours = isinstance(layer.input_quantizer, CapsSign)
    pads = layer.padding == "same" and float(layer.pad_values) == -1.0
    larqs = type(layer.input_quantizer).__name__ in _LARQ_SIGNS
    if layer.kernel_quantizer is None or layer.data_format != "channels_last":
        return None
    if not (ours or (larqs and pads)):
        return None
    config = layer.get_config()
    for name in ("input_quantizer", "kernel_quantizer", "kernel_constraint", "bias_constraint"):
        config.pop(name, None)
    sign = -1.0 if ours else 1.0
    config["pad_values"] = sign * float(layer.pad_values)
    return Replacement(SignConv2D(negate=ours, **config), _transfer_convolution)


def _transfer_convolution(old: Any, new: Any) -> None:
    _, *rest = old.get_weights()
    new.set_weights([(-1.0 if new.negate else 1.0) * _quantized_kernel(old), *rest])


def _quantized_kernel(layer: Any) -> NDArray[Any]:
    latent = layer.get_weights()[0]
    return np.asarray(layer.kernel_quantizer(tf.constant(latent)))


def _is_binary(layer: Any) -> bool:
    """Whether a layer has a weight that is promised to be kept as bits."""
    if isinstance(layer, XnODR):
        return True
    return any(getattr(layer, name, None) is not None for name in _KERNEL_QUANTIZERS)


def _expected_signs(layer: Any) -> tuple[NDArray[Any] | None, str]:
    """(the filter's signs as [O, H, W, I], '') or (None, why there can be none)."""
    if isinstance(layer, XnODR):
        if _packable(layer):
            return packed_filter(layer.get_weights()[0]).transpose(3, 0, 1, 2), ""
        for name in ("input_quantizer", "kernel_quantizer"):
            quantizer = getattr(layer, name)
            if not isinstance(quantizer, CapsSign):
                return None, f"its {name} is {_describe(quantizer)}, not CapsSign"
    if not isinstance(layer, lq.layers.QuantConv2D):
        return None, "LCE packs the weights of QuantConv2D only"
    if layer.input_quantizer is None:
        return None, "its input_quantizer is None, so that its input stays float"
    return _quantized_kernel(layer).transpose(3, 0, 1, 2), ""


def _describe(quantizer: Any) -> str:
    return "None" if quantizer is None else type(quantizer).__name__


def _calls(layer: Any) -> int:
    """How often a model uses a layer."""
    return max(len(layer.inbound_nodes), 1)


def _filters(file: tflite.TfliteFile) -> list[NDArray[Any]]:
    """Of every LceBconv2d, the bits of its filter [O, H, W, words]; a bit is 1 for a minus."""
    found: list[NDArray[Any]] = []
    for graph in file.subgraphs:
        for op in graph.ops:
            if op.name != "LceBconv2d":
                continue
            tensor = graph.tensors[op.inputs[1]]
            if tensor.data is not None and len(tensor.shape) == 4 and tensor.type == "INT32":
                found.append(tensor.data.view("<i4").reshape(tensor.shape))
    return found


def _same_filter(signs: NDArray[Any], bits: NDArray[Any]) -> bool:
    """Whether the bits are these signs, but for the sign of a whole output channel.

    LCE may turn the sign of a channel whose multiplier is negative.
    """
    outputs, height, width, inputs = signs.shape
    if bits.shape != (outputs, height, width, -(-inputs // 32)):
        return False
    packed = np.ascontiguousarray(bits).view(np.uint8).reshape(outputs, height, width, -1)
    flags = np.unpackbits(packed, axis=-1, bitorder="little")[..., :inputs]
    negative = (signs < 0).astype(np.uint8)
    return bool(np.array_equal(_relative(flags), _relative(negative)))


def _relative(flags: NDArray[Any]) -> NDArray[Any]:
    flat = flags.reshape(len(flags), -1)
    return flat ^ flat[:, :1]
