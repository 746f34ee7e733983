"""Rows of two threads against one where the second core is idle, shared or slow.

One thread keeps to a core of its own, the second thread to another one, which a process beside it
leaves alone, uses all the time at the same priority (the scheduler gives each a half, in slices of
milliseconds) or uses half of each half millisecond (a core at half speed). Ratios of medians, and
of means, in one process, in turns. Means have in them the calls in which the scheduler takes the
second core from a strip that had begun, and those in which anything else took a core: what part of
the calls took three times the median and longer, of how much of the time, is printed behind them,
for one thread too. `--check` exits 1 where a row is below 0.8 of its figure.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from bench_lce import conv_model
from caps_rows import op_model
from rows import Report

from xncaps_runtime import Interpreter

TURNS, TURN_SECONDS = 12, 0.08
HELD = 3  # medians: a call that takes longer has waited for a slice of the scheduler
Call = Callable[[], object]

# What uses the second core: all of it, or so many seconds in turns.
_BUSY = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
print("begun", flush=True)
slice = float(sys.argv[2])
while True:
    end = time.perf_counter() + (slice or 1)
    while time.perf_counter() < end:
        pass
    if slice:
        time.sleep(slice)
"""
STATES = {"idle": None, "busy": 0.0, "at half speed": 0.00025}
GOALS = {"idle": None, "busy": 1.0, "at half speed": 1.3}


@dataclass(frozen=True)
class Work:
    """A file on one thread and on two.

    `idle`: what two idle cores have to reach. `divides`: in more strips than threads; a single
    capsule item does not, and has no goals.
    """

    name: str
    one: Call
    two: Call
    idle: float | None = None
    divides: bool = True


def _call(model: bytes, threads: int, cores: tuple[int, int], seed: int) -> Call:
    """invoke() of the file; threads of the pool stay on the core that they are made on."""
    os.sched_setaffinity(0, {cores[1]} if threads > 1 else {cores[0]})
    interpreter = Interpreter(model, threads)
    interpreter.allocate_tensors()
    [detail] = interpreter.get_input_details()
    rng = np.random.default_rng(seed)
    values = np.maximum(rng.normal(size=detail["shape"]), 0).astype(np.float32)
    if detail["dtype"] == np.int32:
        values = rng.integers(-(2**31), 2**31, detail["shape"]).astype(np.int32)
    interpreter.set_tensor(detail["index"], values)
    os.sched_setaffinity(0, {cores[0]})
    return interpreter.invoke


def works(cores: tuple[int, int]) -> Iterator[Work]:
    """The files that are measured."""
    files = {
        "XnCapsOdr N128 J10, batch 32": (op_model("XnCapsOdr", 128, 10, 16, batch=32), 1.85),
        "XnCapsOdr N1152 J32, one item": (op_model("XnCapsOdr", 1152, 32, 16), None),
        "LceBconv2d 28x28x128": (conv_model(28, 128, "int32"), None),
        "LceBconv2d 14x14x256": (conv_model(14, 256, "int32"), None),
    }
    for name, (model, idle) in files.items():
        yield Work(
            name, _call(model, 1, cores, 1), _call(model, 2, cores, 1), idle, "one item" not in name
        )


@contextmanager
def second_core(core: int, seconds: float | None) -> Iterator[None]:
    """The second core in one of its states."""
    if seconds is None:
        yield
        return
    process = subprocess.Popen(
        [sys.executable, "-c", _BUSY, str(core), str(seconds)], stdout=subprocess.PIPE
    )
    try:
        if process.stdout is not None:
            process.stdout.readline()
        yield
    finally:
        process.kill()
        process.wait()


def measure(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of single calls on one thread and on two, in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(TURNS):
        for kind, call in enumerate((work.one, work.two)):
            call()
            end = time.perf_counter() + TURN_SECONDS
            while (start := time.perf_counter()) < end:
                call()
                times[kind].append(time.perf_counter() - start)
    return np.array(times[0]), np.array(times[1])


def row(report: Report, work: Work, state: str) -> None:
    """Measures and prints a row."""
    one, two = measure(work)
    figure = work.idle if state == "idle" else GOALS[state] if work.divides else None
    held, alone = two > HELD * np.median(two), one > HELD * np.median(one)
    means = f"; means {one.mean() / two.mean():.2f} x; held up {held.mean():.1%} of calls, "
    means += f"{two[held].sum() / two.sum():.0%} of the time (one thread: "
    means += f"{one[alone].sum() / one.sum():.0%}), "
    means += f"means without them {one[~alone].mean() / two[~held].mean():.2f} x"
    report.add(
        f"{work.name}, second core {state}",
        float(np.median(two)) * 1e6,
        float(np.median(one)) * 1e6,
        figure,
        means,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", default="", help="rows whose file's name has this in it")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="puts the table there")
    args = parser.parse_args()
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        sys.stderr.write("bench_threads: expected two cores. Received: one.\n")
        return 1
    cores = (available[0], available[1])
    report = Report()
    for work in works(cores):
        if args.only not in work.name:
            continue
        for state, seconds in STATES.items():
            with second_core(cores[1], seconds):
                row(report, work, state)
    if args.write is not None:
        report.write(args.write, "threads", "python native/bench/bench_threads.py")
    return 1 if args.check and not report.good else 0


if __name__ == "__main__":
    sys.exit(main())
