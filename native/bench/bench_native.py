"""Rows of the speed table: our ops in LiteRT with the delegate against LiteRT's float formulations.

Ratios of medians in one process, interleaved; one thread, batch 1, unless the row says otherwise.
`--check` exits 1 where a row is below 0.8 of its figure.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np

from xncaps_runtime import Interpreter, info
from xncaps_runtime import testing as make

TURNS, FLOOR, FLUSH_BYTES = 3, 0.8, 64 << 20


@dataclass(frozen=True)
class Row:
    """`ours` against `theirs`: at least `figure` times faster."""

    name: str
    ours: Callable[[], object]
    theirs: Callable[[], object]
    figure: float
    cold: bool = False


def float_model(n: int, j: int, e: int, d: int = 8, *, idr: bool = False) -> bytes:
    """CapsFC (or a float simulation of XnIDR) by one BatchMatMul with a constant right side."""
    import tensorflow as tf

    kernel = np.random.default_rng(1).normal(0, 0.1, (n, j, d, e)).astype(np.float32)
    right = kernel.transpose(0, 2, 1, 3).reshape(n, d, j * e)

    def sign(x: tf.Tensor) -> tf.Tensor:
        return tf.where(x > 0, 1.0, -1.0)

    @tf.function(input_signature=[tf.TensorSpec([1, n, d], tf.float32)])
    def head(u: tf.Tensor) -> tf.Tensor:
        u_hat = tf.reshape(tf.matmul(u[:, :, None, :], right), [-1, n, j, e])
        logits = v = None
        for turn in range(TURNS):
            if logits is None:
                s = tf.reduce_sum(u_hat, 1) * (1.0 / j)
            else:
                s = tf.reduce_sum(u_hat * tf.nn.softmax(logits, axis=2)[..., None], 1)
            n2 = tf.reduce_sum(s * s, -1, keepdims=True)
            v = s * (n2 / (1.0 + n2) * tf.math.rsqrt(n2 + 1e-9))
            if turn == TURNS - 1:
                break
            if idr:
                a = tf.reduce_sum(sign(u_hat) * sign(v)[:, None], -1)
                a *= tf.reduce_mean(tf.abs(u_hat), -1) * tf.reduce_mean(tf.abs(v), -1)[:, None]
            else:
                a = tf.reduce_sum(u_hat * v[:, None], -1)
            logits = a if logits is None else logits + a
        return v

    module = tf.Module()
    module.head = head
    concrete = head.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], module).convert()


def litert(model: bytes, u: np.ndarray) -> Callable[[], object]:
    """invoke() of LiteRT with XNNPACK, one thread."""
    from ai_edge_litert.interpreter import Interpreter as Stock

    interpreter = Stock(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], u)
    return interpreter.invoke


def ours(
    op: str, n: int, j: int, e: int, scale: str = "channel", batch: int = 1, threads: int = 1
) -> Callable[[], object]:
    """invoke() of one op in LiteRT with the delegate."""
    rng = np.random.default_rng(1)
    kernel = rng.normal(0, 0.1, (n, j, 8, e)).astype(np.float32)
    constants = [kernel]
    if op == "XnCapsOdr":
        channel = make.channel_scale(kernel)
        constants = [make.pack_bits(kernel), channel if scale == "channel" else channel.mean(-1)]
    model = make.caps_model(op, constants, (batch, n, 8), (batch, j, e))
    interpreter = Interpreter(model, threads)
    interpreter.allocate_tensors()
    u = np.maximum(rng.normal(size=(batch, n, 8)), 0).astype(np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], u)
    return interpreter.invoke


def rows() -> list[Row]:
    """All rows; the float models are converted here."""
    rng = np.random.default_rng(2)
    u = {n: np.maximum(rng.normal(size=(1, n, 8)), 0).astype(np.float32) for n in (128, 1152)}
    fc128 = litert(float_model(128, 10, 16), u[128])
    fc1152 = litert(float_model(1152, 10, 16), u[1152])
    fc_j100 = litert(float_model(128, 100, 16), u[128])
    idr128 = litert(float_model(128, 10, 16, idr=True), u[128])
    odr128 = ours("XnCapsOdr", 128, 10, 16)
    capsule = ours("XnCapsOdr", 128, 100, 16, "capsule")
    one, two = (ours("XnCapsOdr", 128, 10, 16, batch=32, threads=t) for t in (1, 2))
    return [
        Row("XnCapsOdr N128 J10", odr128, fc128, 6.0),
        Row("XnCapsOdr N1152 J10", ours("XnCapsOdr", 1152, 10, 16), fc1152, 7.0),
        Row(
            "XnCapsOdr N128 J100, capsule scales",
            capsule,
            fc_j100,
            6.0,
        ),
        Row("XnCapsOdr N128 J100, channel scales", ours("XnCapsOdr", 128, 100, 16), fc_j100, 5.3),
        Row("XnCapsOdr N128 J10, cold caches", odr128, fc128, 4.5, cold=True),
        Row("XnCapsIdr N128 J10", ours("XnCapsIdr", 128, 10, 16), idr128, 5.0),
        Row("XnCapsFc N128 J10", ours("XnCapsFc", 128, 10, 16), fc128, 3.2),
        Row("XnCapsOdr batch 32, two threads against one", two, one, 1.8),
    ]


def measure(row: Row, runs: int, junk: np.ndarray) -> tuple[float, float]:
    """Medians in microseconds of ours and theirs, in turns of 50 calls, the first 5 not counted.

    Single calls in turns would measure each with the caches full of the other's weights.
    """
    block, skipped = (1, 0) if row.cold else (50, 5)
    times: tuple[list[int], list[int]] = ([], [])
    for _ in range(max(2, runs // block)):
        for kind, call in enumerate((row.ours, row.theirs)):
            for run in range(block):
                if row.cold:
                    junk[::64] += 1
                start = time.perf_counter_ns()
                call()
                if run >= skipped:
                    times[kind].append(time.perf_counter_ns() - start)
    return float(np.median(times[0])) / 1e3, float(np.median(times[1])) / 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--runs", type=int, default=1000)
    args = parser.parse_args()
    junk = np.ones(FLUSH_BYTES, np.uint8)
    lines, failed = [f"kernels: {info()['isa']}"], 0
    for row in rows():
        mine, theirs = measure(row, 100 if row.cold else args.runs, junk)
        good = theirs / mine >= FLOOR * row.figure
        failed += not good
        lines.append(
            f"{row.name:44} {mine:8.2f} us {theirs:9.2f} us {theirs / mine:6.2f} x"
            f" (at least {row.figure}){'' if good else '  TOO SLOW'}"
        )
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if args.check and failed else 0


if __name__ == "__main__":
    sys.exit(main())
