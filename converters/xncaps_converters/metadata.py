"""Class names, preprocessing and origin inside a TFLite file, in TFLite's standard form.

See docs/metadata.md for what is where.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any

from xncaps_converters import flatwrite, metadata_format
from xncaps_converters.metadata_format import InputTensor, ModelMetadata, OutputTensor
from xncaps_files import tflite
from xncaps_tf.errors import DataError

LABELS_FILE = "labels.txt"
ORIGIN_FILE = "xncaps.json"
FORMAT_VERSION = 1
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP can say: same bytes every time
_LARGEST = 1 << 20  # of an associated file that is read


@dataclass(frozen=True)
class Metadata:
    """What a file says of itself.

    Attributes:
        name: of the model.
        description: for people.
        class_names: in the order of the outputs; empty where not known.
        input: what is to be fed.
        origin: how the file was made, and what TFLite's form has no field for; see docs.
    """

    name: str
    description: str
    class_names: tuple[str, ...]
    input: InputTensor
    origin: dict[str, Any] = field(default_factory=dict)

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
        found = self.origin.get(key, [])
        return tuple(str(each) for each in found) if isinstance(found, list) else ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "description": self.description,
            "class_names": list(self.class_names),
            "input": vars(self.input),
            "origin": self.origin,
        }


def add(flatbuffer: bytes, metadata: Metadata) -> bytes:
    """The file with this metadata in the place of any it had.

    Args:
        flatbuffer: a TFLite file.
        metadata: what it is to say.

    Returns:
        The file; the same bytes for the same arguments.

    Raises:
        DataError: the file is damaged, or a class name has a line break in it.
    """
    tflite.parse(flatbuffer)
    files = {ORIGIN_FILE: _json(metadata.origin)}
    if metadata.class_names:
        files[LABELS_FILE] = _labels(metadata.class_names)
    model = flatwrite.unpack(flatbuffer)
    content = metadata_format.encode(_described(metadata, LABELS_FILE in files))
    entries = [entry for entry in model.metadata or [] if _entry_name(entry) != _entry()]
    for old in model.metadata or []:
        if _entry_name(old) == _entry():
            model.buffers[old.buffer].data = None
    entry = flatwrite.schema().MetadataT()
    entry.name = metadata_format.ENTRY
    entry.buffer = flatwrite.add_buffer(model, content)
    model.metadata = [*entries, entry]
    packed = flatwrite.pack(model)
    return packed + _zip(files, len(packed))


def read(flatbuffer: bytes) -> Metadata | None:
    """What a file says of itself, or None where it has no metadata; nothing of it is executed.

    Raises:
        DataError: the file or its metadata is damaged.
    """
    file = tflite.parse(flatbuffer)
    content = file.metadata.get(metadata_format.ENTRY)
    if content is None:
        return None
    model = metadata_format.decode(content)
    names = [name for name in (model.output.labels_file, ORIGIN_FILE) if name]
    files = _associated(flatbuffer, names)
    labels = files.get(model.output.labels_file, b"").decode("utf-8", "replace")
    origin: Any = {}
    if ORIGIN_FILE in files:
        try:
            origin = json.loads(files[ORIGIN_FILE])
        except (ValueError, RecursionError) as error:
            raise DataError(f"{ORIGIN_FILE}: expected JSON. Received: {error}.") from error
    return Metadata(
        name=model.name,
        description=model.description,
        class_names=tuple(labels.splitlines()),
        input=model.input,
        origin=origin if isinstance(origin, dict) else {},
    )


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


def _entry() -> str:
    return metadata_format.ENTRY


def _entry_name(entry: Any) -> str:
    return entry.name.decode() if isinstance(entry.name, bytes) else str(entry.name)


def _labels(names: tuple[str, ...]) -> bytes:
    for name in names:
        if name.splitlines() != [name]:
            raise DataError(f"expected class names of one line each. Received: {name!r}.")
    return ("\n".join(names) + "\n").encode()


def _json(origin: dict[str, Any]) -> bytes:
    return (json.dumps(origin, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _zip(files: dict[str, bytes], offset: int) -> bytes:
    """A ZIP to append to `offset` bytes: stored, as TFLite's readers want it, with a fixed time."""
    stream = io.BytesIO(bytes(offset))
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _FIXED_TIME)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return stream.getvalue()[offset:]


def _associated(data: bytes, names: list[str]) -> dict[str, bytes]:
    """Those of the named files that are in the ZIP behind a flatbuffer."""
    found = {}
    stream = io.BytesIO(data)
    try:
        if not names or not zipfile.is_zipfile(stream):
            return {}
        with zipfile.ZipFile(stream) as archive:
            for entry in archive.infolist():
                if entry.filename not in names or entry.filename in found:
                    continue
                if entry.file_size > _LARGEST or entry.compress_type != zipfile.ZIP_STORED:
                    raise DataError(
                        f"expected associated files stored and of at most {_LARGEST} bytes. "
                        f"Received: {entry.filename} of {entry.file_size} bytes."
                    )
                found[entry.filename] = archive.read(entry)
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, RuntimeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"expected a sound ZIP behind the model. Received: {error}.") from error
    return found
