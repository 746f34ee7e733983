"""Two builds of the delegate against one another: the wheel's (clang) and the one installed here.

`make wheels`, then `python native/bench/bench_builds.py dist/xncaps_runtime-*_x86_64.whl`. Ratios
of medians in one process, in turns, one thread, batch 1; results have to be equal to the bit.
`--check` exits 1 where the wheel takes more than 1.15 times as long.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from ai_edge_litert.interpreter import Interpreter, load_delegate
from bench_lce import SIZES, conv_model, litert, median
from caps_rows import op_model

from xncaps_runtime import delegate_path

LIBRARY, CEILING, TURNS, SECONDS = "xncaps_runtime/libxncaps_delegate.so", 1.15, 7, 0.05


def files() -> Iterator[tuple[str, bytes]]:
    """The files that are measured."""
    for size, channels in SIZES:
        for output, words in (("int32", "bits"), ("float32", "floats")):
            name = f"LceBconv2d 3x3, {size}x{size}x{channels}, {words}"
            yield name, conv_model(size, channels, output)
    for op in ("XnCapsOdr", "XnCapsIdr", "XnCapsFc"):
        yield f"{op} N128 J10", op_model(op, 128, 10, 16)
    yield "XnCapsOdr N1152 J10", op_model("XnCapsOdr", 1152, 10, 16)


def interpreter(library: str, isa: str, model: bytes) -> Interpreter:
    """On one thread."""
    delegate = load_delegate(library, {"num_threads": "1", "isa": isa})
    return Interpreter(model_content=model, num_threads=1, experimental_delegates=[delegate])


def result(made: Interpreter) -> np.ndarray:
    made.invoke()
    return made.get_tensor(made.get_output_details()[0]["index"])


def row(name: str, model: bytes, isa: str, libraries: list[str]) -> float:
    """Prints microseconds of both builds; returns how many times as long the wheel's takes."""
    both = [interpreter(library, isa, model) for library in libraries]
    calls = [litert(made) for made in both]
    same = np.array_equal(result(both[0]), result(both[1]))
    wheel, here = median(calls, TURNS, SECONDS)
    sys.stdout.write(
        f"{name:40} {isa:8} wheel {wheel:8.2f} us, here {here:8.2f} us, {wheel / here:5.2f} times "
        f"as long{'' if same else '  DIFFERENT RESULTS'}\n"
    )
    sys.stdout.flush()
    return wheel / here if same else float("inf")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--isa", nargs="+", default=["avx512", "avx2"])
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(args.wheel) as archive:
        libraries = [archive.extract(LIBRARY, folder), delegate_path()]
        ratios = [row(name, model, isa, libraries) for isa in args.isa for name, model in files()]
    worst, middle = max(ratios), float(np.median(ratios))
    sys.stdout.write(f"median of the rows {middle:.2f}, longest {worst:.2f} times\n")
    return 1 if args.check and worst > CEILING else 0


if __name__ == "__main__":
    sys.exit(main())
