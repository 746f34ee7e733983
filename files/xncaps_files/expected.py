"""FILE.expected.npz: inputs and what must come out, to check a file with wherever it is run.

Arrays of format 2: `inputs` [n, ...], uint8 where they are pixels, else float32; `outputs` float32
[n, ...]; `labels` int64 [n] (-1: not known); `class_names` unicode [classes]; `tolerance` and
`tolerated_share` float32 scalars; `source` and `model_sha256` unicode; `format_version` int. Format
1 had 100 rows of float32. A file without a version, made by hand, is taken for format 1; only
inputs, outputs and tolerance are needed. The file may be a stranger's: see `npz`.
"""

from __future__ import annotations

import io
import os
import pathlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files import npz, versions
from xncaps_files.errors import DataError

FORMAT_VERSION = 2
MAX_ROWS = 100
MAX_BYTES = 2_500_000  # of a file that is written
MAX_READ_BYTES = 1 << 27  # of the arrays of a file that is read; bytes become float32
MAX_CLASSES = 1 << 16
_REQUIRED: dict[str, npz.Kind] = {
    "inputs": ("fu", None),
    "outputs": ("f", None),
    "tolerance": ("f", None),
}
_OPTIONAL: dict[str, npz.Kind] = {
    "labels": ("iu", None),
    "class_names": ("U", None),
    "tolerated_share": ("f", None),
    "source": ("U", None),
    "model_sha256": ("U", None),
    "format_version": ("iu", None),
}


@dataclass(frozen=True)
class Expected:
    """The stored rows, and how far a file's outputs may be from them.

    Attributes:
        inputs: float32 [n, ...], as the model takes them.
        outputs: float32 [n, ...].
        labels: int64 [n], -1 where not known.
        class_names: in the order of the outputs; empty where not known.
        tolerance: the largest difference of an output.
        tolerated_share: of the rows may be further away, 0 to 1.
        source: of the inputs, for people.
        model_sha256: of the Keras model.
    """

    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...] = ()
    tolerance: float = 0.0
    tolerated_share: float = 0.0
    source: str = ""
    model_sha256: str = ""

    @property
    def allowed(self) -> int:
        """How many of the rows may be further away than the tolerance."""
        return int(self.tolerated_share * len(self.inputs) + 1e-9)


@dataclass(frozen=True)
class Comparison:
    """Outputs against those that were expected.

    Attributes:
        errors: [n], the largest difference of each row; NaN where an output is not finite.
        mean_error: of all outputs.
        over: rows that are further than the tolerance away, or not finite.
        equal_top1: [n], whether the same class is on top; None where the outputs are no scores.
    """

    errors: NDArray[np.float64]
    mean_error: float
    over: int
    equal_top1: NDArray[np.bool_] | None

    @property
    def max_error(self) -> float:
        return float(self.errors.max())


