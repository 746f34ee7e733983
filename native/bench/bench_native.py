"""Rows of the speed table: our ops in LiteRT with the delegate against LiteRT's float formulations.

Ratios of medians in one process, interleaved; one thread, batch 1, unless the row says otherwise.
`--check` exits 1 where a row is below 0.8 of its figure.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import caps_rows as make
import numpy as np
from caps_rows import Call
from rows import Report

FLUSH_BYTES, KB = 64 << 20, 1000
TURN, SKIPPED = 50, 5


@dataclass(frozen=True)
class Row:
    """`ours` against `theirs`: at least `figure` times faster; no figure: for information.

    `cold`: the caches are emptied before each call, for both sides alike. `warm` are then calls of
    tiny models, made after that: they bring back the code of Python, the interpreter and the
    kernels, as the layers in front of a head do, and leave the head's weights and memory cold.
    Without them Python's code is measured too: it costs both sides the same microseconds.
    """

    name: str
    ours: Call
    theirs: Call
    figure: float | None
    runs: int = 1000
    cold: bool = False
    warm: tuple[Call, Call] | None = None


@dataclass(frozen=True)
class Size:
    """Bytes in a file: at most `most`."""

    name: str
    size: int
    most: int


def many_classes() -> Iterator[Row]:
    """XnCapsOdr of 81, 100 and 200 classes; goals are set for 100."""
    for j, capsule, channel in ((81, None, None), (100, 6.0, 5.3), (200, None, None)):
        fc = make.litert(make.float_model(128, j, 16))
        for scale, figure in (("capsule", capsule), ("channel", channel)):
            odr = make.ours("XnCapsOdr", 128, j, 16, scale)
            yield Row(f"XnCapsOdr N128 J{j}, {scale} scales", odr, fc, figure)


def rows() -> Iterator[Row]:
    """The rows of the capsule ops; the float models are converted here."""
    fc128 = make.litert(make.float_model(128, 10, 16))
    odr128 = make.ours("XnCapsOdr", 128, 10, 16)
    yield Row("XnCapsOdr N128 J10", odr128, fc128, 6.0)
    yield Row("the same, LCE's XnODR (grouped, indirect)", odr128, make.lce_odr(128, 10, 16), 18.0)
    fc1152 = make.litert(make.float_model(1152, 10, 16))
    yield Row("XnCapsOdr N1152 J10", make.ours("XnCapsOdr", 1152, 10, 16), fc1152, 7.0)
    yield from many_classes()
    tiny = make.ours("XnCapsOdr", 32, 2, 16), make.litert(make.float_model(32, 2, 16))
    cold = {"runs": 200, "cold": True}
    yield Row("XnCapsOdr N128 J10, cold weights", odr128, fc128, 4.5, warm=tiny, **cold)
    yield Row("the same, Python's code cold too", odr128, fc128, None, **cold)
    yield Row("only that code: tiny models, all cold", *tiny, None, **cold)
    idr128 = make.litert(make.float_model(128, 10, 16, idr=True))
    yield Row("XnCapsIdr N128 J10", make.ours("XnCapsIdr", 128, 10, 16), idr128, 5.0)
    yield Row("XnCapsFc N128 J10", make.ours("XnCapsFc", 128, 10, 16), fc128, 3.2)
    yield Row("MobileNetV2 at 224 + XnODR, as published", *make.mobilenet(), 1.10, runs=200)


def sizes() -> list[Size]:
    """The rows of bytes in a file."""
    channel, capsule = (make.constants(scale) for scale in ("channel", "capsule"))
    return [
        Size("XnODR's constants, channel scales float16", channel, 62 * KB),
        Size("XnODR's constants, capsule scales float16", capsule, 27 * KB),
    ]


def measure(row: Row, junk: np.ndarray) -> tuple[float, float]:
    """Medians in microseconds of ours and theirs, in turns of 50 calls, the first 5 not counted.

    Single calls in turns would measure each with the caches full of the other's weights; where
    caches are cold, calls take turns.
    """
    block, skipped = (1, 0) if row.cold else (min(TURN, row.runs // 10), SKIPPED)
    times: tuple[list[int], list[int]] = ([], [])
    for _ in range(row.runs // block):
        for kind, call in enumerate((row.ours, row.theirs)):
            for run in range(block):
                if row.cold:
                    junk[::64] += 1
                if row.warm is not None:
                    row.warm[kind]()
                start = time.perf_counter_ns()
                call()
                if run >= skipped:
                    times[kind].append(time.perf_counter_ns() - start)
    return float(np.median(times[0])) / 1e3, float(np.median(times[1])) / 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="puts the table there")
    args = parser.parse_args()
    junk = np.ones(FLUSH_BYTES, np.uint8)
    report = Report()
    for row in rows():
        if args.only in row.name:
            report.add(row.name, *measure(row, junk), row.figure)
    good = report.good
    for size in sizes():
        good = good and size.size <= size.most
        large = "" if size.size <= size.most else "  TOO LARGE"
        sys.stdout.write(f"{size.name:44} {size.size:9,} bytes (at most {size.most:,}){large}\n")
    if args.write is not None:
        report.write(args.write, "capsules", "python native/bench/bench_native.py")
    return 1 if args.check and not good else 0


if __name__ == "__main__":
    sys.exit(main())
