"""A seeded grid of files of LCE's ops, and what to feed them: for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from runtime_models.lce import (
    NONE,
    RELU,
    RELU6,
    RELU_N1_TO_1,
    SAME,
    VALID,
    WORD,
    Bconv2d,
    LceWriter,
    Pair,
    Quantization,
    output_size,
    pack,
    words,
)


@dataclass(frozen=True)
class Case:
    """A file, what to feed it, and which of LCE's kernels can run it.

    Attributes:
        name: everything that was drawn, for a failure's message.
        model: the .tflite file.
        inputs: of its one input.
        kernels: of LCE's 'default', 'indirect' and 'reference'.
        atol: what float outputs may differ by beside 1e-5 of themselves: 0, but for zero padding,
            which LCE's kernels make in different ways: one counts, the others add a correction in
            float32, whose rounding is that of its terms and not of their sum.
    """

    name: str
    model: bytes
    inputs: np.ndarray
    kernels: tuple[str, ...]
    atol: float = 0.0


KERNELS = ("default", "indirect", "reference")
SEED = 20211110
_KINDS = ("bconv2d",) * 6 + ("quantize", "dequantize", "bmaxpool2d", "chain")
_CHANNELS = (1, 2, 3, 7, 16, 31, 32, 33, 40, 64, 65, 70, 96, 100, 128, 160)
_FILTERS = ((1, 1), (3, 3), (3, 3), (5, 5), (1, 3), (3, 2), (2, 2))


def draw(number: int) -> Case:
    """The case of that number in the grid; each is drawn by a generator of its own."""
    rng = np.random.default_rng([SEED, number])
    kind = _KINDS[number % len(_KINDS)]
    case = _DRAWERS[kind](rng)
    return replace(case, name=f"{number}: {kind} {case.name}")


def _draw_bconv2d(rng: np.random.Generator) -> Case:
    size = _pick_size(rng)
    conv = draw_conv(rng, size)
    batch = int(rng.integers(1, 4))
    shape = (batch, *size, conv.channels_in)
    writer = LceWriter()
    source = writer.value((*shape[:-1], words(conv.channels_in)), "int32")
    quantization = None
    constants = draw_constants(rng, conv)
    if conv.output == "int8":
        constants, quantization = _int8_constants(rng, conv)
    target = writer.bconv2d(source, conv, constants, quantization)
    fields = {**asdict(conv), "input": shape, "quantization": quantization}
    model = writer.finish([source], [target])
    inputs = pack(rng.random(shape) < 0.5)
    return Case(str(fields), model, inputs, kernels_of(conv, size), _atol(conv, constants))


def _atol(conv: Bconv2d, constants: dict[str, np.ndarray]) -> float:
    """Four units in the last place of the greatest term of a zero-padded sum, else 0."""
    if conv.output != "float32" or conv.padding != SAME or conv.pad_values != 0:
        return 0.0
    greatest = np.abs(constants["multiplier"]).max() * conv.sum_bits
    return float(4 * np.finfo(np.float32).eps * (greatest + np.abs(constants["bias"]).max()))


def draw_conv(rng: np.random.Generator, size: Pair) -> Bconv2d:
    """A convolution that fits an image of that size and that one of LCE's kernels takes."""
    while True:
        groups = int(rng.choice((1, 1, 1, 2, 3, 4)))
        channels = [int(rng.choice(_CHANNELS)), int(rng.choice(_CHANNELS))]
        if groups > 1:
            channels = [groups * WORD * int(rng.integers(1, 3)), groups * int(rng.integers(1, 20))]
        conv = Bconv2d(
            *channels,
            filter=_FILTERS[rng.integers(len(_FILTERS))],
            stride=_pair(rng, (1, 1, 2, 3)),
            dilation=_pair(rng, (1, 1, 2, 3)),
            padding=int(rng.choice((SAME, VALID))),
            pad_values=int(rng.integers(2)),
            activation=int(rng.choice((NONE, NONE, RELU, RELU_N1_TO_1, RELU6))),
            groups=groups,
            output=str(rng.choice(("float32", "int8", "int32"))),
        )
        if min(conv.output_size(size)) > 0 and kernels_of(conv, size):
            return conv


def kernels_of(conv: Bconv2d, size: Pair) -> tuple[str, ...]:
    """Which of LCE's kernels run a convolution, and rightly.

    The default one has no groups. Zero padding is by a correction of float outputs in the fast
    kernels, which takes the filter to be smaller than the image; and by counting half of an even
    number of channels in the reference. With thresholds all of them fail (they read a multiplier).
    """
    zero = conv.padding == SAME and conv.pad_values == 0
    corrected = conv.output == "float32" and conv.activation == NONE
    small = conv.extent[0] < size[0] and conv.extent[1] < size[1]
    fast = not zero or (corrected and small)
    able = {
        "default": fast and conv.groups == 1,
        "indirect": fast,
        "reference": not zero or (conv.channels_in % 2 == 0 and conv.output != "int32"),
    }
    return tuple(name for name in KERNELS if able[name])


