"""MNIST moved about in 40x40 pixels: a set of our own in affNIST's ranges, or a file of affNIST."""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files.errors import one_line
from xncaps_tf._keras import tf
from xncaps_tf.data import seeds
from xncaps_tf.data.catalogue import DIGIT_CLASSES
from xncaps_tf.data.dataset import ArrayImages, Dataset, StoredImages
from xncaps_tf.data.lookup import Found, NotFound
from xncaps_tf.errors import DataError

SIDE = 40
DEGREES, SHEAR, SMALLEST, LARGEST = 20.0, 0.2, 0.8, 1.2
NOTE = "ours, in affNIST's ranges; not affNIST"
FILES = {
    "train": ("training_and_validation.mat", "training.mat"),
    "test": ("test.mat",),
}
_FOLDERS = {"train": ("", "just_centered"), "test": ("", "transformed")}
_SEEDS = {"train": 0, "test": 1}
_NUM_DRAWS = 6  # angle, shear, scale y, scale x, place y, place x
# Of one .mat file, unpacked: affNIST's largest, transformed/test.mat, has 320,000 pictures, 0.5 GB.
_MAX_BYTES = 2**30
_MAT_HEADER, _COMPRESSED = 128, 15


class MovedImages(StoredImages):
    """`Images` of digits [n, 28, 28, 1], moved while they are read, each by its own draws."""

    def __init__(self, digits: NDArray[Any], draws: NDArray[Any], *, is_placed: bool) -> None:
        """draws float32 [n, 6] in [0, 1); `is_placed`: neither turned, sheared nor scaled."""
        self._digits, self._draws, self._is_placed = digits, draws, is_placed
        self._tensors: Any = None

    @property
    def shape(self) -> tuple[int, int, int]:
        return SIDE, SIDE, 1

    def __len__(self) -> int:
        return len(self._digits)

    def prepare(self) -> None:
        if self._tensors is None:
            with tf.init_scope(), tf.device("CPU:0"):
                self._tensors = tf.constant(self._digits), tf.constant(self._draws)

    def gather(self, indices: Any) -> Any:
        digits, draws = self._tensors
        chosen = tf.cast(tf.gather(digits, indices), tf.float32)
        return move(chosen, tf.gather(draws, indices), is_placed=self._is_placed)

    def numpy(self, indices: NDArray[Any]) -> NDArray[Any]:
        self.prepare()
        return self.gather(tf.constant(indices)).numpy().astype(np.uint8)


def move(digits: Any, draws: Any, *, is_placed: bool) -> Any:
    """Pictures float32 [n, 40, 40, 1] of whole numbers, of digits [n, 28, 28, 1] and draws [n, 6].

    A digit is turned by up to 20 degrees, sheared by up to 0.2, scaled by 0.8 to 1.2 in y and in x
    (none of it where `is_placed`) about its centre, and put where its 28x28 pixels stay inside as
    far as they fit; bilinear, black around it.
    """
    height, width = digits.shape[1:3]
    signed = 2 * draws - 1
    still = tf.zeros_like(signed[:, 0])
    angle = still if is_placed else signed[:, 0] * (DEGREES * math.pi / 180)
    shear = still if is_placed else signed[:, 1] * SHEAR
    scales = (
        still[:, tf.newaxis] + 1 if is_placed else SMALLEST + (LARGEST - SMALLEST) * draws[:, 2:4]
    )
    scale_y, scale_x = scales[:, 0], scales[:, -1]
    free_y = tf.maximum(0.0, SIDE - height * scale_y) / 2
    free_x = tf.maximum(0.0, SIDE - width * scale_x) / 2
    y, x = signed[:, 4] * free_y, signed[:, 5] * free_x
    if is_placed:
        y, x = tf.round(y), tf.round(x)
    # out = T + R S K (in - c) with K the shear along x, S the scales, R the turn; so backwards:
    cos, sin = tf.cos(angle), tf.sin(angle)
    to_y = [-sin / scale_y, cos / scale_y]  # of (x, y) about the picture's centre
    to_x = [cos / scale_x - shear * to_y[0], sin / scale_x - shear * to_y[1]]
    center = (SIDE - 1) / 2
    back_x = (width - 1) / 2 - to_x[0] * (center + x) - to_x[1] * (center + y)
    back_y = (height - 1) / 2 - to_y[0] * (center + x) - to_y[1] * (center + y)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=digits,
        transforms=tf.stack([*to_x, back_x, *to_y, back_y, still, still], axis=1),  # [n, 8]
        output_shape=[SIDE, SIDE],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.round(tf.clip_by_value(moved, 0.0, 255.0))


