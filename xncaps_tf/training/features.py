"""What a frozen backbone makes of pictures: computed once, kept in files, read as a data set.

A folder a trunk and a data set, named by hashes of both, holds files of some hundred pictures each,
each written as a whole: a killed training computes the missing ones, and another training with the
same trunk and the same pictures computes none.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import pathlib
import shutil
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files import writing
from xncaps_tf import __version__
from xncaps_tf._keras import keras, tf
from xncaps_tf.data import ArrayImages, Augmentation, Dataset
from xncaps_tf.data.dataset import StoredImages
from xncaps_tf.errors import TrainingError
from xncaps_tf.models import trunk

FILE_IMAGES = 256
BATCH = 32
IN_MEMORY_BYTES = 2**28
OPEN_FILES = 128  # a process may have 256 on macOS, 1,024 on Linux
_SAY_SECONDS = 15.0
_VARIANTS = ("plain", "mirrored")


class Features:
    """The features of data sets by one trunk.

    Args:
        cache: the folder that is shared by all trunks and data sets.
        model: the whole network, its trunk's weights final.
        end: name of the trunk's last layer.
        say: takes a line for a person.
    """

    def __init__(
        self, cache: pathlib.Path, model: Any, end: str, say: Callable[[str], object]
    ) -> None:
        self._cache, self._say = cache, say
        self._extract = trunk.extractor(model, end)
        self._key = _trunk_key(model, end)

    def of(self, ds: Dataset, *, is_mirrored: bool) -> Dataset:
        """The data set of features `[h, w, c]` in the place of images.

        With `is_mirrored` it is `[h, w, 2 c]`: behind an image's own features those of its mirror
        image, which `MIRROR` exchanges.

        Raises:
            DataError: a picture cannot be read.
            TrainingError: there is no room for the files, or one of them is damaged.
        """
        identity = f"{ds.images.fingerprint(ds.positions)} {ds.image_shape}"
        folder = self._cache / self._key / hashlib.sha256(identity.encode()).hexdigest()[:16]
        variants = _VARIANTS[: 1 + is_mirrored]
        starts = range(0, len(ds), FILE_IMAGES)
        folder.mkdir(parents=True, exist_ok=True)
        self._fill(ds, folder, starts, variants)
        parts = [[_path(folder, variant, start) for variant in variants] for start in starts]
        return Dataset(
            name=ds.name,
            split=ds.split,
            class_names=ds.class_names,
            images=_read(parts, len(ds)),
            labels=ds.labels,
            source=str(folder),
            note=ds.note,
        )

    def _fill(
        self, ds: Dataset, folder: pathlib.Path, starts: range, variants: tuple[str, ...]
    ) -> None:
        """Makes the files that are missing."""
        missing = [
            (start, variant)
            for start in starts
            for variant in variants
            if not _path(folder, variant, start).is_file()
        ]
        said = time.monotonic()
        for number, (start, variant) in enumerate(missing):
            found = self._features(ds, start, is_mirrored=variant == "mirrored")
            if not number:
                self._check_room(folder, found.nbytes * len(missing))
            writing.write_atomically(
                _path(folder, variant, start), lambda beside, found=found: _save(beside, found)
            )
            if time.monotonic() - said > _SAY_SECONDS:
                said = time.monotonic()
                self._say(
                    f"features of {ds.name} ({ds.split}): {number + 1} of {len(missing)} files of "
                    f"{FILE_IMAGES} pictures"
                )

    def _features(self, ds: Dataset, start: int, *, is_mirrored: bool) -> NDArray[Any]:
        """float32 [n, h, w, c] of up to FILE_IMAGES images; every batch has BATCH of them."""
        end = min(start + FILE_IMAGES, len(ds))
        parts: list[NDArray[Any]] = []
        for first in range(start, end, BATCH):
            chosen = np.minimum(np.arange(first, first + BATCH), end - 1)
            pixels = ds.images.numpy(ds.positions[chosen]).astype(np.float32)  # [BATCH, H, W, C]
            if is_mirrored:
                pixels = pixels[:, :, ::-1]
            found = self._extract(tf.constant(pixels)).numpy()
            parts.append(found[: end - first])
        return np.concatenate(parts)

    def _check_room(self, folder: pathlib.Path, needed: int) -> None:
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise TrainingError(
                f"{folder}: expected {needed / 1e9:.1f} GB for the backbone's features. Received: "
                f"{free / 1e9:.1f} GB free; choose another folder by feature_cache."
            )


def _trunk_key(model: Any, end: str) -> str:
    """Another one for another trunk, other weights or another size inside."""
    part = keras.Model(model.inputs, model.get_layer(end).output, name="trunk")
    about = [__version__, json.dumps(part.get_config(), sort_keys=True, default=str)]
    about.append(f"{trunk.is_pooled(model, end)} {BATCH}")
    digest = hashlib.sha256("\n".join(about).encode())
    for weight in part.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()[:16]


def _path(folder: pathlib.Path, variant: str, start: int) -> pathlib.Path:
    return folder / f"{variant}-{start // FILE_IMAGES:05d}.npy"


def _save(path: pathlib.Path, features: NDArray[Any]) -> None:
    with open(path, "wb") as file:
        np.save(file, features, allow_pickle=False)


def _load(path: pathlib.Path) -> NDArray[Any]:
    """A map of the file."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if found.ndim != 4 or found.dtype != np.float32 or not 0 < len(found) <= FILE_IMAGES:
            raise ValueError(f"an array of {found.dtype}, shape {found.shape}")
    except (ValueError, EOFError, OSError) as error:
        raise TrainingError(
            f"{path}: expected features of pictures. Received: a damaged file ({error}); remove "
            "it to have them computed again."
        ) from error
    return found


