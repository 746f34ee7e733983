"""Uses one of our distributions where nothing is installed but what it declares.

usage: alone.py DISTRIBUTION GOLDEN (tests/golden of the checkout)
"""

from __future__ import annotations

import importlib.util
import pathlib
import subprocess
import sys
import tempfile


def files(golden: pathlib.Path) -> None:
    """xncaps-files: numpy alone."""
    _lacks("PIL", "flatbuffers", "ai_edge_litert")
    from xncaps_files import expected, metadata, op_codes, scores, tflite

    old = golden / "formats" / "v1"
    data = tflite.load(old / "metadata.tflite")
    about = metadata.read(data)
    stored = expected.read(old / "expected.npz")
    _check(about is not None and len(about.class_names) == 10, "class names")
    _check(op_codes.read_ops(data).count == 2 and len(stored.inputs) > 0, "ops and stored rows")
    _check(expected.compare(stored.outputs, stored.outputs, 0.0).over == 0, "compare")
    shares = scores.ScoreScale().shares(stored.outputs)
    _check(bool((abs(shares.sum(-1) - 1) < 1e-9).all()), "shares")


def zoo(golden: pathlib.Path) -> None:
    """xncaps-zoo: nothing."""
    _lacks("numpy", "xncaps_files")
    import xncaps_zoo

    for name in xncaps_zoo.names():
        _check(xncaps_zoo.path(name).is_file() and bool(xncaps_zoo.card(name)), name)


def benchmark(golden: pathlib.Path) -> None:
    """xncaps-benchmark: no TensorFlow, no Pillow, no runtime of ours."""
    _lacks("tensorflow", "PIL", "xncaps_runtime", "xncaps_tf")
    with tempfile.TemporaryDirectory() as folder:
        model = str(golden / "android" / "tiny_float.tflite")
        out = pathlib.Path(folder, "result.json")
        _run("-m", "xncaps_benchmark", model, "--runs", "32", "--seconds", "3", "-o", str(out))
        _check(out.is_file(), "a result")


def runtime(golden: pathlib.Path) -> None:
    """xncaps-runtime: no TensorFlow, no toolkit."""
    _lacks("tensorflow", "xncaps_tf", "xncaps_zoo")
    android = golden / "android"
    model, picture = str(android / "tiny_fused.tflite"), str(android / "flower.png")
    said = _run("-m", "xncaps_runtime", "predict", model, picture, "--top", "2")
    _check(said.startswith(f"{picture}: ") and said.count(",") == 1, said)
    _run("-m", "xncaps_runtime", "info", model)


def tf(golden: pathlib.Path) -> None:
    """xncaps-tf: trains, converts and verifies without the native runtime."""
    _lacks("xncaps_runtime", "pytest")
    with tempfile.TemporaryDirectory() as folder:
        run, out = f"{folder}/run", f"{folder}/m.tflite"
        _run("-m", "xncaps", "train", "--epochs", "1", "--limit", "100", "--out", run)
        _run("-m", "xncaps", "convert", run, "--to", "float", "-o", out, "--samples", "20")
        _run("-m", "xncaps", "inspect", out)


def _lacks(*names: str) -> None:
    there = [name for name in names if importlib.util.find_spec(name) is not None]
    _check(not there, f"an environment without {', '.join(there)}")


def _run(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    _check(done.returncode == 0, f"{' '.join(arguments)}: {done.stderr[-2000:]}")
    return done.stdout


def _check(is_right: bool, what: str) -> None:
    if not is_right:
        sys.exit(f"alone: {sys.argv[1]}: expected {what}")


if __name__ == "__main__":
    name, folder = sys.argv[1:]
    {"files": files, "zoo": zoo, "benchmark": benchmark, "runtime": runtime, "tf": tf}[name](
        pathlib.Path(folder).resolve()
    )
    print(f"alone: xncaps-{name} works")
