"""Writes small PNG pictures with the standard library alone: a board has no Pillow."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def encode(pixels: NDArray[Any]) -> bytes:
    """PNG of uint8 pixels [H, W, 1] (grey) or [H, W, 3] (colour).

    Raises:
        ValueError: another shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise ValueError(
            f"png: expected uint8 [H, W, 1 or 3]. Received: {pixels.dtype} {pixels.shape}."
        )
    height, width, channels = pixels.shape
    lines = np.concatenate(
        [np.zeros((height, 1), np.uint8), pixels.reshape(height, width * channels)], axis=1
    )  # each line starts with its filter, 0: none
    kind = 0 if channels == 1 else 2
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind_ + data + struct.pack(">I", zlib.crc32(kind_ + data))
        for kind_, data in chunks
    )


def picture(values: NDArray[Any]) -> NDArray[Any] | None:
    """A model's input row as uint8 pixels; None where it is no picture of 1 or 3 channels.

    Values are taken as 0..255 where they look so, else their own range is stretched to it.
    """
    if values.ndim != 3 or values.shape[2] not in (1, 3) or max(values.shape[:2]) > 512:
        return None
    low, high = float(values.min()), float(values.max())
    if low < 0 or high <= 1.0 or high > 255:
        values = (values - low) * (255.0 / (high - low) if high > low else 0.0)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
