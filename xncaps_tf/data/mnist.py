"""MNIST and Fashion-MNIST from local files: IDX, or Keras's .npz."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files import npz
from xncaps_tf.data import idx
from xncaps_tf.data.catalogue import DIGIT_CLASSES, FASHION_CLASSES
from xncaps_tf.data.dataset import ArrayImages, Dataset
from xncaps_tf.data.lookup import Found, NotFound
from xncaps_tf.errors import DataError

CLASSES = {"mnist": DIGIT_CLASSES, "fashion_mnist": FASHION_CLASSES}
_PREFIX = {"train": "train", "test": "t10k"}
_SIDE = 28


def from_idx(name: str, split: str, folder: Path) -> Found:
    """The split from its two IDX files in `folder`, if they are there."""
    images = _idx_file(folder, f"{_PREFIX[split]}-images", 3)
    labels = _idx_file(folder, f"{_PREFIX[split]}-labels", 1)
    if images is None and labels is None:
        return NotFound(f"no {_PREFIX[split]}-images-idx3-ubyte[.gz]")
    if images is None or labels is None:
        missing = "images-idx3" if images is None else "labels-idx1"
        raise DataError(
            f"{images or labels}: expected {_PREFIX[split]}-{missing}-ubyte[.gz] beside it. "
            "Received: no such file."
        )
    return from_files(name, split, images, labels)


def from_files(name: str, split: str, images: Path, labels: Path) -> Dataset:
    """The split from two IDX files wherever they lie.

    Raises:
        DataError: a file is damaged, or the two do not belong together.
    """
    return _dataset(name, split, images, idx.read(images, axes=3), idx.read(labels, axes=1))


def from_npz(name: str, split: str, folder: Path) -> Found:
    """The split from `<name>.npz` with x_train, y_train, x_test, y_test, if it is there."""
    path = folder / f"{name}.npz"
    if not path.is_file():
        return NotFound(f"no {path.name}")
    arrays = npz.read(path, {f"x_{split}": ("u1", 3), f"y_{split}": ("iu", 1)})
    return _dataset(name, split, path, arrays[f"x_{split}"], arrays[f"y_{split}"])


def _idx_file(folder: Path, stem: str, axes: int) -> Path | None:
    for joint in ("-", "."):  # some copies have a dot where the published name has a dash
        for ending in ("", ".gz"):
            path = folder / f"{stem}{joint}idx{axes}-ubyte{ending}"
            if path.is_file():
                return path
    return None


def _dataset(
    name: str, split: str, path: Path, images: NDArray[Any], labels: NDArray[Any]
) -> Dataset:
    if images.shape[1:] != (_SIDE, _SIDE):
        raise DataError(
            f"{path}: expected images of {_SIDE}x{_SIDE}. Received: shape {images.shape}."
        )
    return Dataset(
        name=name,
        split=split,
        class_names=CLASSES[name],
        images=ArrayImages(images[..., None]),
        labels=labels.astype(np.int64),
        source=str(path),
    )
