"""A line of results, as `xncaps reproduce` writes them, for the tests."""

from __future__ import annotations

import numpy as np

from xncaps.reproduce import result_lines


def line_of(
    name: str, seed: int = 0, right: tuple[int, ...] = (1, 0, 1)
) -> result_lines.ResultLine:
    bits = np.array(right)
    return {
        "format": "xncaps-experiment-result",
        "format_version": 1,
        "experiment": name,
        "config_hash": "0" * 16,
        "choices": {},
        "xncaps_version": "0.1.0",
        "seed": seed,
        "data": {"name": "digits", "title": "digits", "split": "test", "images": len(bits)},
        "keras": {
            "score": result_lines.score(int(bits.sum()), len(bits)),
            "per_class": {},
            "right": result_lines.pack(bits),
        },
        "files": [],
        "parameters": 1,
        "trainable": 1,
        "binary_parameters": 0,
        "macs": 3_000_000,
        "binary_macs": 1_000_000,
        "bytes_packed": 1,
        "best_epoch": 1,
        "epochs": 1,
        "minutes": 0.5,
        "machine": {"processor": "p", "cores": 2, "system": "s"},
    }
