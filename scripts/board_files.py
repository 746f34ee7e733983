"""Writes the files that `make board-result` measures: single ops, and small trained networks.

usage: board_files.py FOLDER
"""

from __future__ import annotations

import pathlib
import shutil
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests/support"))
import runtime_models as make  # noqa: E402
from runtime_models.lce import Bconv2d, LceWriter, pack  # noqa: E402

TRAINED = ("tiny_float", "tiny_fused")
N, D, J, E = 128, 8, 10, 16


def capsules(op: str) -> bytes:
    """One op with random weights, N128 J10 E16."""
    kernel = np.random.default_rng(1).normal(0, 0.1, (N, J, D, E)).astype(np.float32)
    constants = [kernel]
    if op == "XnCapsOdr":
        constants = [make.pack_bits(kernel), make.channel_scale(kernel)]
    return make.caps_model(op, constants, (1, N, D), (1, J, E))


def convolution(size: int, channels: int) -> bytes:
    """A LceBconv2d 3x3 of bits, from floats to floats."""
    conv = Bconv2d(channels, channels)
    rng = np.random.default_rng(1)
    constants = {
        "filter": pack(rng.random((channels, 3, 3, channels)) < 0.5),
        "multiplier": rng.normal(size=channels).astype(np.float32),
        "bias": rng.normal(size=channels).astype(np.float32),
    }
    writer = LceWriter()
    source = writer.value((1, size, size, channels), "float32")
    target = writer.bconv2d(writer.quantize(source), conv, constants)
    return writer.finish([source], [target])


def main(folder: pathlib.Path) -> None:
    for op in ("XnCapsOdr", "XnCapsIdr", "XnCapsFc"):
        (folder / f"{op}-N{N}-J{J}-E{E}.tflite").write_bytes(capsules(op))
    for size, channels in ((56, 64), (14, 256)):
        name = f"LceBconv2d-{size}x{size}x{channels}.tflite"
        (folder / name).write_bytes(convolution(size, channels))
    for name in TRAINED:
        shutil.copy(ROOT / f"tests/golden/android/{name}.tflite", folder)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
