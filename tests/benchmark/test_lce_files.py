"""A file of larq-compute-engine's ops, measured by both runtimes that have them."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from runtime_models.lce import VALID, Bconv2d, LceWriter, pack
from xncaps_benchmark import backends, measure

FAST: dict[str, Any] = {"runs": 64, "seconds": 5.0, "warm_up": 0.01}
ROWS, SIDE, CHANNELS, FILTERS = 7, 6, 64, 10


def _convolved(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """3x3, VALID: x [n, H, W, C], w [filters, 3, 3, C] -> [n, H - 2, W - 2, filters]."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    return np.einsum("nhwcij,fijc->nhwf", windows, w)


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    """LceQuantize and LceBconv2d with a multiplier and a bias, and what NumPy makes of it."""
    rng = np.random.default_rng(0)
    conv = Bconv2d(CHANNELS, FILTERS, padding=VALID)
    weights = rng.normal(size=(FILTERS, 3, 3, CHANNELS))
    constants = {
        "filter": pack(weights < 0),
        "multiplier": rng.uniform(0.001, 0.01, FILTERS).astype(np.float32),
        "bias": rng.normal(size=FILTERS).astype(np.float32),
    }
    writer = LceWriter()
    source = writer.value((1, SIDE, SIDE, CHANNELS), "float32")
    target = writer.bconv2d(writer.quantize(source), conv, constants)
    path = tmp_path / "binary.tflite"
    path.write_bytes(writer.finish([source], [target]))
    inputs = rng.normal(size=(ROWS, SIDE, SIDE, CHANNELS)).astype(np.float32)
    sums = _convolved(np.where(inputs < 0, -1.0, 1.0), np.where(weights < 0, -1.0, 1.0))
    np.savez(
        tmp_path / "binary.expected.npz",
        inputs=inputs,
        outputs=(sums * constants["multiplier"] + constants["bias"]).astype(np.float32),
        tolerance=np.float32(1e-5),
        tolerated_share=np.float32(0),
    )
    return path


def _check(entry: dict[str, Any]) -> None:
    assert entry["status"] == "ok", entry["error"]
    assert entry["custom_ops"] == ["LceBconv2d", "LceQuantize"]
    assert entry["verification"]["status"] == "verified"
    assert entry["verification"]["rows"] == ROWS
    assert entry["latency"]["n"] == 64 and entry["latency"]["min_us"] > 0


@pytest.mark.parametrize("way", ["asked for", "the only one"])
def test_the_delegate_runs_an_lce_file(
    file: pathlib.Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `--runtime` says so, and by itself where larq-compute-engine is not installed."""
    if way == "the only one":
        here = backends._installed
        monkeypatch.setattr(
            backends, "_installed", lambda name: name != "larq_compute_engine" and here(name)
        )
    asked = {"runtime": "litert+xncaps"} if way == "asked for" else {}
    (entry,) = measure([file], **FAST, **asked)["models"]
    _check(entry)
    assert entry["runtime"]["name"] == "litert+xncaps"
    assert "xncaps-runtime" in entry["runtime"]["version"] and entry["runtime"]["details"]["isa"]
    assert entry["runtime"]["timed"] == "invoke"


def test_lces_interpreter_runs_the_same_file(file: pathlib.Path) -> None:
    pytest.importorskip("larq_compute_engine", reason="no wheel for this platform")
    (entry,) = measure([file], **FAST)["models"]
    _check(entry)
    assert entry["runtime"]["name"] == "lce"
