"""Where a conversion's time goes, and what the light export saves against Keras's own.

    python bench/convert.py --network mobilenet_v2-xnodr --to fused

A whole conversion, from a saved model to a checked file, runs in one process in turns with two
exports: ours, of the inference function alone, and Keras's own, which each converter makes of a
model by itself. The median of the ratios counts. Exits with 1 where ours takes more
than half of the whole, or where the two files have different ops or constants.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import xncaps_tf  # noqa: E402
from xncaps_converters import conversion, engines, export  # noqa: E402
from xncaps_files import tflite
from xncaps_tf import models  # noqa: E402
from xncaps_tf._keras import tf  # noqa: E402

GOAL = 0.5  # of the time with Keras's export
SHAPES = {"small_cnn": (28, 28, 1), "quicknet": (28, 28, 1)}
SAMPLES = 16
Engine = Callable[..., bytes]


def keras_tensorflow(model: Any, *, custom_ops: bool = False, **options: Any) -> bytes:
    """TensorFlow's converter as it is called on a Keras model."""
    if any(options.values()):
        raise SystemExit("this bench makes float files only")
    with export.quiet():
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.allow_custom_ops = custom_ops
        return converter.convert()


def keras_lce(model: Any) -> bytes:
    """LCE's converter as it is called on a Keras model."""
    with export.quiet():
        return engines.require_lce().convert_keras_model(model)


THEIRS = {"run_tensorflow": keras_tensorflow, "run_lce": keras_lce}
OURS = {name: getattr(engines, name) for name in THEIRS}


def convert(model: pathlib.Path, to: str, chosen: dict[str, Engine]) -> tuple[float, float, bytes]:
    """(seconds in all, seconds of the converter with its export, the file) of one conversion."""
    spent = []

    def timed(engine: Engine) -> Engine:
        def run(*args: Any, **options: Any) -> bytes:
            start = time.perf_counter()
            data = engine(*args, **options)
            spent.append(time.perf_counter() - start)
            return data

        return run

    for name, engine in chosen.items():
        setattr(engines, name, timed(engine))
    out = model.with_suffix(".tflite")
    start = time.perf_counter()
    conversion.convert_file(model, out, to, check=conversion.Check(samples=SAMPLES))
    return time.perf_counter() - start, sum(spent), out.read_bytes()


def content(data: bytes) -> list[Any]:
    """The ops of a file with the bytes of their constants."""
    graph = tflite.parse(data).main
    found = []
    for op in graph.ops:
        constants = [graph.tensors[number].data for number in op.inputs if number >= 0]
        found.append((op.name, [None if each is None else each.tobytes() for each in constants]))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Where a conversion's time goes")
    parser.add_argument("--network", default="small_cnn-xnodr", help="BACKBONE-HEAD")
    parser.add_argument("--to", default="fused")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    backbone, head = given.network.rsplit("-", 1)
    built = models.build(backbone, head, SHAPES.get(backbone, (32, 32, 3)), 10, seed=1)
    print(f"{given.network} to {given.to}, {SAMPLES} samples; seconds (of which converters)")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.keras"
        built.save(path)
        xncaps_tf.load_model(path, compile=False)  # what is loaded once a process
        for run in range(given.runs):
            before, of_before, theirs = convert(path, given.to, THEIRS)
            after, of_after, ours = convert(path, given.to, OURS)
            ratios.append(after / before)
            print(
                f"{run + 1}: Keras's export {before:6.2f} ({of_before:.2f})   "
                f"ours {after:6.2f} ({of_after:.2f})   ratio {after / before:.2f}",
                flush=True,
            )
            if content(theirs) != content(ours):
                print("the two files differ", file=sys.stderr)
                return 1
    ratio = statistics.median(ratios)
    print(f"median ratio {ratio:.2f} (goal: at most {GOAL})")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
