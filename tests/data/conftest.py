"""Writers of small data sets in every format."""

from __future__ import annotations

import gzip
import io
import pathlib
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image


def idx_bytes(array: np.ndarray) -> bytes:
    """The IDX file of a uint8 array, written by the format's description alone."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


def digit_arrays(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 [count, 28, 28], uint8 [count]): noise with every class in it."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (count, 28, 28), np.uint8)
    return pixels, (np.arange(count) % 10).astype(np.uint8)


def jpeg_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture
def to_idx() -> Callable[[np.ndarray], bytes]:
    return idx_bytes


@pytest.fixture
def to_jpeg() -> Callable[[np.ndarray], bytes]:
    return jpeg_bytes


@pytest.fixture
def write_mnist() -> Callable[..., dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Writes MNIST's four IDX files; returns what is in them by split."""

    def write(
        folder: pathlib.Path, *, train: int = 40, test: int = 30, packed: bool = False
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        folder.mkdir(parents=True, exist_ok=True)
        written = {"train": digit_arrays(train, 1), "test": digit_arrays(test, 2)}
        for split, stem in (("train", "train"), ("test", "t10k")):
            for array, kind in zip(written[split], ("images-idx3", "labels-idx1"), strict=True):
                name, content = f"{stem}-{kind}-ubyte", idx_bytes(array)
                if packed:
                    name, content = f"{name}.gz", gzip.compress(content)
                (folder / name).write_bytes(content)
        return written

    return write


@pytest.fixture
def write_picture() -> Callable[..., pathlib.Path]:
    """Writes a picture of one colour; returns its path."""

    def write(
        path: pathlib.Path, size: tuple[int, int] = (12, 10), color: object = 100
    ) -> pathlib.Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = "L" if isinstance(color, int) else "RGB"
        Image.new(mode, size, color).save(path)  # pyright: ignore[reportArgumentType]
        return path

    return write
