"""Stored inputs and outputs of a model, as the app's Measure screen compares them.

FILE.expected.npz is NumPy's; this reads the few arrays that it needs with the standard library,
since who builds the app need not have NumPy. What the app reads is in StoredCheck.java.
"""

from __future__ import annotations

import ast
import json
import pathlib
import struct
import zipfile
from dataclasses import dataclass

from xncaps_android.commands import BuildError

MOST_BYTES = 920_000
_MOST_ARRAY = 1 << 28
_SIZES = {"|u1": 1, "<f4": 4}


@dataclass(frozen=True)
class _Array:
    kind: str
    shape: tuple[int, ...]
    data: bytes

    def rows(self, count: int) -> bytes:
        """The first rows; every row is as long as the others."""
        return self.data[: len(self.data) // self.shape[0] * count]


def check(model_file: pathlib.Path) -> bytes | None:
    """A line of JSON, then the first rows that fit into MOST_BYTES: all inputs, all outputs.

    None where nothing is stored beside the model. Of fewer rows as many may be further away than
    the tolerance as of all that are stored: a file that passes whole passes in part.

    Raises:
        BuildError: it is no such file.
    """
    names = (f"{model_file.name}.expected.npz", f"{model_file.stem}.expected.npz")
    found = [path for path in (model_file.with_name(name) for name in names) if path.is_file()]
    if not found:
        return None
    try:
        return _check(found[0])
    except (OSError, zipfile.BadZipFile, ValueError, SyntaxError, KeyError, struct.error) as error:
        raise BuildError(f"{found[0]}: expected stored inputs and outputs, got {error!r}") from None


def _check(path: pathlib.Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        inputs, outputs = _numbers(archive, "inputs"), _numbers(archive, "outputs")
        tolerance = _number(archive, "tolerance")
        share = _number(archive, "tolerated_share") if _has(archive, "tolerated_share") else 0.0
        source = _text(archive, "source") if _has(archive, "source") else ""
    count = inputs.shape[0]
    if outputs.kind != "<f4" or outputs.shape[0] != count or not 0 <= share < 1 or tolerance < 0:
        raise ValueError(f"outputs {outputs.kind}{outputs.shape} of inputs {inputs.shape}")
    row = (len(inputs.data) + len(outputs.data)) // count
    rows = max(1, min(count, MOST_BYTES // row))
    head = {
        "rows": rows,
        "inputs": "uint8" if inputs.kind == "|u1" else "float32",
        "tolerance": tolerance,
        "allowed": min(rows, int(share * count + 1e-9)),
        "source": source,
    }
    line = json.dumps(head, sort_keys=True, allow_nan=False)
    return line.encode() + b"\n" + inputs.rows(rows) + outputs.rows(rows)


def _has(archive: zipfile.ZipFile, name: str) -> bool:
    return f"{name}.npy" in archive.namelist()


def _array(archive: zipfile.ZipFile, name: str) -> _Array:
    """An array in its file's order: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html"""
    info = archive.getinfo(f"{name}.npy")
    if info.file_size > _MOST_ARRAY:
        raise ValueError(f"{name} of {info.file_size} bytes")
    content = archive.read(info)
    if content[:6] != b"\x93NUMPY":
        raise ValueError(f"{name} is no array")
    wide = content[6] > 1
    (length,) = struct.unpack_from("<I" if wide else "<H", content, 8)
    start = (12 if wide else 10) + length
    head = ast.literal_eval(content[start - length : start].decode("latin-1"))
    shape = tuple(int(size) for size in head["shape"])
    if head["fortran_order"]:
        raise ValueError(f"{name} in Fortran's order")
    return _Array(str(head["descr"]), shape, content[start:])


def _numbers(archive: zipfile.ZipFile, name: str) -> _Array:
    array = _array(archive, name)
    size = _SIZES.get(array.kind, 0)
    for axis in array.shape:
        size *= axis
    if len(array.shape) < 2 or size < 1 or size != len(array.data):
        raise ValueError(f"{name} {array.kind}{array.shape} of {len(array.data)} bytes")
    return array


def _number(archive: zipfile.ZipFile, name: str) -> float:
    array = _array(archive, name)
    form = {"<f4": "<f", "<f8": "<d"}[array.kind]
    return float(struct.unpack(form, array.data)[0])


def _text(archive: zipfile.ZipFile, name: str) -> str:
    array = _array(archive, name)
    if not array.kind.startswith("<U"):
        raise ValueError(f"{name} {array.kind}")
    return array.data.decode("utf-32-le").rstrip("\0")[:200]
