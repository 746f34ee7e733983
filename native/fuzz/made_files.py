"""Made-up files of several nodes, ours and built-in ones, that take each other's tensors: for
fuzz_interpreter.py. One number, one file."""

from __future__ import annotations

import pathlib
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tests/support"))
import runtime_models as make  # noqa: E402
from runtime_models.grid import draw_constants  # noqa: E402
from runtime_models.lce import Bconv2d, LceWriter, words  # noqa: E402

schema: Any = schema_py_generated
Shape = tuple[int, ...]
_TYPES = ("float32", "int8", "bool")
_CHANNELS = (1, 31, 32, 33, 64, 70, 96, 130)
_SILLY = (0, 65536, 1 << 28, 2147483647)
_BUILTINS = ("SIN", "COS", "FLOOR", "CAST", "RELU")


@dataclass(frozen=True)
class Value:
    tensor: int
    dtype: str
    shape: Shape


class FileMaker:
    """Draws one file: mostly right, with tensors now and then where they must not be."""

    def __init__(self, number: int) -> None:
        self.rng = np.random.default_rng([20211110, number])
        self.writer = LceWriter()
        self.values: list[Value] = []
        self.inputs: list[int] = []

    def make(self) -> bytes:
        """The file."""
        draws = [self._pack, self._unpack, self._pool, self._conv, self._conv, self._caps]
        draws += [self._builtin, self._reshape]
        for _ in range(int(self.rng.integers(1, 7))):
            draws[int(self.rng.integers(len(draws)))]()
        tensors = {value.tensor for value in self.values if self._one_in(3)}
        outputs = sorted(tensors | {self.values[-1].tensor})
        inputs = [i for i in dict.fromkeys(self.inputs) if not self._one_in(100)]
        return self.writer.finish(inputs, outputs)

    def _one_in(self, n: int) -> bool:
        return int(self.rng.integers(n)) == 0

    def _pick(self, items: Any) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def _side(self, most: int) -> int:
        return int(self._pick(_SILLY)) if self._one_in(400) else int(self.rng.integers(1, most + 1))

    def _new(self, dtype: str, shape: Shape) -> Value:
        quantization = None
        if dtype == "int8" and not self._one_in(20):
            quantization = (float(self._pick((0.01, 0.5, 1.0))), int(self.rng.integers(-128, 128)))
        in_file = shape
        if self._one_in(12) and len(shape) > 0:
            at = int(self.rng.integers(len(shape)))
            in_file = (*shape[:at], self._side(9), *shape[at + 1 :])
        tensor = self.writer.tensor(
            f"t{len(self.values)}", in_file, dtype, quantization=quantization,
            dynamic_batch=len(shape) > 0 and self._one_in(2),
        )  # fmt: skip
        value = Value(tensor, dtype, shape)
        self.values.append(value)
        return value

    def _source(self, dtype: str, shape: Shape) -> Value:
        fits = [v for v in self.values if v.dtype == dtype and len(v.shape) == len(shape)]
        if fits and not self._one_in(3):
            return self._pick(fits)
        if self.values and self._one_in(40):
            return self._pick(self.values)
        if self._one_in(12) and np.prod(shape, dtype=float) < 1 << 16:
            array = (self.rng.normal(size=shape) * 100).astype(dtype)
            value = Value(self.writer.constant(f"c{len(self.values)}", array), dtype, shape)
            self.values.append(value)
            return value
        value = self._new(dtype, shape)
        self.inputs.append(value.tensor)
        return value

    def _sink(self, dtype: str, shape: Shape) -> int:
        """A new tensor; now and then one that is there: another's output, an input, a constant."""
        if self.values and self._one_in(15):
            return self._pick(self.values).tensor
        return self._new(dtype, shape).tensor

    def _add(self, name: str, inputs: list[int], output: int, options: Any) -> None:
        if self._one_in(50):
            inputs = inputs[:-1]
        raw: Any = options
        if self._one_in(25):
            raw = bytes(self.rng.integers(0, 256, int(self.rng.integers(0, 40))).astype(np.uint8))
        self.writer.custom(name, inputs, [output], raw)

    def _image(self, channels: int) -> Shape:
        return (int(self.rng.integers(1, 4)), self._side(7), self._side(7), channels)

    def _pack(self) -> None:
        source = self._source(self._pick(_TYPES), self._image(self._pick(_CHANNELS)))
        if source.shape:
            target = self._sink("int32", (*source.shape[:-1], words(source.shape[-1])))
            self._add("LceQuantize", [source.tensor], target, b"")

    def _unpack(self) -> None:
        channels = self._pick(_CHANNELS)
        source = self._source("int32", self._image(words(channels)))
        if source.shape:
            channels = max(1, min(channels, source.shape[-1] * 32))
            target = self._sink(self._pick(_TYPES), (*source.shape[:-1], channels))
            self._add("LceDequantize", [source.tensor], target, b"")

    def _pool(self) -> None:
        source = self._source("int32", self._image(self._side(4)))
        names = ("filter_height", "filter_width", "stride_height", "stride_width")
        options = {name: self._side(3) for name in names}
        options["padding"] = int(self.rng.integers(2))
        target = self._sink("int32", (*source.shape[:1], 1, 1, *source.shape[-1:]))
        self._add("LceBMaxPool2d", [source.tensor], target, options)

    def _conv(self) -> None:
        groups = self._pick((1, 1, 1, 2, 3))
        channels = groups * 32 if groups > 1 else self._pick(_CHANNELS)
        source = self._source("int32", self._image(words(channels)))
        if len(source.shape) == 4 and 0 < source.shape[3] < 9 and groups == 1:
            channels = source.shape[3] * 32 - self._pick((0, 5))
        output = self._pick(("float32", "int8", "int32"))
        conv = Bconv2d(
            channels, groups * int(self.rng.integers(1, 70)),
            filter=(self._side(3), self._side(3)), stride=(self._side(3), self._side(3)),
            dilation=(self._side(3), self._side(3)), padding=int(self.rng.integers(2)),
            pad_values=int(self.rng.integers(2)), activation=int(self.rng.integers(4)),
            groups=groups, output=output,
        )  # fmt: skip
        if max(conv.filter) > 9:
            return
        constants = draw_constants(self.rng, conv)
        names = ("filter", "multiplier", "bias", "thresholds")
        inputs = [source.tensor]
        inputs += [self.writer.constant(n, constants[n]) if n in constants else -1 for n in names]
        depth = words(conv.channels_out) if output == "int32" else conv.channels_out
        size = (1, 1)
        if len(source.shape) == 4 and min(*source.shape, *conv.stride) > 0:
            size = tuple(max(1, s) for s in conv.output_size(source.shape[1:3]))
        target = self._sink(output, (*(source.shape[:1] or (1,)), *size, depth))
        self._add("LceBconv2d", inputs, target, conv.options)
        while output == "float32" and not self._one_in(3):
            self._tail()

    def _tail(self) -> None:
        """A built-in op done along with what is before or behind it; its output is new."""
        floats = [value for value in self.values if value.dtype == "float32"]
        if not floats:
            return
        source = floats[-1] if not self._one_in(4) else self._pick(floats)
        name = self._pick(("ADD", "MUL", "MAXIMUM", "MINIMUM", "RELU", "RELU6"))
        inputs = [source.tensor]
        options = getattr(schema, f"{name.capitalize()}OptionsT")() if name in "ADD MUL" else None
        if options is not None:
            options.fusedActivationFunction = int(self.rng.integers(4))
        if not name.startswith("RELU"):
            other = self._source("float32", source.shape)
            if self._one_in(2):
                values = self.rng.normal(size=source.shape[-1:] if self._one_in(2) else (1,))
                other = Value(self.writer.constant("o", values.astype(np.float32)), "float32", ())
            inputs = [source.tensor, other.tensor]
            if self._one_in(3):
                inputs.reverse()
        target = self._new("float32", source.shape)
        operator = getattr(schema.BuiltinOperator, name)
        self.writer.builtin(operator, inputs, [target.tensor], options)
        if source.shape and self._one_in(3):
            bits = self._new("int32", (*source.shape[:-1], words(source.shape[-1])))
            self._add("LceQuantize", [target.tensor], bits.tensor, b"")

    def _caps(self) -> None:
        op = self._pick(("XnCapsOdr", "XnCapsIdr", "XnCapsFc"))
        j, e = int(self.rng.integers(1, 12)), int(self.rng.integers(1, 20))
        drawn = (int(self.rng.integers(1, 3)), self._side(70), self._side(17))
        source = self._source("float32", drawn)
        n, d = source.shape[1:] if len(source.shape) == 3 else drawn[1:]
        if n * j * d * e > 1 << 16:
            return
        kernel = self.rng.normal(0, 0.1, (n, j, d, e)).astype(np.float32)
        constants = [kernel]
        if op == "XnCapsOdr":
            constants = [make.pack_bits(kernel), make.channel_scale(kernel)][: self._pick((1, 2))]
        inputs = [self.writer.constant("k", constant) for constant in constants]
        options = {"routing_iterations": self._side(4), "version": 1}
        options["routing_iterations"] = min(options["routing_iterations"], 1001)
        batch = source.shape[0] if source.shape else 1
        self._add(op, [source.tensor, *inputs], self._sink("float32", (batch, j, e)), options)

    def _builtin(self) -> None:
        """A built-in op beside ours; its output is new: two of them alone may crash any TFLite."""
        source = self._source("float32", self._image(self._pick(_CHANNELS)))
        name = self._pick(_BUILTINS)
        target = self._new("int32" if name == "CAST" else "float32", source.shape)
        operator = getattr(schema.BuiltinOperator, name)
        self.writer.builtin(operator, [source.tensor], [target.tensor])

    def _reshape(self) -> None:
        """Its shape is fed: what is behind it changes size while the file runs."""
        source = self._source("float32", self._image(self._pick(_CHANNELS)))
        shape = self._new("int32", (len(source.shape),))
        self.inputs.append(shape.tensor)
        target = self._new("float32", source.shape)
        inputs = [source.tensor, shape.tensor]
        self.writer.builtin(schema.BuiltinOperator.RESHAPE, inputs, [target.tensor])
