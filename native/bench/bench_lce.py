"""Rows of the speed table for LCE's ops: our delegate in LiteRT against LCE's interpreter.

Ratios of medians in one process, in turns; one thread, batch 1. LceBconv2d is held against LCE's
kernels with bits as output, since LCE's Python interpreter copies what comes out and bits are
few; against LiteRT's float convolution (XNNPACK) with floats as output. `--check` exits 1 where a
row is below 0.8 of its figure.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
from rows import Report

from xncaps_runtime import Interpreter, info

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tests/support"))
from runtime_models.lce import Bconv2d, LceWriter, pack, words  # noqa: E402

TURNS, TURN_SECONDS = 9, 0.15
SIZES = ((56, 64), (28, 128), (14, 256), (7, 512))
Call = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """`ours` against `theirs`: at least `figure` times faster; no figure: for information."""

    name: str
    ours: Call
    theirs: Call
    figure: float | None


def conv_model(size: int, channels: int, output: str) -> bytes:
    """One LceBconv2d 3x3, SAME with ones, of bits [1, size, size, channels]."""
    conv = Bconv2d(channels, channels, output=output)
    rng = np.random.default_rng(1)
    shape = (channels, 3, 3, channels)
    constants = {"filter": pack(rng.random(shape) < 0.5)}
    if output == "int32":
        constants["thresholds"] = np.full(channels, 9 * channels // 2, np.int32)
    else:
        constants["multiplier"] = rng.normal(size=channels).astype(np.float32)
        constants["bias"] = rng.normal(size=channels).astype(np.float32)
    writer = LceWriter()
    source = writer.value((1, size, size, words(channels)), "int32")
    return writer.finish([source], [writer.bconv2d(source, conv, constants)])


def float_model(size: int, channels: int) -> bytes:
    """The same convolution in float32, as TensorFlow converts it."""
    import tensorflow as tf

    rng = np.random.default_rng(1)
    kernel = np.sign(rng.normal(size=(3, 3, channels, channels))).astype(np.float32)
    bias = rng.normal(size=channels).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec([1, size, size, channels], tf.float32)])
    def conv(x: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(x, kernel, 1, "SAME") + bias

    module = tf.Module()
    module.conv = conv
    concrete = conv.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], module).convert()


def quicknet(name: str, shape: tuple[int, int, int]) -> bytes:
    """A whole network as LCE's converter writes it."""
    from xncaps_converters import convert_lce
    from xncaps_tf import models

    return convert_lce(models.build(name, "dense", shape, 10, seed=1))


def example(detail: dict) -> np.ndarray:
    rng = np.random.default_rng(2)
    shape = tuple(detail["shape"])
    if detail["dtype"] == np.int32:
        return rng.integers(-(2**31), 2**31, shape).astype(np.int32)
    return rng.uniform(0, 255, shape).astype(np.float32)


def litert(interpreter: Interpreter) -> Call:
    """invoke() of a LiteRT interpreter, ours or a stock one."""
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    interpreter.set_tensor(detail["index"], example(detail))
    return interpreter.invoke


def lce(model: bytes, *, indirect: bool) -> Call:
    """predict() of LCE's interpreter, XNNPACK on; copies its input and its output."""
    from larq_compute_engine.tflite.python import interpreter_wrapper_lite as wrapper

    # data, threads, use_reference_bconv, use_indirect_bgemm, use_xnnpack
    interpreter = wrapper.LiteInterpreter(model, 1, False, indirect, True)
    shape, dtype = interpreter.input_shapes[0], np.dtype(interpreter.input_types[0])
    inputs = [example({"shape": shape, "dtype": dtype})]
    return lambda: interpreter.predict(inputs)


def rows() -> Iterator[Row]:
    """All rows; the float models and networks are converted here."""
    from ai_edge_litert.interpreter import Interpreter as Stock

    for size, channels in SIZES:
        name = f"LceBconv2d 3x3, {size}x{size}x{channels}"
        bits, floats = (conv_model(size, channels, kind) for kind in ("int32", "float32"))
        ours = litert(Interpreter(bits))
        yield Row(f"{name}, LCE's default kernel", ours, lce(bits, indirect=False), 14)
        yield Row(f"{name}, LCE's indirect kernel", ours, lce(bits, indirect=True), 2.2)
        stock = litert(Stock(model_content=float_model(size, channels), num_threads=1))
        yield Row(f"{name}, float convolution", litert(Interpreter(floats)), stock, 3.5)
    for name, shape, figure in (
        ("quicknet", (32, 32, 3), 2.0),
        ("quicknet_medium", (224, 224, 3), None),
    ):
        model = quicknet(name, shape)
        kernels = [lce(model, indirect=indirect) for indirect in (False, True)]
        better = min(kernels, key=lambda call: median([call], 1)[0])
        title = f"whole {name}, LCE's better kernel"
        yield Row(title, litert(Interpreter(model)), better, figure)
    bits = conv_model(14, 256, "int32")
    one, two = (litert(Interpreter(bits, threads)) for threads in (1, 2))
    yield Row("LceBconv2d 3x3, 14x14x256, two threads against one", two, one, None)


def median(calls: list[Call], turns: int, seconds: float = TURN_SECONDS) -> list[float]:
    """Median microseconds of each, in turns; the first calls of a turn are not counted."""
    times: list[list[int]] = [[] for _ in calls]
    for _ in range(turns):
        for call, taken in zip(calls, times, strict=True):
            end = time.perf_counter() + seconds
            call()
            call()
            while time.perf_counter() < end or not taken:
                start = time.perf_counter_ns()
                call()
                taken.append(time.perf_counter_ns() - start)
    return [float(np.median(taken)) / 1e3 for taken in times]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--write", type=pathlib.Path, metavar="PAGE", help="puts the table there")
    args = parser.parse_args()
    report = Report()
    for row in rows():
        ours, theirs = median([row.ours, row.theirs], args.turns)
        report.add(row.name, ours, theirs, row.figure)
    if args.write is not None:
        isa = info()["isa"]
        report.write(args.write, f"lce-{isa}", f"XNCAPS_ISA={isa} python native/bench/bench_lce.py")
    return 1 if args.check and not report.good else 0


if __name__ == "__main__":
    sys.exit(main())
