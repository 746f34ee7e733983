"""A trained model on pictures of a user's own."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files import pictures
from xncaps_files.scores import ScoreScale
from xncaps_tf import models
from xncaps_tf.errors import DataError
from xncaps_tf.training import networks


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
    """Pixels to shares of 0 to 1, whatever the head: see `xncaps_files.scores`.

    Args:
        model: Keras model of images `[B, H, W, C]`, pixels 0 to 255, C 1 or 3.
        invert: whether pictures are inverted: the model knows light strokes on dark ground, and a
            picture that somebody hands over is taken for ink on paper (docs/android.md).

    Attributes:
        names: of the classes; their numbers where the model does not tell.
        shape: (H, W, C) of the images.
        scale: of the scores.

    Raises:
        DataError: the model takes something else.
    """

    def __init__(self, model: Any, *, invert: bool = False) -> None:
        shape = networks.input_shape(model, "predict")
        if len(shape) != 3 or None in shape or shape[-1] not in (1, 3):
            raise DataError(
                "predict: expected a model of images (H, W, 1) or (H, W, 3). "
                f"Received: one of inputs {shape}."
            )
        gives = networks.output_shape(model)
        if len(gives) != 1 or not isinstance(gives[0], int):
            raise DataError(
                "predict: expected a model of one output, a score a class. "
                f"Received: one of outputs {gives}."
            )
        self._model, self._invert = model, invert
        self.scale = ScoreScale(models.score_kind(model))
        self.shape: tuple[int, int, int] = shape  # pyright: ignore[reportAttributeAccessIssue]
        self.names = models.class_names(model) or tuple(map(str, range(gives[0])))

    def shares(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Shares [b, classes] of pixels [b, H, W, C]."""
        given = (255 - pixels if self._invert else pixels).astype(np.float32)
        return self.scale.shares(np.asarray(self._model.predict_on_batch(given)))
