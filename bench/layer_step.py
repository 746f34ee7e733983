"""Speed and memory of a training step of the capsule layers, against the published formulation.

    python bench/layer_step.py        # what `make bench` runs

Forward and backward of sum(v * g) by u and by the weight; B 100, N 128, D 8, J 10, E 16, R 3,
float32. All formulations run in one process, in turns; the minimum and the median count. Memory is
taken in a process for each formulation: what a step adds to the resident memory at its peak. Exits
with 1 where gradients differ by more than 1e-5, the layer takes more memory than the baseline, or
its speed is below 0.8 of what is promised (5 times the baseline's).

Then XnODR of many classes: at B 50 and 100 the time of J 81 and 200 against that of J 10, in turns,
by minima and by medians, and at B 100 what a step adds to memory, also without XLA and blocks
('plain'). Exits with 1 where that is not as `goals.py` has it.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, TypedDict

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The package turns oneDNN on, with which the baseline's many small matmuls take twice as long.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import goals  # noqa: E402
import numpy as np  # noqa: E402
from published import published_capsules  # noqa: E402

from xncaps_tf import layers  # noqa: E402
from xncaps_tf._keras import tf  # noqa: E402

B, N, D, J, E = 100, 128, 8, goals.FEW, 16
LAST_BATCH = 60
PROMISED = 5.0
LAYERS = ("XnODR", "XnIDR", "CapsFC")
FORMULATIONS = ("published", "plain", "layer")
Step = Callable[[Any, Any], tuple[Any, Any, Any]]


def make_step(layer_name: str, formulation: str, classes: int = J) -> Step:
    """(u, g) -> v, gradients of u and the weight. `layer` is what `fit` gets."""
    layer = getattr(layers, layer_name)(classes, E)
    layer.build((None, N, D))
    rng = np.random.default_rng(0)
    limit = (6 / ((D + E) * N * classes)) ** 0.5
    layer.set_weights([rng.uniform(-limit, limit, (N, classes, D, E)).astype(np.float32)])

    def call(u: Any) -> Any:
        if formulation == "published":
            return published_capsules(u, layer.kernel, layer_name)
        return layer(u, training=formulation == "layer")  # "plain": the same without XLA

    @tf.function(reduce_retracing=True)
    def step(u: Any, g: Any) -> tuple[Any, Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(u)
            v = call(u)
            loss = tf.reduce_sum(v * g)
        return v, *tape.gradient(loss, [u, layer.kernel])

    return step


def make_inputs(batch: int = B, classes: int = J) -> tuple[Any, Any]:
    """u, a ReLU's output, and g."""
    rng = np.random.default_rng(1)
    u = np.maximum(rng.normal(size=(batch, N, D)), 0)
    return tf.constant(u, tf.float32), tf.constant(rng.normal(size=(batch, classes, E)), tf.float32)


def timed(step: Step, inputs: tuple[Any, Any]) -> float:
    """Milliseconds of one step, its results read."""
    start = time.perf_counter()
    for result in step(*inputs):
        result.numpy()
    return 1e3 * (time.perf_counter() - start)


class Times(TypedDict):
    """Milliseconds of each formulation, and the largest difference of a gradient."""

    first: dict[str, float]
    min: dict[str, float]
    median: dict[str, float]
    difference: float


def measure(layer_name: str, runs: int) -> Times:
    """Times of each formulation of a layer, in turns, and how far the gradients differ."""
    inputs = make_inputs()
    steps = {name: make_step(layer_name, name) for name in FORMULATIONS}
    first = {name: timed(step, inputs) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in FORMULATIONS}
    for _ in range(runs):
        for name, step in steps.items():
            times[name].append(timed(step, inputs))
    results = {name: [np.asarray(x) for x in step(*inputs)] for name, step in steps.items()}
    pairs = list(zip(results["layer"], results["published"], strict=True))
    return {
        "first": first,
        "min": {name: min(values) for name, values in times.items()},
        "median": {name: statistics.median(values) for name, values in times.items()},
        "difference": max(float(np.abs(a - b).max()) for a, b in pairs),
    }


def measure_last_batch(layer_name: str, runs: int) -> dict[str, float]:
    """What a smaller last batch costs: compiled for its size, or padded to the full one."""
    step = make_step(layer_name, "layer")
    timed(step, make_inputs())
    timed(make_step(layer_name, "layer"), make_inputs(B - 1))  # a first compilation of all
    small = make_inputs(LAST_BATCH)
    filled = [tf.pad(x, [[0, B - LAST_BATCH], [0, 0], [0, 0]]) for x in small]
    compiled = timed(step, small)
    return {
        "second compilation": compiled,
        "then": min(timed(step, small) for _ in range(runs)),
        "padded": min(timed(step, (filled[0], filled[1])) for _ in range(runs)),
        "full": min(timed(step, make_inputs()) for _ in range(runs)),
    }


