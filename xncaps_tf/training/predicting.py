"""A trained model on pictures of a user's own and on the frames of a camera."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xncaps_files import pictures
from xncaps_files.scores import ScoreScale
from xncaps_tf import models
from xncaps_tf.errors import DataError


def expand(patterns: Iterable[str]) -> list[pathlib.Path]:
    """The files that are meant by files, folders and globs; see `pictures.expand`."""
    return pictures.expand(patterns)


def batches(
    paths: Sequence[pathlib.Path],
    shape: tuple[int, int, int],
    size: int,
    refuse: Callable[[DataError], object],
) -> Iterator[tuple[list[str], NDArray[np.uint8]]]:
    """(names, pixels uint8 [b, H, W, C]) of picture files, in order, `size` at a time.

    Args:
        paths: the files.
        shape: (H, W, C) that each is cut and scaled to.
        size: b at the most.
        refuse: called with the fault of a picture that cannot be read, and is left out.
    """
    for start in range(0, len(paths), size):
        names: list[str] = []
        found: list[NDArray[np.uint8]] = []
        for path in paths[start : start + size]:
            try:
                found.append(pictures.decode(path, shape))
            except DataError as error:
                refuse(error)
            else:
                names.append(str(path))
        if found:
            yield names, np.stack(found)  # [b, H, W, C]


class Classifier:
    """Pictures of any size to ranked class names.

    Scores are shares of 0 to 1, whatever the head: see `xncaps_files.scores`.

    Args:
        model: Keras model of images `[B, H, W, C]`, pixels 0 to 255, C 1 or 3.
        invert: whether pictures are inverted: the model knows light strokes on dark ground, and a
            picture that somebody hands over is taken for ink on paper (docs/android.md).

    Raises:
        DataError: the model takes something else.
    """

    def __init__(self, model: Any, *, invert: bool = False) -> None:
        shape = tuple(model.input_shape[1:])
        if len(shape) != 3 or None in shape or shape[-1] not in (1, 3):
            raise DataError(
                "predict: expected a model of images (H, W, 1) or (H, W, 3). "
                f"Received: one of inputs {shape}."
            )
        self._model, self._invert = model, invert
        self._scale = ScoreScale(models.score_kind(model))
        self.shape: tuple[int, int, int] = shape  # pyright: ignore[reportAttributeAccessIssue]
        count = model.output_shape[-1]
        self.names = models.class_names(model) or tuple(f"class {i}" for i in range(count))

    def files(
        self, batches: Iterable[tuple[list[str], NDArray[np.uint8]]]
    ) -> Iterator[tuple[str, NDArray[Any]]]:
        """(name, shares [classes]) of each picture of what `batches` gives, in order."""
        for names, pixels in batches:
            yield from zip(names, self._shares(pixels.astype(np.float32)), strict=True)

    def frames(self, camera: Camera, count: int | None) -> Iterator[tuple[str, NDArray[Any]]]:
        """(name, shares [classes]) of each frame; without end where count is None."""
        with camera:
            number = 0
            while count is None or number < count:
                number += 1
                pixels = pictures.fit(Image.fromarray(camera.read()), self.shape)[None]
                yield f"frame {number}", self._shares(pixels.astype(np.float32))[0]

    def _shares(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Shares [b, classes] of pixels [b, H, W, C]."""
        given = 255 - pixels if self._invert else pixels
        return self._scale.shares(np.asarray(self._model.predict_on_batch(given)))

    def top(self, scores: NDArray[Any], count: int) -> list[tuple[str, float]]:
        """The `count` highest scores with their names, highest first."""
        order = np.argsort(-scores, kind="stable")[:count]
        return [(self.names[index], float(scores[index])) for index in order]


class Camera:
    """Frames of a camera, by OpenCV (the extra `camera`).

    Args:
        number: of the device, or the path of a video file.

    Raises:
        DataError: OpenCV is not installed or the camera cannot be opened.
    """

    def __init__(self, number: int | str) -> None:
        try:
            import cv2
        except ImportError as error:
            raise DataError(
                f"--camera: expected OpenCV. Received: {error}; pip install 'xncaps-tf[camera]'."
            ) from error
        self._number = number
        self._capture: Any = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            raise DataError(f"--camera: expected a camera. Received: {number}, which cannot open.")

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()

    def read(self) -> NDArray[Any]:
        """The next frame, uint8 RGB [h, w, 3].

        Raises:
            DataError: the camera gives none.
        """
        is_read, frame = self._capture.read()
        if not is_read:
            raise DataError(f"--camera: expected a frame. Received: none from {self._number}.")
        return np.ascontiguousarray(frame[:, :, ::-1])
