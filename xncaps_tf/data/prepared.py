"""Data sets that tfds has prepared: read from their folder, without the network."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_tf._keras import tf
from xncaps_tf.data import overlap
from xncaps_tf.data.dataset import ArrayImages, Dataset
from xncaps_tf.data.lookup import Found, NotFound
from xncaps_tf.errors import DataError

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def roots(data_dir: Path | None) -> list[Path]:
    """Where tfds keeps its data: `data_dir` if given, and tfds's own folder."""
    own = os.environ.get("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets"
    return [*([data_dir] if data_dir else []), Path(own)]


def from_tfds(
    name: str,
    split: str,
    root: Path,
    class_names: tuple[str, ...],
    shape: tuple[int, int, int],
    *,
    config: str = "",
) -> Found:
    """The split of the newest prepared version under root/NAME[/CONFIG], if there is one.

    Raises:
        DataError: what tfds prepared is damaged or of another kind.
    """
    relative = f"{name.partition('/')[0]}/{config}".rstrip("/")
    folder = root / relative
    versions = sorted(
        (tuple(map(int, match.groups())), path)
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := _VERSION.fullmatch(path.name)) and (path / "dataset_info.json").is_file()
    )
    if not versions:
        return NotFound(f"no {relative}/VERSION/dataset_info.json of tfds")
    place = versions[-1][1]
    images, labels = _arrays(place, split)
    kind = np.uint16 if images.dtype == np.uint16 else np.uint8
    if images.dtype != kind or images.shape[1:] != shape or not len(images):
        raise DataError(
            f"{place}: expected images of shape {shape}. "
            f"Received: {images.dtype}, shape {images.shape}."
        )
    if labels.ndim == 2:
        labels = overlap.two_hot(labels[:, 0], labels[:, 1], len(class_names))
    return Dataset(
        name=name,
        split=split,
        class_names=class_names,
        images=ArrayImages(images),
        labels=labels,
        source=str(place),
    )


def _arrays(place: Path, split: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """(images, labels int64 [n] or [n, 2]) of a prepared split."""
    import tensorflow_datasets as tfds

    try:
        builder: Any = tfds.builder_from_directory(place)
        promised = builder.info.splits[split].num_examples
        whole: Any = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1))
        images = np.asarray(whole["image"])
        labels = np.asarray(whole["labels" if "labels" in whole else "label"], np.int64)
    except (tf.errors.OpError, json.JSONDecodeError, OSError, ValueError, KeyError) as error:
        reason = " ".join(str(getattr(error, "message", error)).split())[:300]
        raise DataError(
            f"{place}: expected a data set that tfds prepared, with '{split}'. Received: {reason}."
        ) from error
    if len(images) != promised:
        raise DataError(
            f"{place}: expected {promised} images of '{split}'. Received: {len(images)}."
        )
    return images, labels
