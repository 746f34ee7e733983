"""Reading of files: inspection, metadata, stored checks; and files that mean harm."""

from __future__ import annotations

import io
import json
import pathlib
import struct
import zipfile
from typing import Any

import numpy as np
import pytest

from xncaps_converters import describe, graph_edit, inspect, to_float
from xncaps_converters.samples import Samples
from xncaps_converters.stored_check import from_result
from xncaps_converters.verify import verify
from xncaps_files import expected, metadata, tflite
from xncaps_files.flatbuffer import Source
from xncaps_files.metadata import Metadata
from xncaps_files.metadata_format import InputTensor
from xncaps_files.scores import ScoreScale
from xncaps_tf import layers, models
from xncaps_tf._keras import keras
from xncaps_tf.errors import DataError

IMAGE = InputTensor("image", "Pixels.", "RGB", (4, 5), (0.0,), (1.0,), 0.0, 255.0)
TOLD = {"format_version": 2, "notes": ["one"], "output": {"scores": "lengths"}}
SOME = Metadata("net", "A net.", ("cat", "dög"), IMAGE, TOLD)


def _image_model() -> Any:
    inputs = keras.Input((4, 5, 3), name="image")
    x = keras.layers.Conv2D(2, 3, name="conv")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.ClassScores(("cat", "dog"))(x), name="net")


@pytest.fixture(scope="module")
def model() -> Any:
    return _image_model()


@pytest.fixture(scope="module")
def plain(model: Any) -> bytes:
    return to_float.convert_float(model)


@pytest.fixture(scope="module")
def full(plain: bytes) -> bytes:
    return graph_edit.with_metadata(plain, SOME)


def test_metadata_is_read_as_it_was_written(full: bytes) -> None:
    assert metadata.read(full) == SOME


def test_a_file_without_metadata_has_none(plain: bytes) -> None:
    assert metadata.read(plain) is None


def test_the_same_metadata_gives_the_same_bytes_also_when_added_again(
    plain: bytes, full: bytes
) -> None:
    assert graph_edit.with_metadata(plain, SOME) == full
    other = Metadata("b", "B.", (), IMAGE, {"format_version": 2})
    again = metadata.read(graph_edit.with_metadata(full, other))
    assert again == other


def test_the_labels_lie_in_a_zip_that_anyone_can_read(full: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(full)) as archive:
        assert archive.read("labels.txt").decode() == "cat\ndög\n"
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_the_flatbuffer_has_the_field_numbers_of_the_schema(full: bytes) -> None:
    """Read here by hand: TensorMetadata.content is 3, process_units 4, associated_files 6 ..."""
    content = tflite.parse(full).metadata["TFLITE_METADATA"]
    root = Source(content).root(b"M001", "metadata")
    assert root.text(7, "min_parser_version") == "1.0.0"
    [graph] = root.tables(3, "subgraph")
    [image], [scores] = graph.tables(2, "input"), graph.tables(3, "output")
    properties = image.table(3, "content").table(1, "image")  # type: ignore[union-attr]
    assert image.table(3, "content").number(0, "B") == 2  # type: ignore[union-attr]
    assert properties is not None and properties.number(0, "b") == 1
    size = properties.table(1, "size")
    assert size is not None and (size.number(0, "I"), size.number(1, "I")) == (5, 4)
    [unit] = image.tables(4, "unit")
    assert unit.number(0, "B") == 1
    [labels] = scores.tables(6, "file")
    assert (labels.text(0, "name"), labels.number(2, "b")) == ("labels.txt", 2)


def test_the_rest_of_the_file_stays_and_runs(full: bytes, plain: bytes) -> None:
    a, b = tflite.parse(plain), tflite.parse(full)
    assert [op.name for op in a.ops] == [op.name for op in b.ops]
    for before, after in zip(a.main.tensors, b.main.tensors, strict=True):
        assert (before.name, before.signature, before.type) == (
            after.name,
            after.signature,
            after.type,
        )
        if before.data is not None and after.data is not None:
            np.testing.assert_array_equal(before.data, after.data)
    assert b.metadata["min_runtime_version"] == a.metadata["min_runtime_version"]


def test_constants_are_aligned_as_tensorflow_aligns_them(full: bytes) -> None:
    start = np.frombuffer(full, np.uint8).__array_interface__["data"][0]
    places = [
        tensor.data.__array_interface__["data"][0] - start
        for tensor in tflite.parse(full).main.tensors
        if tensor.data is not None
    ]
    assert places and all(place % 16 == 0 for place in places)


def test_a_class_name_of_two_lines_is_refused(plain: bytes) -> None:
    with pytest.raises(DataError, match="one line each"):
        graph_edit.with_metadata(plain, Metadata("n", "", ("a\nb",), IMAGE))


def test_the_date_is_there_only_where_source_date_epoch_is(
    monkeypatch: pytest.MonkeyPatch, model: Any
) -> None:
    def date() -> Any:
        made = describe.describe(model, "float", model_sha256="0", data="cifar10")
        return made.origin.get("date")

    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert date() is None
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert date() == "1970-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("data", "polarity"),
    [
        ("digits", "light_on_dark"),
        ("affine_mnist", "light_on_dark"),
        ("multi_mnist/efficient_capsnet", "light_on_dark"),
        ("cifar10", "any"),
        ("folder", None),
        (None, None),
    ],
)
def test_the_origin_says_what_the_standard_form_cannot(
    model: Any, data: str | None, polarity: str | None
) -> None:
    made = describe.describe(model, "float", model_sha256="0", data=data)
    assert made.origin["input"]["polarity"] == polarity
    assert made.origin["input"]["channel_order"] == "RGB"
    assert made.origin["output"] == {"scores": None, "temperature": None, "threshold": None}
    assert made.class_names == ("cat", "dog")


