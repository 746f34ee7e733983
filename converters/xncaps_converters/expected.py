"""FILE.expected.npz: inputs and what must come out, to check a file with wherever it is run."""

from __future__ import annotations

import io
import os
import pathlib
import zipfile
from typing import Any

import numpy as np

from xncaps_converters.samples import Samples
from xncaps_converters.verify import VerifyResult
from xncaps_tf.errors import DataError

FORMAT_VERSION = 1
ROWS = 100
_KEYS = (
    "inputs",
    "outputs",
    "labels",
    "class_names",
    "tolerance",
    "tolerated_share",
    "source",
    "model_sha256",
    "format_version",
)


def path_of(file: str | os.PathLike[str]) -> pathlib.Path:
    """Where the stored check of a TFLite file lies: FILE.expected.npz."""
    path = pathlib.Path(file)
    return path.with_name(path.name + ".expected.npz")


def encode(
    result: VerifyResult, samples: Samples, class_names: tuple[str, ...] | None, model_sha256: str
) -> bytes:
    """The bytes of a stored check: the first 100 samples of a verification.

    Where signs may flip, at most the bounds' share may exceed the tolerance; with so few rows that
    is too few to be sure, so three rows may.
    """
    count = min(ROWS, len(samples))
    outputs = result.expected[:count].astype(np.float32)
    over = int((result.errors[:count] > result.bounds.tolerance).sum())
    share = max(result.bounds.share, (over + 2) / count) if result.bounds.share else 0.0
    labels = samples.labels
    if labels is None or labels.ndim != 1:
        labels = np.full(len(samples), -1)
    content = {
        "inputs": samples.inputs[:count].astype(np.float32),
        "outputs": outputs,
        "labels": labels[:count].astype(np.int64),
        "class_names": np.array(class_names or (), dtype=np.str_),
        "tolerance": np.float32(result.bounds.tolerance),
        "tolerated_share": np.float32(min(share, 1.0)),
        "source": np.str_(samples.source),
        "model_sha256": np.str_(model_sha256),
        "format_version": np.int64(FORMAT_VERSION),
    }
    stream = io.BytesIO()
    np.savez_compressed(stream, **content)  # numpy writes fixed timestamps: same bytes every time
    return stream.getvalue()


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads a stored check.

    Raises:
        DataError: it is not there, damaged, or of another format.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            content = {key: archive[key] for key in _KEYS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"expected a stored check. Received: {path}: {error}.") from error
    if int(content["format_version"]) != FORMAT_VERSION:
        raise DataError(
            f"{path}: expected format_version {FORMAT_VERSION}. "
            f"Received: {int(content['format_version'])}."
        )
    rows = {len(content[key]) for key in ("inputs", "outputs", "labels")}
    if len(rows) != 1:
        raise DataError(f"{path}: expected as many inputs as outputs and labels. Received: {rows}.")
    return content
