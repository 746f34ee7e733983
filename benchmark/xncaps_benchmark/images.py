"""Images to score files on: an .npz with `inputs` [n, ...] and, where known, `labels` [n].

`images` and `x_test` (Keras's mnist.npz) are taken for `inputs`, `y_test` for `labels`;
`class_names` and `source` (what to call them) may stand beside them. A folder of pictures becomes
such a file first: see `pictures`.
"""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files import npz
from xncaps_files.errors import DataError

MAX_BYTES = 1 << 30  # of the arrays of a file
_INPUTS = ("inputs", "images", "x_test")
_LABELS = ("labels", "y_test")
_TEXTS = ("class_names", "source")


@dataclass(frozen=True)
class Images:
    """inputs [n, ...] (pictures [n, H, W, C]), of uint8 or a float type; labels int64 [n], -1 where
    not known.

    `class_names` is empty where the file does not tell; `source` is the file's name then.
    """

    inputs: NDArray[Any]
    labels: NDArray[Any]
    class_names: tuple[str, ...] = ()
    source: str = ""


def read(path: pathlib.Path) -> Images:
    """Reads the file.

    Raises:
        DataError: damaged, no images in it, labels of another length.
    """
    kinds: dict[str, npz.Kind] = {
        **dict.fromkeys(_INPUTS, ("fu", None)),
        **dict.fromkeys(_LABELS, ("iu", None)),
        **dict.fromkeys(_TEXTS, ("U", None)),
    }
    arrays = npz.read(path, {}, kinds, max_bytes=MAX_BYTES)
    inputs = next((arrays[name] for name in _INPUTS if name in arrays), None)
    if inputs is None or inputs.ndim < 2 or not len(inputs):
        names = ", ".join(_INPUTS)
        raise DataError(
            f"{path}: expected an array of images named one of {names}. Received: none."
        )
    if inputs.ndim == 3 and inputs.dtype == np.uint8:
        inputs = inputs[..., None]  # [n, H, W, 1]
    labels = next((arrays[name] for name in _LABELS if name in arrays), np.full(len(inputs), -1))
    labels = labels.reshape(len(labels), -1)[:, 0] if labels.size == len(labels) else labels
    if labels.shape != (len(inputs),):
        shapes = f"images={inputs.shape}, labels={labels.shape}"
        raise DataError(f"{path}: expected as many labels as images. Received: {shapes}.")
    names = tuple(str(name) for name in arrays.get("class_names", np.array([])).reshape(-1))
    source = str(arrays["source"].reshape(-1)[0]) if "source" in arrays else path.name
    if inputs.dtype != np.uint8:  # bytes stay bytes: a quarter of the memory
        inputs = inputs.astype(np.float32)
    return Images(inputs, labels.astype(np.int64), names, source[:200])


def write(path: pathlib.Path, images: Images) -> None:
    """The file that `read` reads; pixels that are whole numbers of 0 to 255 are kept as bytes."""
    inputs = images.inputs
    if inputs.dtype != np.uint8 and inputs.ndim == 4 and _are_bytes(inputs):
        inputs = inputs.astype(np.uint8)
    np.savez_compressed(
        path,
        inputs=inputs,
        labels=images.labels,
        class_names=np.array(images.class_names, dtype=str),
        source=np.array(images.source),
    )


def _are_bytes(inputs: NDArray[Any]) -> bool:
    return bool(
        inputs.size
        and inputs.min() >= 0
        and inputs.max() <= 255
        and np.array_equal(inputs, np.rint(inputs))
    )
