"""FILE.expected.npz: inputs and outputs that were stored when FILE was verified.

Arrays: `inputs` float32 [n, ...], `outputs` float32 [n, classes], `labels` int64 [n] (-1: not
known), `class_names` unicode [classes], `tolerance` and `tolerated_share` float32 scalars, `source`
unicode, `model_sha256` unicode, `format_version` int. Nothing is unpickled, and the sizes that the
archive and the arrays' headers state are checked before anything is allocated: the file may be a
stranger's.
"""

from __future__ import annotations

import pathlib
from dataclasses import dataclass

import numpy as np

from xncaps_benchmark import npz
from xncaps_benchmark.errors import ModelError

MAX_CLASSES = 1 << 16
_KINDS = {
    "inputs": "f",
    "outputs": "f",
    "labels": "iu",
    "class_names": "U",
    "tolerance": "f",
    "tolerated_share": "f",
    "source": "U",
    "model_sha256": "U",
    "format_version": "iu",
}
_NEEDED = ("inputs", "outputs", "tolerance")


@dataclass(frozen=True)
class Expected:
    """The stored rows: inputs [n, ...], outputs [n, ...], labels [n] (-1 unknown)."""

    inputs: np.ndarray
    outputs: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    tolerance: float
    tolerated_share: float
    source: str
    model_sha256: str


def path_beside(model: pathlib.Path, ending: str = "expected.npz") -> pathlib.Path | None:
    """What lies beside a model file: m.tflite.expected.npz or m.expected.npz, None if neither."""
    places = (model.with_name(f"{model.name}.{ending}"), model.with_suffix(f".{ending}"))
    return next((place for place in places if place.is_file()), None)


def read(path: pathlib.Path) -> Expected:
    """Reads and checks the file.

    Raises:
        ModelError: damaged, too large, an array of another kind or length than stated above.
    """
    arrays = npz.read(path, _KINDS)
    if missing := [name for name in _NEEDED if name not in arrays]:
        names = ", ".join(_NEEDED)
        raise ModelError(f"{path}: expected the arrays {names}. Missing: {', '.join(missing)}.")
    return _checked(path, arrays)


def _checked(path: pathlib.Path, arrays: dict[str, np.ndarray]) -> Expected:
    inputs = np.asarray(arrays["inputs"], dtype=np.float32)
    outputs = np.asarray(arrays["outputs"], dtype=np.float32)
    if inputs.ndim < 2 or outputs.ndim < 2 or len(inputs) != len(outputs) or not len(inputs):
        raise ModelError(
            f"{path}: expected inputs [n, ...] and outputs [n, ...], n > 0. "
            f"Received: inputs={inputs.shape}, outputs={outputs.shape}."
        )
    labels = arrays.get("labels", np.full(len(inputs), -1)).astype(np.int64)
    if labels.shape != (len(inputs),):
        raise ModelError(
            f"{path}: expected labels [{len(inputs)}]. Received: labels={labels.shape}."
        )
    if not (np.isfinite(inputs).all() and np.isfinite(outputs).all()):
        raise ModelError(f"{path}: expected finite numbers. Received: NaN or infinity.")
    names = arrays.get("class_names", np.array([], dtype=str)).reshape(-1)
    fits = outputs.ndim == 2 and len(names) == outputs.shape[1] <= MAX_CLASSES
    if outputs.ndim == 2 and labels.max() >= outputs.shape[1]:
        raise ModelError(
            f"{path}: expected labels below {outputs.shape[1]}. Received: label {labels.max()}."
        )
    return Expected(
        inputs=inputs,
        outputs=outputs,
        labels=labels,
        class_names=tuple(str(name) for name in names) if fits else (),
        tolerance=_scalar(arrays, "tolerance", path),
        tolerated_share=_scalar(arrays, "tolerated_share", path),
        source=_text(arrays, "source"),
        model_sha256=_text(arrays, "model_sha256"),
    )


def _scalar(arrays: dict[str, np.ndarray], name: str, path: pathlib.Path) -> float:
    """A scalar that is not negative; 0 where it is absent."""
    array = arrays.get(name, np.zeros(()))
    if array.size != 1 or not np.isfinite(array).all() or float(array.reshape(())) < 0:
        raise ModelError(f"{path}: expected one number >= 0. Received: {name}={array!r}.")
    return float(array.reshape(()))


def _text(arrays: dict[str, np.ndarray], name: str) -> str:
    array = arrays.get(name)
    return str(array.reshape(-1)[0])[:200] if array is not None and array.size else ""
