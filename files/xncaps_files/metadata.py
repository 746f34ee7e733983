"""Class names, preprocessing and origin inside a TFLite file, in TFLite's standard form.

See docs/metadata.md for what is where.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, cast

from xncaps_files import metadata_format, strict_json, tflite, versions
from xncaps_files.errors import DataError, one_line
from xncaps_files.metadata_format import InputTensor, ModelMetadata, OutputTensor
from xncaps_files.preprocessing import Preprocessing
from xncaps_files.scores import OutputWords, ScoreScale

LABELS_FILE = "labels.txt"
ORIGIN_FILE = "xncaps.json"
FORMAT_VERSION = 2  # of ORIGIN_FILE
LIGHT_ON_DARK = "light_on_dark"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP can say: same bytes every time
_LARGEST = 1 << 20  # of an associated file that is read
# What zipfile raises on damaged files.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    RuntimeError,
)


class ModelWords(TypedDict):
    """The Keras model that a file was made of."""

    name: str
    sha256: str


class _Range(TypedDict, total=False):
    minimum: int  # of images
    maximum: int


class InputWords(_Range):
    """The object `input`; null where not known."""

    kind: str
    channel_order: str | None
    polarity: str | None


class LayerWords(TypedDict):
    """A layer with a binary weight, and whether it is kept as bits."""

    name: str
    kind: str
    bits: bool


class _Dated(TypedDict, total=False):
    date: str


class Origin(_Dated):
    """What `ORIGIN_FILE` holds as we write it; docs/metadata.md says what each word means."""

    format_version: int
    format: str
    model: ModelWords
    versions: dict[str, str]
    data: str | None
    input: InputWords
    output: OutputWords
    binary_layers: list[LayerWords]
    passes: list[str]
    changes: list[str]
    notes: list[str]


@dataclass(frozen=True)
class Metadata:
    """What a file says of itself.

    Attributes:
        name: of the model.
        description: for people.
        class_names: in the order of the outputs; empty where not known.
        input: what is to be fed.
        origin: how the file was made, and what TFLite's form has no field for: an `Origin` where
            we wrote it, else what its writer made of one.
    """

    name: str
    description: str
    class_names: tuple[str, ...]
    input: InputTensor
    origin: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done to a picture before it is the input."""
        told = self.object("input")
        return Preprocessing(
            mean=self.input.mean or (0.0,),
            std=self.input.std or (1.0,),
            invert=told.get("polarity") == LIGHT_ON_DARK,
            channel_order=str(told.get("channel_order") or ""),
        )

    @property
    def scores(self) -> ScoreScale:
        """What the outputs are, and how they become shares.

        Raises:
            DataError: the numbers are out of their range.
        """
        return ScoreScale.from_json(self.object("output"))

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines that must be said of the model."""
        return self._strings("notes")

    @property
    def changes(self) -> tuple[str, ...]:
        """Words for what the conversion changed of the model; see `bounds.CHANGES`."""
        return self._strings("changes")

    @property
    def passes(self) -> tuple[str, ...]:
        """The exact rewrites that were made before the conversion, in words."""
        return self._strings("passes")

    def _strings(self, key: str) -> tuple[str, ...]:
        found = self.origin.get(key)
        return tuple(map(str, cast("list[Any]", found))) if isinstance(found, list) else ()

    def object(self, key: str) -> Mapping[str, object]:
        """An object of the origin; empty where it has none of that name."""
        found = self.origin.get(key)
        return cast("dict[str, object]", found) if isinstance(found, dict) else {}

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "name": self.name,
            "description": self.description,
            "class_names": list(self.class_names),
            "input": vars(self.input),
            "origin": self.origin,
        }


def read(file: bytes | tflite.TfliteFile, where: str = "metadata") -> Metadata | None:
    """What a file says of itself, or None where it has no metadata; nothing of it is executed.

    Args:
        file: its bytes, or the file as it was parsed.
        where: what errors begin with.

    Raises:
        DataError: the file or its metadata is damaged, or of a newer version.
    """
    file = tflite.parsed(file, where)
    content = file.metadata.get(metadata_format.ENTRY)
    if content is None:
        return None
    model = metadata_format.decode(content)
    labels = model.output.labels_file
    files = _associated(file.data, {labels, ORIGIN_FILE} - {""})
    if labels and labels not in files:
        raise DataError(f"{where}: expected the label file {labels!r} behind the model. Missing.")
    lines = files.get(labels, b"").decode("utf-8", "replace").splitlines()
    return Metadata(
        name=model.name,
        description=model.description,
        class_names=tuple(line.strip() for line in lines),
        input=model.input,
        origin=_origin(files[ORIGIN_FILE], where) if ORIGIN_FILE in files else {},
    )


def encode(metadata: Metadata) -> bytes:
    """The flatbuffer of the entry `TFLITE_METADATA`."""
    return metadata_format.encode(_described(metadata, bool(metadata.class_names)))


def archive(metadata: Metadata, offset: int) -> bytes:
    """The ZIP to append to a model of `offset` bytes: class names, and what has no field.

    Stored, as TFLite's readers want it, with a fixed time: the same bytes every time.

    Raises:
        DataError: a class name has a line break in it.
    """
    files = {ORIGIN_FILE: _json(metadata.origin)}
    if metadata.class_names:
        files[LABELS_FILE] = _labels(metadata.class_names)
    stream = io.BytesIO(bytes(offset))
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as packed:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _FIXED_TIME)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, data)
    return stream.getvalue()[offset:]


def _described(metadata: Metadata, has_labels: bool) -> ModelMetadata:
    return ModelMetadata(
        name=metadata.name,
        description=metadata.description,
        version="1",
        license="",
        input=metadata.input,
        output=OutputTensor(
            "scores", "One score a class, in the order of the labels.", LABELS_FILE * has_labels
        ),
        files=(ORIGIN_FILE,),
    )


def _labels(names: tuple[str, ...]) -> bytes:
    for name in names:
        if name.splitlines() != [name]:
            raise DataError(f"expected class names of one line each. Received: {name!r}.")
    return ("\n".join(names) + "\n").encode()


def _json(origin: Mapping[str, object]) -> bytes:
    return (json.dumps(origin, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _origin(content: bytes, where: str) -> dict[str, object]:
    """The newest form of xncaps.json."""
    try:
        found = strict_json.loads(content)
    except ValueError as error:
        raise DataError(f"{where}: {ORIGIN_FILE}: expected JSON. Received: {error}.") from error
    if not isinstance(found, dict):
        raise DataError(f"{where}: {ORIGIN_FILE}: expected an object. Received: {found!r:.50}.")
    origin = cast("dict[str, object]", found)
    version = origin.get("format_version", 1)  # the first did not need to be told
    return versions.upgrade(origin, version, _UPGRADES, f"{where}: {ORIGIN_FILE}")


def _from_1(origin: dict[str, object]) -> dict[str, object]:
    """Version 1 did not say what the outputs are."""
    return {**origin, "format_version": 2, "output": ScoreScale().to_json()}


_UPGRADES: Sequence[Callable[[dict[str, object]], dict[str, object]]] = (_from_1,)


def _associated(data: bytes, names: set[str]) -> dict[str, bytes]:
    """Those of the named files that are in the ZIP behind a flatbuffer."""
    found: dict[str, bytes] = {}
    stream = io.BytesIO(data)
    try:
        if not names or not zipfile.is_zipfile(stream):
            return {}
        with zipfile.ZipFile(stream) as packed:
            for entry in packed.infolist():
                if entry.filename not in names or entry.filename in found:
                    continue
                if entry.file_size > _LARGEST:
                    raise DataError(
                        f"expected associated files of at most {_LARGEST} bytes. "
                        f"Received: {entry.filename} of {entry.file_size} bytes."
                    )
                found[entry.filename] = packed.read(entry)
    except DataError:
        raise
    except _DAMAGE as error:
        text = one_line(error)[:200]
        raise DataError(f"expected a sound ZIP behind the model. Received: {text}.") from error
    return found
