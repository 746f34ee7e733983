"""The flatbuffer of TFLite's metadata: written with a plain builder, read with checks.

The numbers are those of metadata_schema.fbs, version 1.x, identifier 'M001'. The package that has
generated code for it (tflite-support) cannot be installed beside this TensorFlow. Writing needs
flatbuffers (the extra `write`), reading nothing.

Source: https://github.com/tensorflow/tflite-support, metadata/metadata_schema.fbs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xncaps_files.flatbuffer import Source, Table

IDENTIFIER = b"M001"
ENTRY = "TFLITE_METADATA"  # name of the model's metadata entry
MIN_PARSER_VERSION = "1.0.0"  # nothing here is newer
DESCRIPTIONS, TENSOR_AXIS_LABELS, TENSOR_VALUE_LABELS = 1, 2, 3  # AssociatedFileType
COLOR_SPACES = {0: "UNKNOWN", 1: "RGB", 2: "GRAYSCALE"}
_FEATURE, _IMAGE = 1, 2  # ContentProperties
_NORMALIZATION = 1  # ProcessUnitOptions


@dataclass(frozen=True)
class InputTensor:
    """The model's input.

    Attributes:
        name: of the tensor.
        description: for people.
        color_space: 'RGB' or 'GRAYSCALE' of an image, None for what is no image.
        size: (height, width) of an image.
        mean, std: values are to be given as (x - mean) / std.
        minimum, maximum: of the values before that.
    """

    name: str
    description: str
    color_space: str | None = None
    size: tuple[int, int] | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class OutputTensor:
    """The model's output; `labels_file` names the file with one class name a line, or is ''."""

    name: str
    description: str
    labels_file: str = ""


@dataclass(frozen=True)
class ModelMetadata:
    """What the flatbuffer says."""

    name: str
    description: str
    version: str
    license: str
    input: InputTensor
    output: OutputTensor
    files: tuple[str, ...] = ()


def encode(metadata: ModelMetadata) -> bytes:
    """The flatbuffer."""
    import flatbuffers  # pyright: ignore[reportMissingTypeStubs]  # an extra

    builder: Any = flatbuffers.Builder(1024)
    write = _Writer(builder)
    subgraph = write.table(
        11,
        {
            2: write.tables([_input(write, metadata.input)]),
            3: write.tables([_output(write, metadata.output)]),
        },
    )
    files = [_file(write, name, "How the file was made.", DESCRIPTIONS) for name in metadata.files]
    root = write.table(
        8,
        {
            0: write.text(metadata.name),
            1: write.text(metadata.description),
            2: write.text(metadata.version),
            3: write.tables([subgraph]),
            5: write.text(metadata.license),
            6: write.tables(files) if files else 0,
            7: write.text(MIN_PARSER_VERSION),
        },
    )
    builder.Finish(root, IDENTIFIER)
    return bytes(builder.Output())


def decode(data: bytes) -> ModelMetadata:
    """Reads the flatbuffer; of several subgraphs, inputs or outputs the first.

    Raises:
        DataError: it is damaged.
    """
    root = Source(data, "TFLite metadata").root(IDENTIFIER, "metadata")
    graphs = root.tables(3, "subgraph metadata")
    inputs = graphs[0].tables(2, "input") if graphs else []
    outputs = graphs[0].tables(3, "output") if graphs else []
    return ModelMetadata(
        name=root.text(0, "name"),
        description=root.text(1, "description"),
        version=root.text(2, "version"),
        license=root.text(5, "license"),
        input=_read_input(inputs[0]) if inputs else InputTensor("", ""),
        output=_read_output(outputs[0]) if outputs else OutputTensor("", ""),
        files=tuple(file.text(0, "name") for file in root.tables(6, "file")),
    )


Scalars = dict[int, tuple[str, int]]  # field: (kind, value)