def test_inspect_lists_ops_shapes_and_bytes(full: bytes) -> None:
    found = inspect.inspect(full)
    conv = next(row for row in found.rows if row.op == "CONV_2D")
    assert conv.inputs == ((1, 4, 5, 3),) and conv.outputs == ((1, 2, 3, 2),)
    assert conv.constant_bytes == 4 * (2 * 3 * 3 * 3 + 2)
    assert found.constant_bytes == sum(size for _, size in found.totals().values())
    assert found.custom_ops == () and "litert" in found.runtimes
    assert found.notes == ("one",)
    assert max(map(len, found.lines()[: len(found.rows) + 1])) <= 80
    json.dumps(found.to_dict())


def test_no_change_of_a_byte_makes_more_than_one_clear_error(full: bytes) -> None:
    """Every offset, size and number of the file, changed by a seeded mutator."""
    rng = np.random.default_rng(7)
    refused = 0
    for _ in range(1500):
        broken = bytearray(full)
        at = int(rng.integers(0, len(broken) - 4))
        value = int(rng.choice([0, 1, 0x7F, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(full)]))
        struct.pack_into("<I", broken, at, value)
        try:
            inspect.inspect(bytes(broken))
        except DataError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 100  # some did reach an offset


@pytest.mark.parametrize("size", [0, 3, 8, 40, 200])
def test_a_cut_file_is_one_clear_error(plain: bytes, size: int) -> None:
    with pytest.raises(DataError, match="TFLite file"):
        tflite.parse(plain[:size])


def test_tables_that_are_used_over_and_over_are_an_error() -> None:
    """A vector of offsets to one table that holds the same vector: quadratic, if followed."""
    count = 4000
    vector = 64
    data = bytearray(struct.pack("<I4s", 24, b"TFL3") + bytes(vector + 4 + 4 * count))
    struct.pack_into("<HHHHHH", data, 8, 10, 12, 0, 0, 8, 0)  # vtable: field 2 at byte 8
    struct.pack_into("<i", data, 24, 16)
    struct.pack_into("<I", data, 32, vector - 32)
    struct.pack_into("<HHHH", data, 44, 8, 8, 4, 0)  # a subgraph whose tensors are that vector
    struct.pack_into("<i", data, 52, 8)
    struct.pack_into("<I", data, 56, vector - 56)
    struct.pack_into("<I", data, vector, count)
    for number in range(count):
        at = vector + 4 + 4 * number
        struct.pack_into("<I", data, at, (52 - at) % 2**32)
    with pytest.raises(DataError):
        tflite.parse(bytes(data))


def _with_files(full: bytes, files: dict[str, str]) -> bytes:
    """The same model with another ZIP behind it."""
    stream = io.BytesIO(full[: full.index(b"PK\x03\x04")])
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return stream.getvalue()


def test_a_large_associated_file_is_refused_before_it_is_unpacked(full: bytes) -> None:
    with pytest.raises(DataError, match="at most 1048576 bytes. Received: labels.txt of 2000000"):
        metadata.read(_with_files(full, {"labels.txt": "x" * 2_000_000}))


def test_a_file_of_version_1_is_read_and_says_nothing_of_its_outputs(full: bytes) -> None:
    for text in ('{"format_version": 1, "data": "digits"}', '{"data": "digits"}'):
        found = metadata.read(_with_files(full, {"labels.txt": "a\n b \n", "xncaps.json": text}))
        assert found is not None and found.class_names == ("a", "b")
        assert found.origin["format_version"] == 2 and found.origin["data"] == "digits"
        assert found.scores == ScoreScale()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"xncaps.json": "{}"}, "m.tflite: expected the label file 'labels.txt' behind the model"),
        ({"labels.txt": "a", "xncaps.json": "{"}, "m.tflite: xncaps.json: expected JSON"),
        ({"labels.txt": "a", "xncaps.json": "[1]"}, "expected an object. Received: .1."),
        ({"labels.txt": "a", "xncaps.json": '{"a": NaN}'}, "NaN is not JSON"),
        ({"labels.txt": "a", "xncaps.json": '{"format_version": 3}'}, "1 to 2. Received: 3"),
    ],
    ids=["labels", "json", "object", "nan", "version"],
)
def test_metadata_that_do_not_hold_together_are_one_line(
    full: bytes, files: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        metadata.read(_with_files(full, files), "m.tflite")


def test_a_verified_file_gets_a_stored_check(
    tmp_path: pathlib.Path, model: Any, plain: bytes
) -> None:
    inputs = np.random.default_rng(0).random((120, 4, 5, 3)).astype(np.float32)
    samples = Samples(inputs, np.arange(120) // 60, "some/test")
    result = verify(model, plain, samples)
    made = from_result(result, samples, models.class_names(model), "abc")
    path = tmp_path / "a.expected.npz"
    path.write_bytes(expected.encode(made))
    stored = expected.read(path)
    assert stored.inputs.shape == (100, 4, 5, 3) and stored.outputs.shape == (100, 2)
    assert stored.labels[:4].tolist() == [0, 1, 0, 1] and stored.class_names == ("cat", "dog")
    assert (stored.source, stored.model_sha256) == ("some/test", "abc")
    assert (stored.tolerance, stored.tolerated_share) == (np.float32(result.bounds.tolerance), 0)
    np.testing.assert_array_equal(stored.outputs[:2], result.expected[[0, 60]])
