"""What a .tflite file says of its input: TFLite's standard metadata, read without TensorFlow.

The flatbuffer `TFLITE_METADATA` in the model names the scaling (NormalizationOptions); the ZIP at
the file's end has the label file and `xncaps.json`, with what the standard has no field for. Both
may be a stranger's: every offset is checked, and nothing of them is executed.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xncaps_runtime.errors import RuntimeLibraryError

_ENTRY = "TFLITE_METADATA"
_EXTRAS = "xncaps.json"
_LABELS = (2, 3)  # AssociatedFileType: TENSOR_AXIS_LABELS, TENSOR_VALUE_LABELS
_NORMALIZATION = 1  # ProcessUnitOptions
_LARGEST = 1 << 20  # of a file in the ZIP
# What struct, json and zipfile raise on damaged bytes; LookupError is an index that leaves a list.
_DAMAGE = (
    struct.error,
    ValueError,
    LookupError,
    RecursionError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class InputAbout:
    """How pixels of 0 to 255 become the model's input, and its classes.

    Attributes:
        class_names: in the order of the scores; None where the file does not tell.
        mean, std: (pixel - mean) / std, one value for all channels or one a channel.
        invert: 255 - pixel before that: the model knows light strokes on dark ground.
        channel_order: 'GRAYSCALE', 'RGB' or '' where not told.
    """

    class_names: tuple[str, ...] | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    invert: bool = False
    channel_order: str = ""

    def check(self, channels: int) -> None:
        """That it fits an input of so many channels.

        Raises:
            RuntimeLibraryError: it does not.
        """
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, channels):
                raise RuntimeLibraryError(
                    f"metadata: expected 1 or {channels} values of {name}. Received: {len(values)}."
                )
        if not all(value > 0 for value in self.std):
            raise RuntimeLibraryError(
                f"metadata: expected positive values of std. Received: {list(self.std)}."
            )
        wanted = {"GRAYSCALE": 1, "RGB": 3}.get(self.channel_order, channels)
        if wanted != channels:
            raise RuntimeLibraryError(
                f"metadata: expected a channel_order of {channels} channels. "
                f"Received: {self.channel_order}."
            )


def read(path: str | Path) -> InputAbout:
    """What the file tells; the defaults where it has no metadata.

    Raises:
        RuntimeLibraryError: its metadata is damaged.
    """
    data = Path(path).read_bytes()
    try:
        return _read(data)
    except _DAMAGE as error:
        text = " ".join(str(error).split())
        raise RuntimeLibraryError(f"{path}: expected sound metadata. Received: {text}") from error


def _read(data: bytes) -> InputAbout:
    model = _Table.root(data)
    files = _files(data)
    content = next(
        (entry.number(1, "<I") for entry in model.tables(6) if entry.text(0) == _ENTRY), None
    )
    if content is None:
        return InputAbout()
    raw = model.tables(4)[content].raw(0)
    graph = (_Table.root(raw).tables(3) or [None])[0]
    inputs, outputs = (graph.tables(2), graph.tables(3)) if graph else ([], [])
    mean, std = _scaling(inputs[0]) if inputs else ((0.0,), (1.0,))
    told = _extras(files)
    return InputAbout(
        class_names=_labels(outputs[0], files) if outputs else None,
        mean=mean,
        std=std,
        invert=told.get("polarity") == "light_on_dark",
        channel_order=str(told.get("channel_order", "")),
    )


def _scaling(tensor: _Table) -> tuple[tuple[float, ...], tuple[float, ...]]:
    for unit in tensor.tables(4):
        options = unit.table(1)
        if options is not None and unit.number(0, "<B") == _NORMALIZATION:
            return options.floats(0), options.floats(1)
    return (0.0,), (1.0,)


def _labels(tensor: _Table, files: dict[str, bytes]) -> tuple[str, ...] | None:
    for file in tensor.tables(6):
        if file.number(2, "<b") in _LABELS:
            name = file.text(0)
            if name not in files:
                raise ValueError(f"no label file {name} in it")
            return tuple(line.strip() for line in files[name].decode("utf-8").splitlines())
    return None


def _extras(files: dict[str, bytes]) -> dict[str, Any]:
    about = json.loads(files[_EXTRAS]) if _EXTRAS in files else {}
    told = about.get("input") if isinstance(about, dict) else None
    return told if isinstance(told, dict) else {}


def _files(data: bytes) -> dict[str, bytes]:
    """The files of the ZIP at the end, those that are not too large."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        small = [info for info in archive.infolist() if info.file_size <= _LARGEST]
        return {info.filename: archive.read(info) for info in small[:64]}


class _Table:
    """A flatbuffer table; struct.error or ValueError where an offset leaves the buffer."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._vtable = at - self._unpack("<i", at)

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, struct.unpack_from("<I", data)[0])

    def _unpack(self, form: str, at: int) -> Any:
        if not 0 <= at < len(self._data):
            raise ValueError(f"an offset of {at} in {len(self._data)} bytes")
        return struct.unpack_from(form, self._data, at)[0]

    def _field(self, number: int) -> int | None:
        slot = 4 + 2 * number
        if slot >= self._unpack("<H", self._vtable):
            return None
        offset = self._unpack("<H", self._vtable + slot)
        return self._at + offset if offset else None

    def _vector(self, number: int, size: int) -> tuple[int, int]:
        """Place and length of a vector, 0 where there is none."""
        field = self._field(number)
        if field is None:
            return 0, 0
        at = field + self._unpack("<I", field)
        length = self._unpack("<I", at)
        if at + 4 + length * size > len(self._data):
            raise ValueError(f"a vector of {length} in {len(self._data)} bytes")
        return at + 4, length

    def number(self, number: int, form: str) -> int:
        field = self._field(number)
        return 0 if field is None else self._unpack(form, field)

    def table(self, number: int) -> _Table | None:
        field = self._field(number)
        return None if field is None else _Table(self._data, field + self._unpack("<I", field))

    def tables(self, number: int) -> list[_Table]:
        start, length = self._vector(number, 4)
        places = range(start, start + 4 * length, 4)
        return [_Table(self._data, at + self._unpack("<I", at)) for at in places]

    def raw(self, number: int) -> bytes:
        start, length = self._vector(number, 1)
        return self._data[start : start + length]

    def text(self, number: int) -> str:
        return self.raw(number).decode("utf-8")

    def floats(self, number: int) -> tuple[float, ...]:
        start, length = self._vector(number, 4)
        return struct.unpack_from(f"<{length}f", self._data, start)
