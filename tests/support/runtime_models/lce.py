"""Files of larq-compute-engine's ops, written directly: for tests.

Bits lie in int32 words along the last axis: bit c % 32 of word c // 32 is 1 where channel c is
negative, and the bits behind the last channel are 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from runtime_models import ModelWriter

WORD = 32
NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)  # TFLite's ActivationFunctionType
SAME, VALID = range(2)  # TFLite's Padding
OPTIONAL = -1  # the index of an input that is left out

Pair = tuple[int, int]
Quantization = tuple[float, int]


def words(channels: int) -> int:
    """int32 words that hold so many bits."""
    return -(-channels // WORD)


def pack(negative: np.ndarray) -> np.ndarray:
    """Bits [..., C] as int32 [..., ceil(C / 32)]."""
    count = negative.shape[-1]
    filled = np.zeros((*negative.shape[:-1], words(count) * WORD), bool)
    filled[..., :count] = negative
    return np.packbits(filled, axis=-1, bitorder="little").view("<i4")


@dataclass(frozen=True)
class Bconv2d:
    """The options of a LceBconv2d and what its constants must fit.

    Attributes:
        channels_in, channels_out: true numbers of channels.
        filter, stride, dilation: (height, width).
        padding: SAME or VALID.
        pad_values: 0 or 1, what SAME fills up with.
        activation: one of TFLite's numbers.
        groups: of channels.
        output: 'float32', 'int8' or 'int32' (bits, by thresholds).
    """

    channels_in: int = 32
    channels_out: int = 8
    filter: Pair = (3, 3)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: int = SAME
    pad_values: int = 1
    activation: int = NONE
    groups: int = 1
    output: str = "float32"

    @property
    def options(self) -> dict[str, int]:
        """The map in the file."""
        return {
            "stride_height": self.stride[0],
            "stride_width": self.stride[1],
            "dilation_height_factor": self.dilation[0],
            "dilation_width_factor": self.dilation[1],
            "padding": self.padding,
            "pad_values": self.pad_values,
            "channels_in": self.channels_in,
            "fused_activation_function": self.activation,
        }

    @property
    def extent(self) -> Pair:
        """Height and width of the dilated filter."""
        (fh, fw), (dh, dw) = self.filter, self.dilation
        return (fh - 1) * dh + 1, (fw - 1) * dw + 1

    @property
    def sum_bits(self) -> int:
        """Products in one output."""
        return self.filter[0] * self.filter[1] * self.channels_in // self.groups

    def output_size(self, size: Pair) -> Pair:
        """Height and width of the output; 0 or less where a VALID filter does not fit."""
        return output_size(self.padding, size, self.extent, self.stride)


def output_size(padding: int, size: Pair, extent: Pair, stride: Pair) -> Pair:
    less = (0, 0) if padding == SAME else (extent[0] - 1, extent[1] - 1)
    return -(-(size[0] - less[0]) // stride[0]), -(-(size[1] - less[1]) // stride[1])


class LceWriter(ModelWriter):
    """A .tflite file of LCE's ops; each method adds one and returns its output's index."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: dict[int, tuple[int, ...]] = {}

    def value(
        self, shape: tuple[int, ...], dtype: str, quantization: Quantization | None = None
    ) -> int:
        """A tensor that is computed or fed."""
        index = self.tensor(f"t{len(self.shapes)}", shape, dtype, quantization=quantization)
        self.shapes[index] = shape
        return index

    def quantize(self, source: int) -> int:
        """Float, int8 or bool -> bits."""
        shape = self.shapes[source]
        target = self.value((*shape[:-1], words(shape[-1])), "int32")
        self.custom("LceQuantize", [source], [target], b"")
        return target

    def dequantize(
        self, source: int, channels: int, dtype: str, quantization: Quantization | None = None
    ) -> int:
        """Bits -> +1 and -1, in int8 by its quantization, in bool True and False."""
        target = self.value((*self.shapes[source][:-1], channels), dtype, quantization)
        self.custom("LceDequantize", [source], [target], b"")
        return target

    def bmaxpool2d(self, source: int, filter: Pair, stride: Pair, padding: int) -> int:
        """The greatest sign of each window."""
        batch, height, width, depth = self.shapes[source]
        size = output_size(padding, (height, width), filter, stride)
        target = self.value((batch, *size, depth), "int32")
        options = {
            "filter_height": filter[0],
            "filter_width": filter[1],
            "stride_height": stride[0],
            "stride_width": stride[1],
            "padding": padding,
        }
        self.custom("LceBMaxPool2d", [source], [target], options)
        return target

    def bconv2d(
        self,
        source: int,
        conv: Bconv2d,
        constants: dict[str, np.ndarray],
        quantization: Quantization | None = None,
        options: dict[str, Any] | bytes | None = None,
    ) -> int:
        """A binary convolution.

        Args:
            source: bits `[B, H, W, words]`.
            conv: what it is.
            constants: 'filter' int32 `[out, h, w, words of a group]` and either 'thresholds' int32
                `[out]` or 'multiplier' and 'bias' float32 `[out]`.
            quantization: of an int8 output.
            options: in the place of `conv.options`.
        """
        batch, height, width, _ = self.shapes[source]
        depth = words(conv.channels_out) if conv.output == "int32" else conv.channels_out
        size = conv.output_size((height, width))
        target = self.value((batch, *size, depth), conv.output, quantization)
        inputs = [source]
        for name in ("filter", "multiplier", "bias", "thresholds"):
            given = name in constants
            inputs.append(self.constant(f"{name}{target}", constants[name]) if given else OPTIONAL)
        given_options = conv.options if options is None else options
        self.custom("LceBconv2d", inputs, [target], given_options)
        return target
