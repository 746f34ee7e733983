"""Throws made-up files at the delegate in the stock interpreter. A crash is a finding.

Files are made and run in processes that do many of them; the one that dies says which number it
was at. With a library built for AddressSanitizer (--library, and libasan in LD_PRELOAD) each byte
behind a constant or the interpreter's arena is seen too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import interpreter as litert
from made_files import FileMaker

from xncaps_runtime import delegate_path

MOST_VALUES = 1 << 16  # in a tensor that is fed: more takes longer and shows nothing else
PER_PROCESS, TIMEOUT = 2000, 900


def _values(rng: np.random.Generator, shape: Any, dtype: Any, source: Any) -> np.ndarray:
    """What is fed: also not a number; for a shape, dims of the right or of any product."""
    if dtype == np.float32:
        values = rng.normal(size=shape).astype(np.float32)
        odd = np.array([np.nan, np.inf, -np.inf, 3e38, 1e-42, -0.0], np.float32)
        return np.where(rng.random(shape) < 0.02, rng.choice(odd, shape), values)
    if dtype == np.int32 and len(shape) == 1 and source is not None:
        dims = list(rng.permutation(source))
        return np.array(dims if rng.random() < 0.8 else rng.integers(0, 9, len(dims)), np.int32)
    if dtype == np.bool_:
        return rng.random(shape) < 0.5
    return rng.integers(-128, 128, shape).astype(dtype)


def _feed(interpreter: Any, rng: np.random.Generator) -> bool:
    """False: too large to be run."""
    details = interpreter.get_input_details()
    shapes = [tuple(int(d) for d in detail["shape"]) for detail in details]
    largest = [d["shape"] for d in interpreter.get_tensor_details()]
    if any(np.prod(shape, dtype=float) > MOST_VALUES for shape in [*shapes, *largest]):
        return False
    for at, (detail, shape) in enumerate(zip(details, shapes, strict=True)):
        values = _values(rng, shape, detail["dtype"], shapes[at - 1] if at else None)
        interpreter.set_tensor(detail["index"], values)
    return True


def run(number: int, library: str) -> bool:
    """Whether the file was taken and ran at least once."""
    model = FileMaker(number).make()
    rng = np.random.default_rng([1, number])
    ran = False
    try:
        options = {"num_threads": str(1 + number % 2)} if number % 20 < 2 else {"num_threads": "1"}
        delegate = litert.load_delegate(library, options)
        interpreter = litert.Interpreter(model_content=model, experimental_delegates=[delegate])
        interpreter.allocate_tensors()
        for _ in range(3):
            if not _feed(interpreter, rng):
                break
            interpreter.invoke()
            ran = True
        for detail in interpreter.get_input_details():
            shape = [int(d) for d in detail["shape"]]
            if shape and rng.random() < 0.5:
                shape[int(rng.integers(len(shape)))] = int(rng.integers(0, 9))
                interpreter.resize_tensor_input(detail["index"], shape)
        interpreter.allocate_tensors()
        if _feed(interpreter, rng):
            interpreter.invoke()
    except (ValueError, RuntimeError):
        pass  # refused: which it was, and with what words, other tests look at
    return ran


def work(first: int, count: int, library: str, note: Path) -> None:
    """One process's share; `note` says what it is at."""
    ran = 0
    with note.open("w") as place:
        for number in range(first, first + count):
            place.seek(0)
            place.write(f"{number:12d}")
            place.flush()
            ran += run(number, library)
    note.write_text(json.dumps({"ran": ran}))


def _shares(count: int, seconds: float, first: int) -> Iterator[tuple[int, int]]:
    end = time.monotonic() + seconds if seconds else None
    done = 0
    while (end is None and done < count) or (end is not None and time.monotonic() < end):
        share = PER_PROCESS if end is None else 200
        share = share if end is not None else min(share, count - done)
        yield first + done, share
        done += share


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=20000)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--seconds", type=float, default=0, help="so long, instead of a count")
    parser.add_argument("--library", default=None, help="of the delegate")
    parser.add_argument("--note", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    library = args.library or delegate_path()
    if args.note is not None:
        work(args.first, args.count, library, args.note)
        return 0
    total = ran = 0
    with tempfile.TemporaryDirectory() as folder:
        note, log = Path(folder) / "note", Path(folder) / "log"
        for first, share in _shares(args.count, args.seconds, args.first):
            command = [sys.executable, __file__, str(share), "--first", str(first)]
            command += ["--library", library, "--note", str(note)]
            with log.open("w") as output:
                done = subprocess.run(  # noqa: S603
                    command, stdout=output, stderr=output, timeout=TIMEOUT, check=False,
                    env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
                )  # fmt: skip
            if done.returncode != 0:
                sys.stderr.write(log.read_text(errors="replace")[-4000:])
                at = note.read_text().strip()
                sys.stderr.write(f"fuzz: a finding (exit {done.returncode}) at file {at}\n")
                return 1
            total, ran = total + share, ran + json.loads(note.read_text())["ran"]
    sys.stdout.write(f"{total} files in the interpreter, {ran} accepted and run\n")
    if ran * 10 < total:
        sys.stderr.write("fewer than a tenth were accepted: this tests too little\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