def _status(key: str) -> float:
    """A line of /proc/self/status, in MB."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status: expected a line {key}")


def measure_memory(layer_name: str, formulation: str, classes: int) -> dict[str, float]:
    """MB that a step adds at its peak, and that the process took with compilation and all."""
    inputs = make_inputs(classes=classes)
    timed(make_step("CapsFC", "plain"), make_inputs(1))  # TensorFlow's own start
    at_start = _status("VmRSS")
    step = make_step(layer_name, formulation, classes)
    for _ in range(3):
        timed(step, inputs)
    whole = _status("VmHWM") - at_start
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    before = _status("VmRSS")
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    for _ in range(5):
        timed(step, inputs)
    return {"step": _status("VmHWM") - before, "process": whole}


def memory_in_child(layer_name: str, formulation: str, classes: int = J) -> dict[str, float]:
    """`measure_memory` in a process of its own."""
    command = [sys.executable, __file__, "--memory", layer_name, formulation, str(classes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def report(layer_name: str, runs: int) -> list[str]:
    """Prints a layer's table; returns what is not as promised."""
    result = measure(layer_name, runs)
    memory = {name: memory_in_child(layer_name, name) for name in FORMULATIONS}
    print(f"{layer_name:10} {'min ms':>8} {'median':>8} {'times':>6} {'first':>8} "
          f"{'MB a step':>10} {'MB with compiling':>18}")  # fmt: skip
    for name in FORMULATIONS:
        times = result["min"]["published"] / result["min"][name]
        print(f"  {name:8} {result['min'][name]:8.1f} {result['median'][name]:8.1f} {times:6.2f} "
              f"{result['first'][name]:8.0f} {memory[name]['step']:10.1f} "
              f"{memory[name]['process']:18.1f}")  # fmt: skip
    speed = result["min"]["published"] / result["min"]["layer"]
    by_median = result["median"]["published"] / result["median"]["layer"]
    print(f"  {speed:.1f} times by minima, {by_median:.1f} by medians (promised {PROMISED:g}); "
          f"outputs and gradients differ by {result['difference']:.1e}")  # fmt: skip
    failures = []
    if max(speed, by_median) < 0.8 * PROMISED:
        failures.append(f"{layer_name}: {speed:.1f} times the baseline, below 0.8 * {PROMISED:g}")
    if result["difference"] > 1e-5:
        failures.append(f"{layer_name}: gradients differ by {result['difference']:.1e}")
    if memory["layer"]["step"] > memory["published"]["step"]:
        failures.append(f"{layer_name}: more memory a step than the baseline")
    return failures


def measure_many(batch: int, runs: int) -> dict[int, list[float]]:
    """Milliseconds of XnODR's steps by the number of classes, in turns."""
    inputs = {classes: make_inputs(batch, classes) for classes in (J, *goals.MANY)}
    steps = {classes: make_step("XnODR", "layer", classes) for classes in inputs}
    times: dict[int, list[float]] = {classes: [] for classes in inputs}
    for turn in range(runs + 1):
        for classes, step in steps.items():
            taken = timed(step, inputs[classes])
            if turn:  # the first call compiles
                times[classes].append(taken)
    return times


def difference_of_many(classes: int) -> float:
    """How far results and gradients are from those of the same without XLA and blocks."""
    inputs = make_inputs(40, classes)
    results = [make_step("XnODR", name, classes)(*inputs) for name in ("layer", "plain")]
    return max(float(np.abs(a.numpy() - b.numpy()).max()) for a, b in zip(*results, strict=True))


def report_many(runs: int) -> list[str]:
    """Prints the table of many classes; returns what is not as promised."""
    memory = {name: {classes: memory_in_child("XnODR", name, classes)["step"]
                     for classes in (J, *goals.MANY)} for name in ("layer", "plain")}  # fmt: skip
    print(f"XnODR      {'J':>4} {'B':>4} {'min ms':>8} {'median':>8} {'by minima':>10} "
          f"{'by medians':>10} {'promised':>9} {'MB a step':>10} {'plain':>8}")  # fmt: skip
    failures = []
    for batch in (50, 100):
        times = measure_many(batch, runs)
        for classes, values in times.items():
            sizes = [memory[name][classes] for name in ("layer", "plain")]
            shown = [f"{size:.1f}" if batch == B else "" for size in sizes]
            by_minima, by_medians = goals.ratios(times, classes)
            print(f"           {classes:4} {batch:4} {min(values):8.1f} "
                  f"{statistics.median(values):8.1f} {by_minima:10.2f} {by_medians:10.2f} "
                  f"{goals.MANY.get(classes, 1):9.1f} {shown[0]:>10} {shown[1]:>8}",
                  flush=True)  # fmt: skip
        failures += goals.missed_times(batch, times)
    failures += goals.missed_memory(memory["layer"], memory["plain"])
    for classes in goals.MANY:
        if (difference := difference_of_many(classes)) > 1e-5:
            failures.append(f"XnODR, J {classes}: gradients differ by {difference:.1e}")
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=LAYERS)
    parser.add_argument("--many", action="store_true", help="many classes alone")
    parser.add_argument("--memory", nargs=3, metavar=("LAYER", "FORMULATION", "CLASSES"))
    options = parser.parse_args()
    if options.memory:
        layer_name, formulation, classes = options.memory
        print(json.dumps(measure_memory(layer_name, formulation, int(classes))))
        return 0
    if options.many:
        return _ended(report_many(options.runs))
    failures = []
    for layer_name in options.layers:
        failures += report(layer_name, options.runs)
    last = measure_last_batch(options.layers[0], options.runs)
    print(f"{options.layers[0]}, last batch of {LAST_BATCH} instead of {B}: compiled for it "
          f"{last['second compilation']:.0f} ms once, then {last['then']:.1f} ms; padded to {B} "
          f"{last['padded']:.1f} ms; full {last['full']:.1f} ms")  # fmt: skip
    return _ended(failures + report_many(options.runs))


def _ended(failures: list[str]) -> int:
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
