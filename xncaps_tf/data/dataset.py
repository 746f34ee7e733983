"""What `load` returns: images and labels of one split, with their names and shapes."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from xncaps_tf._keras import tf
from xncaps_tf.errors import DataError

_HASHED_AT_ONCE = 256
_READ_AT_ONCE = 512  # also between two words of how far it is
_DECODED_AT_ONCE = 64  # of as_tf, by each core: 38 MB of photographs of 224 pixels


class Images(Protocol):
    """Where a data set's images come from; `gather` is called inside a tf.data function."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every image."""
        ...

    def __len__(self) -> int: ...

    def prepare(self) -> None:
        """Makes, outside of any graph, the tensors that `gather` uses."""
        ...

    def gather(self, indices: Any) -> Any:
        """Images float32 [n, H, W, C] of the int64 tensor `indices` [n]."""
        ...

    def numpy(self, indices: NDArray[Any]) -> NDArray[Any]:
        """The same images as an array, of the type they are stored in."""
        ...

    def check(self, indices: NDArray[Any]) -> None:
        """Raises DataError for the first image of these that cannot be read."""
        ...

    def fingerprint(self, indices: NDArray[Any]) -> str:
        """A text that is another one where one of these images is: for what is kept of them."""
        ...

    @property
    def fault(self) -> DataError | None:
        """What `gather` last failed at; TensorFlow turns that into an error of its own."""
        ...


class StoredImages:
    """What holds of images whose pixels are at hand: none of them can fail to be read."""

    fault: DataError | None = None

    def numpy(self, indices: NDArray[Any]) -> NDArray[Any]:
        """The images as they are stored."""
        raise NotImplementedError

    def check(self, indices: NDArray[Any]) -> None:
        """Does nothing."""

    def fingerprint(self, indices: NDArray[Any]) -> str:
        """SHA-256 of the pixels."""
        digest = hashlib.sha256()
        for first in range(0, len(indices), _HASHED_AT_ONCE):
            pixels = self.numpy(indices[first : first + _HASHED_AT_ONCE])
            digest.update(f"{pixels.dtype.str}{pixels.shape}".encode() + pixels.tobytes())
        return digest.hexdigest()


