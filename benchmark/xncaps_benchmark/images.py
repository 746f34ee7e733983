"""Images to score files on: an .npz with `inputs` [n, ...] and, where known, `labels` [n].

`images` and `x_test` (Keras's mnist.npz) are taken for `inputs`, `y_test` for `labels`.
"""

from __future__ import annotations

import pathlib
from dataclasses import dataclass

import numpy as np

from xncaps_benchmark import npz
from xncaps_benchmark.errors import ModelError

_INPUTS = ("inputs", "images", "x_test")
_LABELS = ("labels", "y_test")


@dataclass(frozen=True)
class Images:
    """inputs float32 [n, ...] (pictures [n, H, W, C]); labels int64 [n], -1 where not known."""

    inputs: np.ndarray
    labels: np.ndarray


def read(path: pathlib.Path) -> Images:
    """Reads the file.

    Raises:
        ModelError: damaged, no images in it, labels of another length.
    """
    kinds = {**dict.fromkeys(_INPUTS, "fu"), **dict.fromkeys(_LABELS, "iu")}
    arrays = npz.read(path, kinds)
    inputs = next((arrays[name] for name in _INPUTS if name in arrays), None)
    if inputs is None or inputs.ndim < 2 or not len(inputs):
        names = ", ".join(_INPUTS)
        raise ModelError(
            f"{path}: expected an array of images named one of {names}. Received: none."
        )
    if inputs.ndim == 3 and inputs.dtype == np.uint8:
        inputs = inputs[..., None]  # [n, H, W, 1]
    labels = next((arrays[name] for name in _LABELS if name in arrays), np.full(len(inputs), -1))
    labels = labels.reshape(len(labels), -1)[:, 0] if labels.size == len(labels) else labels
    if labels.shape != (len(inputs),):
        shapes = f"images={inputs.shape}, labels={labels.shape}"
        raise ModelError(f"{path}: expected as many labels as images. Received: {shapes}.")
    return Images(inputs.astype(np.float32), labels.astype(np.int64))
