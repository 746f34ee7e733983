"""CIFAR-10 from its published binary files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_tf.data.catalogue import CIFAR10_CLASSES
from xncaps_tf.data.dataset import ArrayImages, Dataset
from xncaps_tf.data.lookup import Found, NotFound
from xncaps_tf.errors import DataError

_FILES = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}
_SIDE = 32
_RECORD = 1 + 3 * _SIDE * _SIDE  # label, red plane, green plane, blue plane
_MAX_RECORDS = 50_000  # in one file; the published ones have 10,000


def from_bin(split: str, folder: Path) -> Found:
    """The split from the published .bin files in `folder`, if they are there.

    Source: A. Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html, the binary version.
    """
    paths = [folder / name for name in _FILES[split]]
    there = [path for path in paths if path.is_file()]
    if not there:
        return NotFound(f"no {paths[0].name}")
    missing = [path.name for path in paths if path not in there]
    if missing:
        raise DataError(
            f"{there[0]}: expected {', '.join(missing)} beside it. Received: no such file."
        )
    records = np.concatenate([_read(path) for path in paths])  # [n, 3073]
    planes = records[:, 1:].reshape(-1, 3, _SIDE, _SIDE)  # [n, C, H, W]
    return Dataset(
        name="cifar10",
        split=split,
        class_names=CIFAR10_CLASSES,
        images=ArrayImages(np.ascontiguousarray(planes.transpose(0, 2, 3, 1))),
        labels=records[:, 0].astype(np.int64),
        source=str(folder),
    )


def _read(path: Path) -> NDArray[Any]:
    try:
        size = path.stat().st_size
        if not size or size % _RECORD or size > _MAX_RECORDS * _RECORD:
            raise DataError(
                f"{path}: expected records of {_RECORD} bytes, 1 to {_MAX_RECORDS} of them. "
                f"Received: {size} bytes."
            )
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from error
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    wrong = np.flatnonzero(records[:, 0] >= len(CIFAR10_CLASSES))
    if len(wrong):
        raise DataError(
            f"{path}: expected labels from 0 to 9. Received: {records[wrong[0], 0]} in record "
            f"{wrong[0]}."
        )
    return records