def compare(
    expected: NDArray[Any], outputs: NDArray[Any], tolerance: float, *, tie: float = 0.0
) -> Comparison:
    """Compares outputs [n, ...] with what was expected [n, ...].

    Args:
        expected: what was stored.
        outputs: what came out, of the same shape.
        tolerance: the largest difference that is none.
        tie: two scores as near as this count as the same.

    Raises:
        DataError: the shapes differ, or there is no row.
    """
    if outputs.shape != expected.shape or not expected.size:
        raise DataError(
            f"expected outputs {list(expected.shape)}. Received: {list(outputs.shape)}."
        )
    difference = np.abs(outputs.astype(np.float64) - expected).reshape(len(expected), -1)
    errors = np.where(np.isfinite(difference), difference, np.nan).max(axis=1)  # [n]
    top = None
    if expected.ndim == 2 and expected.shape[1] > 1:
        chosen = np.take_along_axis(expected, outputs.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
        top = chosen >= expected.max(axis=1) - tie
    return Comparison(
        errors=errors,
        mean_error=float(difference.mean()),
        over=int((~(errors <= tolerance)).sum()),  # NaN is over
        equal_top1=top,
    )


def path_of(file: str | os.PathLike[str]) -> pathlib.Path:
    """Where the stored check of a TFLite file is written: FILE.expected.npz."""
    path = pathlib.Path(file)
    return path.with_name(path.name + ".expected.npz")


def path_beside(model: str | os.PathLike[str], ending: str = "expected.npz") -> pathlib.Path | None:
    """What lies beside a model file: m.tflite.expected.npz or m.expected.npz, None if neither."""
    path = pathlib.Path(model)
    places = (path.with_name(f"{path.name}.{ending}"), path.with_suffix(f".{ending}"))
    return next((place for place in places if place.is_file()), None)


def choose_rows(labels: NDArray[Any], row_bytes: int, *, most: int = MAX_ROWS) -> list[int]:
    """Which rows are stored: as many classes as possible, no more bytes than a file may have.

    The first row of each class in the order given, then the second of each, and so on.

    Args:
        labels: [n], -1 where not known.
        row_bytes: of a row's inputs and outputs.
        most: how many at the most.
    """
    seen: dict[int, int] = {}
    turns: list[tuple[int, int]] = []
    for index, label in enumerate(labels.tolist()):
        turns.append((seen.get(label, 0), index))
        seen[label] = seen.get(label, 0) + (label >= 0)
    fitting = int(MAX_BYTES * 0.98) // (row_bytes + 8)  # the rest is names and the archive's own
    return [index for _, index in sorted(turns)[: max(1, min(most, fitting))]]


def encode(stored: Expected) -> bytes:
    """The bytes of the file; the same for the same rows."""
    pixels = np.clip(stored.inputs, 0, 255).astype(np.uint8)
    is_pixels = stored.inputs.ndim == 4 and np.array_equal(pixels, stored.inputs)
    stream = io.BytesIO()
    np.savez_compressed(  # numpy writes fixed timestamps
        stream,
        inputs=pixels if is_pixels else stored.inputs.astype(np.float32),
        outputs=stored.outputs.astype(np.float32),
        labels=stored.labels.astype(np.int64),
        class_names=np.array(stored.class_names, dtype=np.str_),
        tolerance=np.float32(stored.tolerance),
        tolerated_share=np.float32(stored.tolerated_share),
        source=np.str_(stored.source),
        model_sha256=np.str_(stored.model_sha256),
        format_version=np.int64(FORMAT_VERSION),
    )
    return stream.getvalue()


def read(path: str | os.PathLike[str]) -> Expected:
    """Reads a stored check of any version.

    Raises:
        DataError: damaged, too large, of a newer version, or an array of another kind or length
            than stated above.
    """
    arrays = npz.read(path, _REQUIRED, _OPTIONAL, max_bytes=MAX_READ_BYTES)
    found = arrays.pop("format_version", np.array(1))
    if found.size != 1:
        raise DataError(f"{path}: expected one number. Received: format_version={found!r}.")
    arrays = versions.upgrade(arrays, int(found.reshape(())), _UPGRADES, str(path))
    return _checked(path, arrays)


def _from_1(arrays: npz.Arrays) -> npz.Arrays:
    """Format 1 had the same arrays; its inputs were always float32."""
    return arrays


_UPGRADES: tuple[Callable[[npz.Arrays], npz.Arrays], ...] = (_from_1,)


def _checked(path: object, arrays: npz.Arrays) -> Expected:
    inputs, outputs = arrays["inputs"], arrays["outputs"]
    if inputs.ndim < 2 or outputs.ndim < 2 or len(inputs) != len(outputs) or not len(inputs):
        raise DataError(
            f"{path}: expected inputs [n, ...] and outputs [n, ...], n > 0. "
            f"Received: inputs={inputs.shape}, outputs={outputs.shape}."
        )
    labels = arrays.get("labels", np.full(len(inputs), -1)).astype(np.int64)
    if labels.shape != (len(inputs),):
        raise DataError(
            f"{path}: expected labels [{len(inputs)}]. Received: labels={labels.shape}."
        )
    if not (np.isfinite(inputs).all() and np.isfinite(outputs).all()):
        raise DataError(f"{path}: expected finite numbers. Received: NaN or infinity.")
    if outputs.ndim == 2 and labels.max() >= outputs.shape[1]:
        raise DataError(
            f"{path}: expected labels below {outputs.shape[1]}. Received: label {labels.max()}."
        )
    names = arrays.get("class_names", np.array([], dtype=np.str_)).reshape(-1)
    fits = outputs.ndim == 2 and len(names) == outputs.shape[1] <= MAX_CLASSES
    return Expected(
        inputs=inputs.astype(np.float32),
        outputs=outputs.astype(np.float32),
        labels=labels,
        class_names=tuple(str(name) for name in names) if fits else (),
        tolerance=_scalar(arrays, "tolerance", path),
        tolerated_share=_scalar(arrays, "tolerated_share", path),
        source=_text(arrays, "source"),
        model_sha256=_text(arrays, "model_sha256"),
    )


def _scalar(arrays: npz.Arrays, name: str, path: object) -> float:
    """A scalar that is not negative; 0 where it is absent."""
    array = arrays.get(name, np.zeros(()))
    if array.size != 1 or not np.isfinite(array).all() or float(array.reshape(())) < 0:
        raise DataError(f"{path}: expected one number >= 0. Received: {name}={array!r}.")
    return float(array.reshape(()))


def _text(arrays: npz.Arrays, name: str) -> str:
    array = arrays.get(name)
    return str(array.reshape(-1)[0])[:200] if array is not None and array.size else ""
