"""Keras -> TFLite file of larq-compute-engine's ops: what is binary is kept as bits."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import larq as lq
import numpy as np

from xncaps_converters import batch, binary_weights, engines, padding
from xncaps_converters.binary_weights import is_binary, is_packable, quantized_kernel
from xncaps_converters.clone import Replacement, as_model, clone, copy_weights, flat_layers
from xncaps_converters.lce_layers import (
    FloatSign,
    PackedXnODR,
    SignConv2D,
    UnfusedBatchNorm,
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
    unpacked = binary_weights.unpacked(model, file)
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
    return any(isinstance(layer, SignConv2D) or is_binary(layer) for layer in flat_layers(prepared))


def replacement(layer: Any) -> Replacement | None:
    if isinstance(layer, XnODR) and is_packable(layer):
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
    if not isinstance(layer, lq.layers.QuantConv2D) or not is_binary(layer):
        return None
    sides: list[int] = layer.kernel.shape[:3].as_list()
    return math.prod(sides)


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
    new.set_weights([(-1.0 if new.negate else 1.0) * quantized_kernel(old), *rest])
