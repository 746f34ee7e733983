"""Room for decoded images: memory, or a file in the temporary folder where there are many."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from xncaps_tf.errors import DataError

IN_MEMORY_BYTES = 2**30  # the whole of CIFAR-10 has 0.15 GB
_THREADS = 2
_AT_ONCE = 256


def allocate(count: int, shape: tuple[int, int, int], *, what: str) -> np.ndarray:
    """uint8 [count, H, W, C]; over `IN_MEMORY_BYTES` it lies in an unnamed temporary file.

    Raises:
        DataError: the temporary folder has not that much room.
    """
    whole = (count, *shape)
    size = math.prod(whole)
    if size <= IN_MEMORY_BYTES:
        return np.empty(whole, np.uint8)
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DataError(
            f"{what}: expected {size / 1e9:.1f} GB for {count} decoded images in {folder}. "
            f"Received: {free / 1e9:.1f} GB free. Set TMPDIR to a larger disk."
        )
    with tempfile.TemporaryFile(dir=folder) as file:  # the map keeps the file's room alive
        return np.memmap(file, np.uint8, "w+", shape=whole)


def fill(target: np.ndarray, jobs: Sequence[Any], decode: Callable[[Any], np.ndarray]) -> None:
    """target[i] = decode(jobs[i]) on two threads; the first error in order is raised."""

    def decode_into(index: int) -> None:
        target[index] = decode(jobs[index])

    with ThreadPoolExecutor(_THREADS) as pool:
        for first in range(0, len(jobs), _AT_ONCE):  # so that an error ends the work early
            list(pool.map(decode_into, range(first, min(first + _AT_ONCE, len(jobs)))))
