"""Packed JPEG: the JPEG files of a split, one after another, in one .npz."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files import npz, pictures
from xncaps_tf.data.dataset import ArrayImages, Dataset
from xncaps_tf.data.lookup import Found, NotFound
from xncaps_tf.errors import DataError

NOTE = "JPEG copy"
_MAX_IMAGES = 300_000  # a split of CIFAR-10 has at most 50,000


def from_npz(
    name: str,
    split: str,
    folder: Path,
    class_names: tuple[str, ...],
    shape: tuple[int, int, int],
) -> Found:
    """The split from `<split>.npz` in `folder`, if it is there; the format is in docs/data.md."""
    path = folder / f"{split}.npz"
    if not path.is_file():
        return NotFound(f"no {path.name}")
    wanted = {"jpeg": ("u1", 1), "offsets": ("iu", 1), "labels": ("iu", 1), "names": ("U", 1)}
    arrays = npz.read(path, wanted)
    offsets = arrays["offsets"].astype(np.int64)
    _check_offsets(path, offsets, len(arrays["jpeg"]))
    if len(offsets) > _MAX_IMAGES + 1:
        raise DataError(
            f"{path}: expected at most {_MAX_IMAGES} images. Received: {len(offsets) - 1}."
        )
    labels = _labels(path, arrays["labels"], arrays["names"], class_names, len(offsets) - 1)
    content = arrays["jpeg"].tobytes()

    pixels = np.empty((len(labels), *shape), np.uint8)

    def decode(number: int) -> None:
        data = content[offsets[number] : offsets[number + 1]]
        where = f"{path}, image {number}"
        pixels[number] = pictures.decode(where, shape, content=data, is_exact=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow lets other threads run meanwhile
        for _ in pool.map(decode, range(len(labels))):  # raises what a call raised
            pass
    return Dataset(
        name=name,
        split=split,
        class_names=class_names,
        images=ArrayImages(pixels),
        labels=labels,
        source=str(path),
        note=NOTE,
    )


def _check_offsets(path: Path, offsets: NDArray[Any], size: int) -> None:
    is_sound = len(offsets) > 1 and offsets[0] == 0 and offsets[-1] == size
    if not is_sound or np.any(np.diff(offsets) <= 0):
        raise DataError(
            f"{path}: expected 'offsets' that rise from 0 to {size}, the bytes of 'jpeg'. "
            f"Received: {len(offsets)} offsets that do not."
        )


def _labels(
    path: Path, labels: NDArray[Any], names: NDArray[Any], class_names: tuple[str, ...], count: int
) -> NDArray[Any]:
    """The labels in the order of `class_names`, int64 [n]."""
    if len(labels) != count:
        raise DataError(
            f"{path}: expected one label an image. Received: {count} images, {len(labels)} labels."
        )
    own = [str(name) for name in names]
    if sorted(own) != sorted(class_names):
        raise DataError(
            f"{path}: expected the classes {', '.join(class_names)}. Received: {', '.join(own)}."
        )
    if labels.min() < 0 or labels.max() >= len(own):
        raise DataError(
            f"{path}: expected labels from 0 to {len(own) - 1}. "
            f"Received: labels from {labels.min()} to {labels.max()}."
        )
    return np.array([class_names.index(name) for name in own], np.int64)[labels]