def dataset(base: Dataset) -> Dataset:
    """A split of our own set, of a split of MNIST.

    As in the original test of capsules (Sabour et al. 2017, section 5.2) 'train' has each digit at
    a random place, otherwise as it is, and 'test' has moved, turned, sheared and scaled ones.
    """
    digits, labels = base.numpy()
    shape = (len(digits), _NUM_DRAWS)
    draws = seeds.uniform(shape, _SEEDS[base.split], 0, seeds.AFFINE).numpy()
    return Dataset(
        name="affine_mnist",
        split=base.split,
        class_names=base.class_names,
        images=MovedImages(digits, draws, is_placed=base.split == "train"),
        labels=labels,
        source=base.source,
        note=NOTE,
    )


def from_mat(split: str, folder: Path) -> Found:
    """The split from a .mat file of affNIST in `folder`, if there is one.

    Source: T. Tieleman 2013, https://www.cs.toronto.edu/~tijmen/affNIST/.

    Raises:
        DataError: the file is damaged, or holds something else.
    """
    places = [folder / part / name for part in _FOLDERS[split] for name in FILES[split]]
    path = next((path for path in places if path.is_file()), None)
    if path is None:
        return NotFound(f"no {places[0].name}")
    images, labels = _read(path)
    return Dataset(
        name="affine_mnist",
        split=split,
        class_names=DIGIT_CLASSES,
        images=ArrayImages(images),
        labels=labels,
        source=str(path),
        note="affNIST",
    )


def _read(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """uint8 [n, 40, 40, 1] and int64 [n]."""
    from scipy.io import loadmat

    _check_size(path)
    try:
        # Plain arrays of numbers; loadmat runs nothing that is in a file.
        stored = loadmat(path, variable_names=["affNISTdata"], struct_as_record=True)
        record = stored["affNISTdata"][0, 0]
        images, labels = record["image"], np.ravel(record["label_int"])
    except Exception as error:
        # loadmat raises errors of many kinds on damaged files; each means the same to the user.
        reason = one_line(error)[:200]
        raise DataError(
            f"{path}: expected a .mat file of affNIST with affNISTdata.image and .label_int. "
            f"Received: {reason}."
        ) from error
    is_sound = images.dtype == np.uint8 and images.shape == (SIDE * SIDE, len(labels))
    if not is_sound or not len(labels) or labels.dtype.kind not in "iu" or labels.max() > 9:
        raise DataError(
            f"{path}: expected uint8 images [{SIDE * SIDE}, n] and n labels from 0 to 9. "
            f"Received: {images.dtype}, shape {images.shape}, {len(labels)} labels."
        )
    pixels = np.ascontiguousarray(images.T).reshape(-1, SIDE, SIDE, 1)
    return pixels, labels.astype(np.int64)


def _check_size(path: Path) -> None:
    """Refuses a file that would unpack to more than `_MAX_BYTES`, by what it promises itself."""
    total, size = 0, path.stat().st_size
    try:
        with open(path, "rb") as file:
            file.seek(_MAT_HEADER)
            while file.tell() + 8 <= size:
                kind, length = struct.unpack("<II", file.read(8))
                body = file.tell()
                inner = length
                if kind == _COMPRESSED:
                    head = zlib.decompressobj().decompress(file.read(min(length, 4096)), 8)
                    inner = struct.unpack("<I", head[4:8])[0]
                total += inner
                file.seek(body + length)
    except (OSError, struct.error, zlib.error) as error:
        raise DataError(f"{path}: expected a sound .mat file. Received: {error}.") from error
    if max(total, size) > _MAX_BYTES:
        raise DataError(
            f"{path}: expected at most {_MAX_BYTES // 10**6} MB unpacked. "
            f"Received: {max(total, size) // 10**6} MB."
        )
