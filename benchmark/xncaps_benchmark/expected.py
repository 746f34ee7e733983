"""FILE.expected.npz: inputs and outputs that were stored when FILE was verified.

Arrays: `inputs` float32 [n, ...], `outputs` float32 [n, classes], `labels` int64 [n] (-1: not
known), `class_names` unicode [classes], `tolerance` and `tolerated_share` float32 scalars, `source`
unicode, `model_sha256` unicode, `format_version` int. Nothing is unpickled, and the sizes that the
archive and the arrays' headers state are checked before anything is allocated: the file may be a
stranger's.
"""

from __future__ import annotations

import pathlib
import zipfile
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from xncaps_benchmark.errors import ModelError

MAX_BYTES = 1 << 30
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


def path_beside(model: pathlib.Path) -> pathlib.Path | None:
    """The stored rows of a model file: m.tflite.expected.npz or m.expected.npz, or None."""
    places = (model.with_name(model.name + ".expected.npz"), model.with_suffix(".expected.npz"))
    return next((place for place in places if place.is_file()), None)


def read(path: pathlib.Path) -> Expected:
    """Reads and checks the file.

    Raises:
        ModelError: damaged, too large, an array of another kind or length than stated above.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {name: _array(archive, name, path) for name in _members(archive, path)}
    except (
        OSError,
        zipfile.BadZipFile,
        ValueError,
        EOFError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise ModelError(f"{path}: expected a .npz of arrays. Received: {error}") from error
    return _checked(path, arrays)


def _members(archive: zipfile.ZipFile, path: pathlib.Path) -> list[str]:
    """Names of the arrays that are known, after a check of what they take when unpacked."""
    infos = {info.filename: info for info in archive.infolist()}
    known = [name for name in _KINDS if f"{name}.npy" in infos]
    total = sum(infos[f"{name}.npy"].file_size for name in known)
    if total > MAX_BYTES:
        raise ModelError(f"{path}: expected at most {MAX_BYTES} bytes unpacked. Received: {total}.")
    if missing := [name for name in _NEEDED if name not in known]:
        raise ModelError(
            f"{path}: expected the arrays {', '.join(_NEEDED)}. Missing: {', '.join(missing)}."
        )
    return known


def _array(archive: zipfile.ZipFile, name: str, path: pathlib.Path) -> np.ndarray:
    with archive.open(f"{name}.npy") as file:
        shape, dtype = _header(file)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if dtype.kind not in _KINDS[name] or dtype.hasobject or not 0 <= size <= MAX_BYTES:
            raise ModelError(
                f"{path}: expected {name} of kind {_KINDS[name]}. Received: {name}={dtype} {shape}."
            )
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type that an .npy file states, before anything of that size is allocated."""
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"an .npy of version {version}")
    shape, _, dtype = readers[version](file)
    return shape, dtype


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