def _read(parts: list[list[pathlib.Path]], count: int) -> Any:
    """Images of the files' features: in memory where they are few, else maps of the files."""
    shapes = [[_load(path).shape for path in variants] for variants in parts]
    shape = shapes[0][0][1:]
    if sum(variants[0][0] for variants in shapes) != count or any(
        found != (variants[0][0], *shape) for variants in shapes for found in variants
    ):
        raise TrainingError(
            f"{parts[0][0].parent}: expected features of {count} pictures. Received: files that "
            "do not go together; remove the folder to have them computed again."
        )
    if math.prod(shape) * 4 * count * len(parts[0]) <= IN_MEMORY_BYTES:
        groups = ([_load(path) for path in variants] for variants in parts)
        return ArrayImages(np.concatenate([np.concatenate(group, axis=-1) for group in groups]))
    return _MappedFeatures(parts, shape, count)


class _MappedFeatures(StoredImages):
    """Features in files, of which a batch is read at a time; some of the files are open."""

    def __init__(self, parts: list[list[pathlib.Path]], shape: tuple[int, ...], count: int) -> None:
        self._parts, self._count = parts, count
        self._map = functools.lru_cache(OPEN_FILES)(_load)
        height, width, channels = shape
        self.shape: tuple[int, int, int] = (height, width, channels * len(parts[0]))

    def __len__(self) -> int:
        return self._count

    def prepare(self) -> None:
        """Nothing: every batch is read from the files."""

    def gather(self, indices: Any) -> Any:
        return tf.numpy_function(self.numpy, [indices], tf.float32, stateful=False)

    def numpy(self, indices: NDArray[Any]) -> NDArray[Any]:
        found = np.empty((len(indices), *self.shape), np.float32)
        for place, index in enumerate(indices):
            group, row = divmod(int(index), FILE_IMAGES)
            rows = [self._map(path)[row] for path in self._parts[group]]
            found[place] = np.concatenate(rows, axis=-1)
        return found


def _exchange(features: Any, draws: Any) -> Any:
    """Puts the mirror image's half first where the draw is below a half, as `flip` mirrors."""
    first, second = tf.split(features, 2, axis=-1)
    turned = tf.concat([second, first], axis=-1)
    return tf.where(draws[:, 0, None, None, None] < 0.5, turned, features)


MIRROR = Augmentation("mirror", 1, _exchange, "the features of the mirror image", mirrors=True)


class FirstHalf(keras.layers.Layer):
    """The first half of the channels: `[B, h, w, 2 c]` -> `[B, h, w, c]`."""

    def call(self, inputs: Any) -> Any:
        return inputs[..., : inputs.shape[-1] // 2]