class _Writer:
    """Builds tables; in a flatbuffer what a table refers to is written before it."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def text(self, value: str) -> int:
        return self.builder.CreateString(value) if value else 0

    def tables(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def floats(self, values: Sequence[float]) -> int:
        if not values:
            return 0
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependFloat32(value)
        return self.builder.EndVector()

    def table(self, fields: int, references: dict[int, int], scalars: Scalars | None = None) -> int:
        """A table; references are offsets, 0 for none; scalars as `Scalars`."""
        self.builder.StartObject(fields)
        for number, offset in references.items():
            if offset:
                self.builder.PrependUOffsetTRelativeSlot(number, offset, 0)
        for number, (kind, value) in (scalars or {}).items():
            put: dict[str, Callable[[int, Any, Any], None]] = {
                "u1": self.builder.PrependUint8Slot,
                "i1": self.builder.PrependInt8Slot,
                "u4": self.builder.PrependUint32Slot,
            }
            put[kind](number, value, 0)
        return self.builder.EndObject()


def _input(write: _Writer, tensor: InputTensor) -> int:
    kind, properties = _FEATURE, 0
    if tensor.color_space is not None:
        kind = _IMAGE
        size = 0
        if tensor.size is not None:
            height, width = tensor.size
            size = write.table(2, {}, {0: ("u4", width), 1: ("u4", height)})
        color = {name: number for number, name in COLOR_SPACES.items()}[tensor.color_space]
        properties = write.table(2, {1: size}, {0: ("i1", color)})
    else:
        properties = write.table(0, {})
    content = write.table(3, {1: properties}, {0: ("u1", kind)})
    units = 0
    if tensor.mean:
        options = write.table(2, {0: write.floats(tensor.mean), 1: write.floats(tensor.std)})
        unit = write.table(2, {1: options}, {0: ("u1", _NORMALIZATION)})
        units = write.tables([unit])
    stats = 0
    if tensor.minimum is not None and tensor.maximum is not None:
        stats = write.table(
            2, {0: write.floats([tensor.maximum]), 1: write.floats([tensor.minimum])}
        )
    references = {
        0: write.text(tensor.name),
        1: write.text(tensor.description),
        3: content,
        4: units,
        5: stats,
    }
    return write.table(7, references)


def _output(write: _Writer, tensor: OutputTensor) -> int:
    properties = write.table(0, {})
    content = write.table(3, {1: properties}, {0: ("u1", _FEATURE)})
    files = 0
    if tensor.labels_file:
        labels = _file(write, tensor.labels_file, "A class name a line.", TENSOR_AXIS_LABELS)
        files = write.tables([labels])
    references = {
        0: write.text(tensor.name),
        1: write.text(tensor.description),
        3: content,
        6: files,
    }
    return write.table(7, references)


def _file(write: _Writer, name: str, description: str, kind: int) -> int:
    references = {0: write.text(name), 1: write.text(description)}
    return write.table(5, references, {2: ("i1", kind)})


def _read_input(table: Table) -> InputTensor:
    color: str | None = None
    size: tuple[int, int] | None = None
    content = table.table(3, "content")
    if content is not None and content.number(0, "B") == _IMAGE:
        image = content.table(1, "image properties")
        if image is not None:
            color = COLOR_SPACES.get(image.number(0, "b"), "UNKNOWN")
            shape = image.table(1, "image size")
            size = None if shape is None else (shape.number(1, "I"), shape.number(0, "I"))
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    for unit in table.tables(4, "process unit"):
        options = unit.table(1, "process unit options")
        if options is not None and unit.number(0, "B") == _NORMALIZATION:
            mean, std = _floats(options, 0), _floats(options, 1)
    stats = table.table(5, "stats")
    highest = _floats(stats, 0) if stats else ()
    lowest = _floats(stats, 1) if stats else ()
    return InputTensor(
        table.text(0, "name"),
        table.text(1, "description"),
        color,
        size,
        mean,
        std,
        lowest[0] if lowest else None,
        highest[0] if highest else None,
    )


def _read_output(table: Table) -> OutputTensor:
    labels = ""
    for file in table.tables(6, "associated file"):
        if file.number(2, "b") in (TENSOR_AXIS_LABELS, TENSOR_VALUE_LABELS) and not labels:
            labels = file.text(0, "file name")
    return OutputTensor(table.text(0, "name"), table.text(1, "description"), labels)


def _floats(table: Table, number: int) -> tuple[float, ...]:
    return table.floats(number, "numbers")[:1024]
