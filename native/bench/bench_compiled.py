"""LiteRT 2's CompiledModel against its Interpreter, both with our ops: how much longer a run takes.

Ratios of medians in one process, in turns; one thread, batch 1. `--check` exits 1 where a row is
above 1.25 of its figure.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

from bench_lce import Call, litert, median
from caps_rows import op_model

from xncaps_runtime import CompiledInterpreter, Interpreter, info

CEILING, TURNS = 1.25, 15


@dataclass(frozen=True)
class Row:
    """`compiled` takes at most `figure` times as long as `interpreter`."""

    name: str
    compiled: Call
    interpreter: Call
    figure: float


def quicknet(shape: tuple[int, int, int]) -> bytes:
    """LCE's ops and XnCapsOdr in one file."""
    from xncaps_converters import convert_fused
    from xncaps_tf import models

    return convert_fused(models.build("quicknet", "xnodr", shape, 10, seed=1))


def rows() -> list[Row]:
    """What is measured; networks are converted here."""
    files = [
        ("one XnCapsOdr, N128 J10 E16", op_model("XnCapsOdr", 128, 10, 16), 1.6),
        ("quicknet-xnodr at 8x8x1", quicknet((8, 8, 1)), 1.2),
        ("quicknet-xnodr at 32x32x3", quicknet((32, 32, 3)), 1.2),
    ]
    return [
        Row(name, litert(CompiledInterpreter(file)), litert(Interpreter(file)), most)
        for name, file, most in files
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    sys.stdout.write(f"kernels: {info()['isa']}\n")
    failed = 0
    for row in rows():
        compiled, interpreter = median([row.compiled, row.interpreter], TURNS)
        ratio = compiled / interpreter
        slow = ratio > CEILING * row.figure
        failed += slow
        sys.stdout.write(
            f"{row.name:32} CompiledModel {compiled:8.2f} us, Interpreter {interpreter:8.2f} us, "
            f"{ratio:5.2f} times as long (at most {row.figure}){'  TOO SLOW' if slow else ''}\n"
        )
    return 1 if args.check and failed else 0


if __name__ == "__main__":
    sys.exit(main())
