"""LiteRT 2's CompiledModel: the same files as in an interpreter, equal to the bit.

Runs with the LiteRT that is installed, and as a whole once more with the oldest that it works in.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runtime_models as make
import xncaps_runtime
from runtime_models import grid
from xncaps_runtime import CompiledInterpreter, Interpreter, RuntimeLibraryError

GOLDEN = Path(__file__).parents[1] / "golden"
SHAPES = ((128, 8, 10, 16), (37, 8, 3, 5), (1, 1, 1, 1))
OLDEST = "2.2.0"
BEFORE = "2.1.6"


@pytest.fixture(scope="module")
def environment() -> Any:
    """One for many models."""
    return xncaps_runtime.litert_environment()


def _run(interpreter: Any, inputs: np.ndarray) -> list[np.ndarray]:
    """All outputs for the only input, which is resized where its shape is another one."""
    [source] = interpreter.get_input_details()
    if tuple(source["shape"]) != inputs.shape:
        interpreter.resize_tensor_input(source["index"], inputs.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], inputs)
    interpreter.invoke()
    return [interpreter.get_tensor(out["index"]) for out in interpreter.get_output_details()]


def _agree(model: bytes | Path, inputs: np.ndarray, environment: Any, threads: int = 1) -> None:
    compiled = CompiledInterpreter(model, threads, environment=environment)
    for made, wanted in zip(
        _run(compiled, inputs), _run(Interpreter(model, threads), inputs), strict=True
    ):
        assert made.dtype == wanted.dtype
        np.testing.assert_array_equal(made, wanted)


def _caps(op: str, shape: tuple[int, int, int, int]) -> bytes:
    n, d, j, e = shape
    kernel = np.random.default_rng(n).normal(0, 0.1, (n, j, d, e)).astype(np.float32)
    packed = [make.pack_bits(kernel), make.channel_scale(kernel)]
    constants = packed if op == "XnCapsOdr" else [kernel]
    return make.caps_model(op, constants, (1, n, d), (1, j, e), dynamic_batch=True)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("op", ["XnCapsOdr", "XnCapsIdr", "XnCapsFc"])
def test_capsule_ops_of_any_batch(
    op: str, shape: tuple[int, int, int, int], threads: int, environment: Any
) -> None:
    model = _caps(op, shape)
    compiled = CompiledInterpreter(model, threads, environment=environment)
    for batch in (1, 7, 2, 33, 1):
        u = np.random.default_rng(batch).normal(size=(batch, *shape[:2])).astype(np.float32)
        [made] = _run(compiled, u)
        assert made.shape == (batch, *shape[2:])
        np.testing.assert_array_equal(made, _run(Interpreter(model, threads), u)[0])


@pytest.mark.parametrize("threads", [1, 2])
def test_stored_files_of_lces_ops(environment: Any, threads: int) -> None:
    with np.load(GOLDEN / "lce/cases.npz", allow_pickle=False) as archive:
        numbers = {key.split(".")[0] for key in archive.files}
        for number in numbers:
            model = archive[f"{number}.model"].tobytes()
            _agree(model, archive[f"{number}.inputs"], environment, threads)
    assert len(numbers) > 5


def test_files_of_the_grid_of_lces_ops(environment: Any) -> None:
    for number in range(100):
        case = grid.draw(number)
        _agree(case.model, case.inputs, environment)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(100, 2000, 100))
def test_files_of_the_rest_of_the_grid(start: int, environment: Any) -> None:
    for number in range(start, start + 100):
        case = grid.draw(number)
        _agree(case.model, case.inputs, environment)


@pytest.mark.parametrize("name", ["binary_lce", "composite", "tiny_float", "tiny_fused"])
def test_files_from_the_converters(name: str, environment: Any) -> None:
    """By path; from bytes are all the others."""
    path = GOLDEN / f"android/{name}.tflite"
    [source] = Interpreter(path).get_input_details()
    inputs = np.random.default_rng(0).random(source["shape"], np.float32)
    _agree(path, inputs.astype(source["dtype"]), environment)


def test_litert_itself_takes_the_environment(rng: np.random.Generator) -> None:
    """As docs show it; the environment may go before what was made of it."""
    from ai_edge_litert.compiled_model import CompiledModel

    model = _caps("XnCapsOdr", SHAPES[0])
    u = rng.normal(size=(1, 128, 8)).astype(np.float32)
    environment = xncaps_runtime.litert_environment()
    compiled = [CompiledModel.from_buffer(model, environment=environment) for _ in range(3)]
    inputs = [each.create_input_buffers(0) for each in compiled]
    outputs = [each.create_output_buffers(0) for each in compiled]
    del environment
    [wanted] = _run(Interpreter(model), u)
    for each, source, target in zip(compiled, inputs, outputs, strict=True):
        source[0].write(u)
        each.run_by_index(0, source, target)
        np.testing.assert_array_equal(target[0].read(160, np.float32).reshape(1, 10, 16), wanted)
        assert each.is_fully_accelerated()
    del compiled[0], inputs[0]
    compiled[0].run_by_index(0, inputs[0], outputs[1])


def test_what_an_op_refuses_is_an_error(environment: Any, capfd: Any) -> None:
    kernel = np.zeros((8, 3, 8, 4), np.float32)
    model = make.caps_model("XnCapsFc", [kernel], (1, 8, 8), (1, 4, 4))
    with pytest.raises(RuntimeError):
        CompiledInterpreter(model, environment=environment)
    assert "XnCapsFc (node 0): expected output of shape [B, J=3" in capfd.readouterr().err


def test_arguments_are_checked(environment: Any) -> None:
    model = _caps("XnCapsFc", (1, 1, 1, 1))
    with pytest.raises(ValueError, match="num_threads >= 1. Received: num_threads=0"):
        CompiledInterpreter(model, 0)
    compiled = CompiledInterpreter(model, environment=environment)
    zeros = np.zeros((1, 1, 1), np.float32)
    with pytest.raises(ValueError, match="expected allocate_tensors"):
        compiled.set_tensor(0, zeros)
    compiled.allocate_tensors()
    with pytest.raises(ValueError, match=r"expected float32 \[1, 1, 1\]. Received: value=float64"):
        compiled.set_tensor(0, zeros.astype(np.float64))
    with pytest.raises(ValueError, match="expected index of an output, one of .* index=0"):
        compiled.get_tensor(0)


def test_an_old_litert_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: BEFORE)
    with pytest.raises(RuntimeLibraryError, match=r"ai-edge-litert 2.2.0 or newer.*: 2\.1\.6"):
        xncaps_runtime.litert_environment()

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(RuntimeLibraryError, match="Received: none that is installed"):
        xncaps_runtime.litert_environment()


def test_a_package_without_its_library_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from xncaps_runtime import compiled

    monkeypatch.setattr(compiled, "delegate_path", lambda: str(tmp_path / "lib.so"))
    with pytest.raises(RuntimeLibraryError, match="expected libLiteRtGpuAccelerator in"):
        xncaps_runtime.litert_environment()


@pytest.mark.skipif(
    importlib.metadata.version("ai-edge-litert") == OLDEST, reason="it is the one that runs"
)
def test_all_of_this_with_the_oldest_litert(request: pytest.FixtureRequest) -> None:
    folder = pinned(request, OLDEST)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-m",
            "not slow",
            __file__,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "1 skipped" in done.stdout


def pinned(request: pytest.FixtureRequest, version: str) -> Path:
    """A folder with that version of LiteRT, kept in pytest's cache."""
    folder = request.config.cache.mkdir(f"ai-edge-litert-{version}")  # type: ignore[union-attr]
    if not (folder / "complete").exists():
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade",
             "--target", folder, f"ai-edge-litert=={version}"],
            check=True,
        )  # fmt: skip
        (folder / "complete").touch()
    return folder
