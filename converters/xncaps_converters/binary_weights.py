"""Which binary weights of a model its file keeps as bits, and why the others are float."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import larq as lq
import numpy as np
from numpy.typing import NDArray

from xncaps_converters.clone import flat_layers
from xncaps_converters.lce_layers import packed_filter
from xncaps_files import tflite
from xncaps_tf._keras import tf
from xncaps_tf.layers import CapsSign, XnODR

_KERNEL_QUANTIZERS = ("kernel_quantizer", "depthwise_quantizer", "pointwise_quantizer")


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


def all_unpacked(model: Any, reason: str = "") -> tuple[UnpackedLayer, ...]:
    """Every layer with a weight that is promised to be kept as bits, with one reason for all."""
    found = filter(is_binary, flat_layers(model))
    return tuple(UnpackedLayer(type(layer).__name__, layer.name, reason) for layer in found)


def unpacked(model: Any, file: tflite.TfliteFile) -> list[UnpackedLayer]:
    """The layers of a model whose binary weights are not in its file as bits.

    Every filter in the file stands for one call of one layer, compared bit by bit.
    """
    left = _filters(file)
    found: list[UnpackedLayer] = []
    for layer in flat_layers(model):
        if not is_binary(layer):
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


def is_packable(layer: Any) -> bool:
    """Whether an XnODR has the quantizers that LCE's bits stand for."""
    return isinstance(layer.input_quantizer, CapsSign) and isinstance(
        layer.kernel_quantizer, CapsSign
    )


def quantized_kernel(layer: Any) -> NDArray[Any]:
    """A QuantConv2D's kernel as its quantizer makes it."""
    latent = layer.get_weights()[0]
    return np.asarray(layer.kernel_quantizer(tf.constant(latent)))


def is_binary(layer: Any) -> bool:
    """Whether a layer has a weight that is promised to be kept as bits."""
    if isinstance(layer, XnODR):
        return True
    return any(getattr(layer, name, None) is not None for name in _KERNEL_QUANTIZERS)


def _expected_signs(layer: Any) -> tuple[NDArray[Any] | None, str]:
    """(the filter's signs as [O, H, W, I], '') or (None, why there can be none)."""
    if isinstance(layer, XnODR):
        if is_packable(layer):
            return packed_filter(layer.get_weights()[0]).transpose(3, 0, 1, 2), ""
        for name in ("input_quantizer", "kernel_quantizer"):
            quantizer = getattr(layer, name)
            if not isinstance(quantizer, CapsSign):
                return None, f"its {name} is {_describe(quantizer)}, not CapsSign"
    if not isinstance(layer, lq.layers.QuantConv2D):
        return None, "LCE packs the weights of QuantConv2D only"
    if layer.input_quantizer is None:
        return None, "its input_quantizer is None, so that its input stays float"
    return quantized_kernel(layer).transpose(3, 0, 1, 2), ""


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