def draw_constants(rng: np.random.Generator, conv: Bconv2d) -> dict[str, np.ndarray]:
    """Filter bits, and thresholds about the middle or multipliers and biases of either sign."""
    shape = (conv.channels_out, *conv.filter, conv.channels_in // conv.groups)
    bits = pack(rng.random(shape) < 0.5)
    out = conv.channels_out
    if conv.output == "int32":
        spread = int(np.sqrt(conv.sum_bits)) + 1
        thresholds = conv.sum_bits // 2 + rng.integers(-spread, spread + 1, out)
        extremes = rng.choice((-(2**31), -1, 0, conv.sum_bits, 2**31 - 1), out)
        thresholds = np.where(rng.random(out) < 0.1, extremes, thresholds)
        return {"filter": bits, "thresholds": thresholds.astype(np.int32)}
    return {
        "filter": bits,
        "multiplier": rng.normal(size=out).astype(np.float32),
        "bias": rng.normal(0, np.sqrt(conv.sum_bits), out).astype(np.float32),
    }


def _int8_constants(
    rng: np.random.Generator, conv: Bconv2d
) -> tuple[dict[str, np.ndarray], Quantization]:
    """Half of the time numbers that are exact in binary, so that sums lie halfway between two."""
    constants = draw_constants(rng, conv)
    zero_point = int(rng.integers(-128, 128))
    if rng.random() < 0.5:
        out = conv.channels_out
        constants["multiplier"] = rng.choice((-1, -0.5, 0, 0.25, 0.5, 1), out).astype(np.float32)
        constants["bias"] = (rng.integers(-8, 9, out) / 4).astype(np.float32)
        return constants, (float(rng.choice((0.5, 1, 2))), zero_point)
    scale = np.float32(np.sqrt(conv.sum_bits) / 40 * rng.uniform(0.3, 3))
    return constants, (float(scale), zero_point)


def _draw_quantize(rng: np.random.Generator) -> Case:
    shape = _any_shape(rng)
    dtype = str(rng.choice(("float32", "int8", "bool")))
    quantization = None
    if dtype == "int8":
        quantization = (0.5, int(rng.choice((-128, -127, -3, 0, 5, 127))))
    writer = LceWriter()
    source = writer.value(shape, dtype, quantization)
    target = writer.quantize(source)
    values: Any
    if dtype == "float32":
        values = rng.normal(size=shape)
        special = rng.choice((0.0, -0.0, 1e-45, -1e-45, np.inf, -np.inf), shape)
        values = np.where(rng.random(shape) < 0.2, special, values)
    else:
        values = rng.integers(-128, 128, shape) if dtype == "int8" else rng.random(shape) < 0.5
    model = writer.finish([source], [target])
    inputs = np.asarray(values, dtype)
    return Case(f"{dtype} {shape} {quantization}", model, inputs, ("default",))


def _draw_dequantize(rng: np.random.Generator) -> Case:
    shape = _any_shape(rng)
    dtype = str(rng.choice(("float32", "int8", "bool")))
    quantization = None
    if dtype == "int8":
        scale = float(rng.choice((1.0, 0.5, 0.3, 2.0, 1 / 128, 0.01)))
        quantization = (scale, int(rng.choice((-128, -1, 0, 3, 127))))
    writer = LceWriter()
    source = writer.value((*shape[:-1], words(shape[-1])), "int32")
    target = writer.dequantize(source, shape[-1], dtype, quantization)
    model = writer.finish([source], [target])
    bits = pack(rng.random(shape) < 0.5)
    return Case(f"{dtype} {shape} {quantization}", model, bits, ("default",))


def _draw_bmaxpool2d(rng: np.random.Generator) -> Case:
    shape = (int(rng.integers(1, 4)), *_pick_size(rng), int(rng.choice(_CHANNELS)))
    while True:
        filter, stride = _pair(rng, (1, 2, 2, 3, 4)), _pair(rng, (1, 2, 2, 3))
        padding = int(rng.choice((SAME, VALID)))
        if min(output_size(padding, shape[1:3], filter, stride)) > 0:
            break
    writer = LceWriter()
    source = writer.value((*shape[:-1], words(shape[-1])), "int32")
    target = writer.bmaxpool2d(source, filter, stride, padding)
    model = writer.finish([source], [target])
    name = f"input={shape} filter={filter} stride={stride} padding={padding}"
    return Case(name, model, pack(rng.random(shape) < 0.7), ("default",))


def _draw_chain(rng: np.random.Generator) -> Case:
    """Float -> bits -> convolution to bits -> pool -> convolution to float -> signs of it."""
    size = (int(rng.integers(5, 9)), 7)
    channels, middle = int(rng.choice(_CHANNELS)), int(rng.choice(_CHANNELS))
    first = Bconv2d(channels, middle, stride=_pair(rng, (1, 2)), output="int32")
    second = Bconv2d(middle, int(rng.choice(_CHANNELS)), padding=SAME, activation=RELU)
    batch = int(rng.integers(1, 4))
    writer = LceWriter()
    source = writer.value((batch, *size, channels), "float32")
    bits = writer.bconv2d(writer.quantize(source), first, draw_constants(rng, first))
    pooled = writer.bmaxpool2d(bits, (2, 2), (2, 2), SAME)
    target = writer.bconv2d(pooled, second, draw_constants(rng, second))
    if rng.random() < 0.5:
        target = writer.dequantize(writer.quantize(target), second.channels_out, "float32")
    model = writer.finish([source], [target])
    inputs = rng.normal(size=(batch, *size, channels)).astype(np.float32)
    return Case(f"batch={batch} size={size} {first} {second}", model, inputs, KERNELS)


_DRAWERS: dict[str, Callable[[np.random.Generator], Case]] = {
    "bconv2d": _draw_bconv2d,
    "quantize": _draw_quantize,
    "dequantize": _draw_dequantize,
    "bmaxpool2d": _draw_bmaxpool2d,
    "chain": _draw_chain,
}


def _pick_size(rng: np.random.Generator) -> Pair:
    return int(rng.integers(1, 12)), int(rng.integers(1, 12))


def _pair(rng: np.random.Generator, values: tuple[int, ...]) -> Pair:
    height, width = rng.choice(values, 2)
    return int(height), int(width)


def _any_shape(rng: np.random.Generator) -> tuple[int, ...]:
    rank = int(rng.integers(1, 5))
    return (*(int(size) for size in rng.integers(1, 6, rank - 1)), int(rng.choice(_CHANNELS)))
