"""The delegate in every TFLite and LiteRT that docs name, each in a process of its own.

The environment's two always; those that scripts/hosts.sh has unpacked where XNCAPS_HOSTS is their
folder (`make test-matrix`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import runtime_models as make
from runtime_models import grid
from runtime_models.lce import Bconv2d, LceWriter
from xncaps_runtime import delegate_path

TOLERANCE = 1e-5  # float32 sums of some hundred terms below 1


@dataclass(frozen=True)
class Host:
    """A runtime: the module to import, and a folder in front of the environment's, if any."""

    name: str
    module: str
    folder: Path | None = None


def _hosts() -> list[Host]:
    hosts = [
        Host("environment-litert", "ai_edge_litert.interpreter"),
        Host("environment-tensorflow", "tensorflow"),
    ]
    if folder := os.environ.get("XNCAPS_HOSTS"):
        for path in sorted(Path(folder).iterdir()):
            module = "tflite_runtime" if path.name.startswith("tflite") else "ai_edge_litert"
            hosts.append(Host(path.name, f"{module}.interpreter", path.resolve()))
    return hosts


HOSTS = _hosts()


def _capsules(rng: np.random.Generator) -> tuple[bytes, np.ndarray, np.ndarray]:
    kernel = rng.normal(0, 0.1, (64, 10, 8, 16)).astype(np.float32)
    scale = make.channel_scale(kernel)
    constants = [make.pack_bits(kernel), scale]
    model = make.caps_model("XnCapsOdr", constants, (1, 64, 8), (1, 10, 16), dynamic_batch=True)
    u = np.maximum(rng.normal(size=(3, 64, 8)), 0).astype(np.float32)
    return model, u, make.reference("XnCapsOdr", u, kernel, scale)


def _signs(rng: np.random.Generator) -> tuple[bytes, np.ndarray]:
    """LCE's ops one after the other: the tensors between them live in the delegate alone."""
    conv = Bconv2d(40, 64, output="int32")
    writer = LceWriter()
    source = writer.value((1, 9, 8, 40), "float32")
    bits = writer.bconv2d(writer.quantize(source), conv, grid.draw_constants(rng, conv))
    floats = writer.dequantize(writer.bmaxpool2d(bits, (2, 2), (2, 2), 0), 64, "float32")
    return writer.finish([source], [floats]), rng.normal(size=(3, 9, 8, 40)).astype(np.float32)


def _hostile() -> bytes:
    writer = LceWriter()
    source = writer.value((1, 4096), "float32")
    bits = writer.quantize(source)
    writer.custom("LceQuantize", [source], [bits], b"")
    return writer.finish([source], [bits])


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    """A folder of files and inputs, and what comes out of the environment's own runtime."""
    folder = tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(5)
    capsules, u, want = _capsules(rng)
    signs, images = _signs(rng)
    for name, model, inputs in (
        ("capsules", capsules, u),
        ("signs", signs, images),
        ("hostile", _hostile(), np.zeros((1, 4096), np.float32)),
    ):
        (folder / f"{name}.tflite").write_bytes(model)
        np.save(folder / f"{name}.npy", inputs)
    rows = [make.run_model(signs, images[i : i + 1]) for i in range(3)]
    return folder, {"capsules": want, "signs": np.concatenate(rows)}


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_files_run_or_are_refused_as_everywhere(
    host: Host, models: tuple[Path, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    folder, want = models
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if host.folder is not None:
        environment["PYTHONPATH"] = str(host.folder)
    script = Path(__file__).with_name("host_run.py")
    done = subprocess.run(
        [sys.executable, str(script), host.module, delegate_path(), str(tmp_path)],
        capture_output=True, text=True, check=False, env=environment, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    refused = {file.stem for file in tmp_path.glob("*.txt")}
    assert refused == {"hostile"}, [(f.name, f.read_text()) for f in tmp_path.glob("*.txt")]
    said = (tmp_path / "hostile.txt").read_text() + done.stderr
    assert "expected output 0 't1' to be made by one node" in said
    made = np.load(tmp_path / "capsules.out.npy")
    np.testing.assert_allclose(made, want["capsules"], atol=TOLERANCE)
    np.testing.assert_array_equal(np.load(tmp_path / "signs.out.npy"), want["signs"])
