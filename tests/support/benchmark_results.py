"""A result as `bench` writes it, made without measuring."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

from xncaps_benchmark import png, stats

DOT = base64.b64encode(png.encode(np.arange(64, dtype=np.uint8).reshape(8, 8, 1) * 4)).decode()


def model(name: str, median: float, **changes: Any) -> dict[str, Any]:
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    turns = [(median + generator.exponential(median / 20, 16)).tolist() for _ in range(64)]
    latency = stats.summarise(turns)
    return {
        "name": name,
        "bytes": int(1000 * median),
        "sha256": f"{len(name):064x}",
        "status": "ok",
        "error": None,
        "custom_ops": [],
        "ops": 3,
        "runtime": {
            "name": "litert",
            "version": "ai-edge-litert 2.3.0",
            "timed": "invoke",
            "details": {},
        },
        "verification": {
            "status": "verified",
            "reason": "120 of 120 stored rows compared",
            "rows": 120,
            "max_error": 1e-6,
            "mean_error": 1e-7,
            "over_tolerance": 0,
            "tolerance": 1e-4,
            "tolerated_share": 0.0,
            "equal_top1": 120,
            "source": "digits test",
        },
        "accuracy": {
            "rows": 120,
            "correct": 110,
            "confusion": [[60, 4], [6, 50]],
            "class_names": ["cat", "dog"],
            "source": "digits test",
        },
        "samples": [{"row": 0, "png": DOT, "label": 1, "predicted": 0, "score": 0.75}],
        "load_us": 900.0,
        "first_run_us": 2 * median,
        "latency": latency,
        "drift": stats.drift(latency),
        "valid": True,
        "invalid_because": [],
        "measured_seconds": 0.1,
        "memory": {"peak_bytes": 50_000_000, "before_load_bytes": 45_000_000},
        "summary": None,
        **changes,
    }


def failed(name: str, error: str) -> dict[str, Any]:
    return model(name, 1.0, status="failed", error=error, latency=None, drift=None, memory=None)


def result(models: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    models = models or [model("capsfc", 100.0), model("xnodr", 40.0)]
    timed = [entry for entry in models if entry["latency"]]
    ratios = [
        {
            "baseline": timed[0]["name"],
            "model": entry["name"],
            **stats.ratio(timed[0]["latency"], entry["latency"]),
        }
        for entry in timed[1:]
    ]
    return {
        "format": "xncaps-benchmark",
        "format_version": 2,
        "id": "5f0c3a52-6f4e-4c3b-9a37-0d8f3a8e9b11",
        "created": "2024-05-01T12:00:00Z",
        "tool": {"name": "xncaps-benchmark", "version": "0.1.0", "commit": None},
        "target": {"kind": "local", "name": "local"},
        "method": {
            "order": "interleaved",
            "seed": 0,
            "runs": 1024,
            "seconds": 60.0,
            "warm_up_seconds": 0.5,
            "cooldown_seconds": 0.0,
            "threads": 1,
            "cpus": [],
            "baseline": timed[0]["name"] if timed else None,
        },
        "machine": {"system": "Linux 6.1", "cpu": "a CPU", "cpus": 2},
        "state": {"start": {"load": [0.1, 0.1, 0.1]}, "end": {"load": [0.9, 0.2, 0.1]}},
        "models": models,
        "ratios": ratios,
        "complete": True,
        "notes": [],
        **changes,
    }
