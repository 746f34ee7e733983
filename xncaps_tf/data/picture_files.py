"""Photographs as the images of a data set: decoded when they are asked for, never all at once."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from xncaps_files import pictures
from xncaps_tf._keras import tf
from xncaps_tf.errors import DataError

KEPT_BYTES = 256 * 2**20  # 1,783 pictures of 224x224x3
_CHECKED_AT_ONCE = 64

_Job = TypeVar("_Job")


class FileImages:
    """Picture files, each decoded as `pictures.decode` does when it is asked for.

    The first decoded pictures are kept, up to `kept_bytes`; the others are decoded again every
    time. So memory is bounded by that, the batches on their way and one whole picture a core,
    whatever the number of files; nothing is written to disk.

    Args:
        paths: the files.
        shape: (H, W, C) of every image.
        kept_bytes: how much of what is decoded stays in memory.

    Attributes:
        fault: the first error that `gather` met, since TensorFlow makes an error of its own of it.
    """

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        shape: tuple[int, int, int],
        *,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self._paths = [os.fspath(path) for path in paths]
        self._shape = shape
        self._kept: dict[int, NDArray[Any]] = {}
        self._most_kept = kept_bytes // int(np.prod(shape))
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self.fault: DataError | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        return self._shape

    def __len__(self) -> int:
        return len(self._paths)

    def prepare(self) -> None:
        self.fault = None

    def gather(self, indices: Any) -> Any:
        found = tf.numpy_function(self._gather, [indices], tf.uint8, stateful=False)
        return tf.cast(found, tf.float32)  # [n, H, W, C]

    def numpy(self, indices: NDArray[Any]) -> NDArray[Any]:
        result = np.empty((len(indices), *self._shape), np.uint8)

        def put(place: int) -> None:
            result[place] = self._decoded(int(indices[place]))

        self._on_all_cores(put, range(len(indices)))
        return result

    def check(self, indices: NDArray[Any]) -> None:
        """Decodes every picture of `indices` once.

        Raises:
            DataError: the first of them, in this order, that cannot be read.
        """
        for first in range(0, len(indices), _CHECKED_AT_ONCE):  # an error ends the work early
            chunk = indices[first : first + _CHECKED_AT_ONCE]
            self._on_all_cores(lambda index: self._decoded(int(index)), chunk)

    def fingerprint(self, indices: NDArray[Any]) -> str:
        """SHA-256 of each file's path, size and time of change."""
        digest = hashlib.sha256(repr(self._shape).encode())
        for index in indices:
            path = self._paths[int(index)]
            about = os.stat(path)
            told = f"{path}\0{about.st_size}\0{about.st_mtime_ns}\n"
            digest.update(told.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _gather(self, indices: NDArray[Any]) -> NDArray[Any]:
        try:
            return self.numpy(indices)
        except DataError as error:
            self.fault = self.fault or error
            raise

    def _decoded(self, index: int) -> NDArray[Any]:
        found = self._kept.get(index)
        if found is not None:
            return found
        found = pictures.decode(self._paths[index], self._shape)
        with self._lock:
            if len(self._kept) < self._most_kept:
                self._kept[index] = found
        return found

    def _on_all_cores(self, work: Callable[[_Job], object], jobs: Iterable[_Job]) -> None:
        """Pillow lets other threads run while it decodes. The first error in order is raised."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(os.cpu_count(), "decode")
        for _ in self._pool.map(work, jobs):
            pass