class ArrayImages(StoredImages):
    """Images in one array [n, H, W, C], uint8, uint16 or float32; it may be a file's map."""

    def __init__(self, array: NDArray[Any]) -> None:
        if array.ndim != 4 or array.dtype.name not in ("uint8", "uint16", "float32"):
            raise ValueError(
                "ArrayImages: expected uint8, uint16 or float32 images of shape [n, H, W, C]. "
                f"Received: array of {array.dtype}, shape {array.shape}."
            )
        self._array = array
        self._tensor: Any = None

    @property
    def shape(self) -> tuple[int, int, int]:
        height, width, channels = self._array.shape[1:]
        return int(height), int(width), int(channels)

    def __len__(self) -> int:
        return len(self._array)

    def prepare(self) -> None:
        if self._tensor is None and not isinstance(self._array, np.memmap):
            with tf.init_scope(), tf.device("CPU:0"):
                self._tensor = tf.constant(self._array)

    def gather(self, indices: Any) -> Any:
        if self._tensor is None:  # more than memory should hold: TensorFlow gets what it asks for
            found = tf.numpy_function(self.numpy, [indices], self._array.dtype, stateful=False)
        else:
            found = tf.gather(self._tensor, indices)
        return tf.cast(found, tf.float32)  # [n, H, W, C]

    def numpy(self, indices: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self._array[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """One split of a data set: images of one shape, 0 to 255, and the class of each.

    Attributes:
        name: one of `data.NAMES`, or a name of the caller's own.
        split: 'train', 'test', or what the caller says ('train[validation]').
        class_names: one name a class, in the order of the labels.
        images: where the images come from.
        labels: int64 [n], or float32 [n, classes] of zeros and ones where an image shows more than
            one class (MultiMNIST: two-hot).
        source: the file or folder that was read, for reports.
        positions: which of `images` belong to the split, int64 [n]; all where not given.
        note: what a report must say about the images ('JPEG copy'), else ''.

    Raises:
        DataError: labels and images differ in number, a label has no class, there is no image, or
            a class name is empty, has a line break in it or is no UTF-8.
    """

    name: str
    split: str
    class_names: tuple[str, ...]
    images: Images
    labels: NDArray[Any]
    source: str = ""
    positions: NDArray[Any] = field(default=None)  # pyright: ignore[reportAssignmentType]
    note: str = ""

    def __post_init__(self) -> None:
        if cast(Any, self.positions) is None:
            object.__setattr__(self, "positions", np.arange(len(self.images), dtype=np.int64))
        where = f"{self.source or self.name}: "
        for name in self.class_names:
            if name.splitlines() != [name]:  # a file stores them so
                raise DataError(
                    f"{where}expected class names of one line each. Received: {name!r}."
                )
            if name.encode("utf-8", "replace").decode() != name:  # of a folder in another encoding
                raise DataError(
                    f"{where}expected class names in UTF-8. Received: {name!r}; rename the folder."
                )
        if len(self.labels) != len(self.positions):
            raise DataError(
                f"{where}expected one label an image. Received: {len(self.positions)} images "
                f"and {len(self.labels)} labels."
            )
        if not len(self.positions):
            raise DataError(f"{where}expected at least one image. Received: none.")
        classes = len(self.class_names)
        if self.labels.ndim == 1:
            low, high = int(self.labels.min()), int(self.labels.max())
            if low < 0 or high >= classes:
                raise DataError(
                    f"{where}expected labels from 0 to {classes - 1}. "
                    f"Received: labels from {low} to {high}."
                )
        elif self.labels.shape[1:] != (classes,):
            raise DataError(
                f"{where}expected labels [n, {classes}]. Received: shape {self.labels.shape}."
            )

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def size(self) -> int:
        """How many images there are."""
        return len(self)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        return self.images.shape

    @property
    def num_classes(self) -> int:
        """How many classes there are: the length of `class_names`."""
        return len(self.class_names)

    @property
    def num_labels(self) -> int:
        """How many classes one image shows: 1, or 2 in MultiMNIST."""
        return 1 if self.labels.ndim == 1 else int(round(float(self.labels[0].sum())))

    @property
    def title(self) -> str:
        """The name with what a report must add to it: 'cifar10 (JPEG copy)'."""
        return f"{self.name} ({self.note})" if self.note else self.name

    @property
    def element_spec(self) -> tuple[Any, Any]:
        """The spec of one element of `as_tf()`."""
        label = (
            tf.TensorSpec([], tf.int64)
            if self.labels.ndim == 1
            else tf.TensorSpec([self.num_classes], tf.float32)
        )
        return tf.TensorSpec(self.image_shape, tf.float32), label

    def check(self, done: Callable[[int], object] | None = None) -> None:
        """Reads every image once, so that no step of a training meets one that cannot be read.

        Args:
            done: called now and then with the number of images that have been read.

        Raises:
            DataError: the first such image, named.
        """
        for first in range(0, len(self), _READ_AT_ONCE):
            self.images.check(self.positions[first : first + _READ_AT_ONCE])
            if done is not None:
                done(min(first + _READ_AT_ONCE, len(self)))

    @contextlib.contextmanager
    def reading(self) -> Generator[None, None, None]:
        """Around what reads batches: an image that cannot be read raises its own DataError."""
        try:
            yield
        except tf.errors.OpError as error:
            if self.images.fault is not None:
                raise self.images.fault from error
            raise

    def as_tf(self) -> Any:
        """tf.data of (image float32 [H, W, C], label), one image an element, in stored order."""
        self.images.prepare()
        with tf.init_scope(), tf.device("CPU:0"):
            positions, labels = tf.constant(self.positions), tf.constant(self.labels)

        def load(chosen: Any) -> tuple[Any, Any]:
            images = self.images.gather(tf.gather(positions, chosen))
            return tf.ensure_shape(images, [None, *self.image_shape]), tf.gather(labels, chosen)

        chosen = tf.data.Dataset.range(len(self)).batch(_DECODED_AT_ONCE)
        images = chosen.map(load, tf.data.AUTOTUNE, deterministic=True).unbatch()
        return images.apply(tf.data.experimental.assert_cardinality(len(self)))

    def numpy(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """(images [n, H, W, C] as they are stored, labels): the whole split as arrays."""
        return self.images.numpy(self.positions), self.labels

    def subset(self, indices: Sequence[int] | NDArray[Any] | slice, *, split: str = "") -> Dataset:
        """The images at `indices` of this split, in that order; no image is copied.

        Raises:
            IndexError: an index is outside the split.
            DataError: no index is given.
        """
        chosen = np.arange(len(self), dtype=np.int64)[indices]
        return replace(
            self,
            positions=self.positions[chosen],
            labels=self.labels[chosen],
            split=split or self.split,
        )
