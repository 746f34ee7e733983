"""What a TFLite file is made of, read with checks: against the generated reader, and damaged."""

from __future__ import annotations

import pathlib
import struct
import subprocess
import sys

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from xncaps_files import op_codes, tflite
from xncaps_files.errors import DataError
from xncaps_files.flatbuffer import Source

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "android"
FILES = ["tiny_float", "tiny_fused", "binary_lce", "composite"]
SMALL = (GOLDEN / "tiny_fused.tflite").read_bytes()


def _numbers(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if name[0] != "_"}


def test_the_tables_of_names_are_those_of_the_schema() -> None:
    assert dict(enumerate(op_codes.BUILTIN_OPS)) == _numbers(schema.BuiltinOperator)
    assert dict(enumerate(op_codes.TENSOR_TYPES)) == _numbers(schema.TensorType)


@pytest.mark.parametrize("name", FILES)
def test_ops_and_tensors_equal_those_of_the_generated_reader(name: str) -> None:
    data = (GOLDEN / f"{name}.tflite").read_bytes()
    whole = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    found = op_codes.read_ops(data)
    codes = [code.builtinCode for code in whole.operatorCodes]
    assert found.builtin == tuple(sorted(set(codes) - {schema.BuiltinOperator.CUSTOM}))
    custom = {code.customCode.decode() for code in whole.operatorCodes if code.customCode}
    assert set(found.custom) == custom
    assert found.count == sum(len(graph.operators) for graph in whole.subgraphs)

    graph, file = whole.subgraphs[0], tflite.parse(data)
    used = {whole.operatorCodes[node.opcodeIndex].customCode for node in graph.operators} - {None}
    assert len(file.ops) == found.count
    assert file.custom_ops == sorted(name.decode() for name in used)
    assert file.main.inputs == tuple(graph.inputs) and file.main.outputs == tuple(graph.outputs)
    for mine, theirs in zip(file.main.tensors, graph.tensors, strict=True):
        assert mine.shape == (() if theirs.shape is None else tuple(theirs.shape))
        assert (mine.name, mine.buffer) == (theirs.name.decode(), theirs.buffer)
        assert mine.type == _numbers(schema.TensorType)[theirs.type]
        constant = whole.buffers[theirs.buffer].data
        assert (mine.data is None) == (constant is None)
        if mine.data is not None:
            np.testing.assert_array_equal(mine.data, constant)
        scale = None if theirs.quantization is None else theirs.quantization.scale
        assert mine.scale == (() if scale is None else tuple(scale))


def test_inputs_and_outputs_say_their_type_and_scale() -> None:
    [source], [target] = tflite.read_io((GOLDEN / "tiny_fused.tflite").read_bytes())
    assert (source.shape, source.dtype, source.scale) == ((1, 8, 8, 1), "float32", 0.0)
    assert (target.shape, target.dtype, target.zero_point) == ((1, 10), "float32", 0)


def test_an_op_that_is_newer_than_the_table_has_its_number() -> None:
    assert op_codes.OperatorCode(5000).name == "BUILTIN_5000"
    assert op_codes.OperatorCode(-1).name == "BUILTIN_-1"
    assert op_codes.OperatorCode(op_codes.CUSTOM, "XnCapsOdr").name == "XnCapsOdr"
    assert op_codes.OperatorCode(op_codes.CUSTOM).name == "CUSTOM"


def test_damaged_files_are_read_or_refused_in_one_line() -> None:
    """4,000 files with 1 to 3 changed bytes, the first 2 KB (where tables are) above all."""
    rng = np.random.default_rng(11)
    refused = 0
    for turn in range(4000):
        broken = bytearray(SMALL)
        for _ in range(int(rng.integers(1, 4))):
            broken[int(rng.integers(len(broken) if turn % 4 == 0 else 2048))] = rng.integers(256)
        for read in (op_codes.read_ops, tflite.parse, tflite.read_io):
            try:
                read(bytes(broken), "m.tflite")
            except DataError as error:
                refused += 1
                assert "m.tflite" in str(error) and "\n" not in str(error)
    assert refused > 300


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(share: float) -> None:
    with pytest.raises(DataError, match="expected an intact TFLite file"):
        tflite.parse(SMALL[: int(len(SMALL) * share)])


def test_a_vector_longer_than_the_file_is_refused() -> None:
    with pytest.raises(DataError, match=r"^m\.tflite: expected an intact TFLite file\. .*model at"):
        op_codes.read_ops(b"\xff" * 4 + b"TFL3" + bytes(10), "m.tflite")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such"),
        (b"", "TFL3 at byte 4"),
        (b"other", "Received: other bytes"),
        (b"PK\3\4 .keras", "of a Keras model xncaps convert makes a TFLite file"),
        (b"\x89HDF .h5", "a Keras model"),
    ],
    ids=["missing", "empty", "other", "keras", "h5"],
)
def test_load_names_the_file(tmp_path: pathlib.Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "m.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=f"m.tflite.*{message}"):
        tflite.load(path)


def test_load_refuses_a_folder_and_what_no_flatbuffer_can_be(tmp_path: pathlib.Path) -> None:
    with pytest.raises(DataError, match="expected a .tflite file. Received: what is not a file"):
        tflite.load(tmp_path)
    path = tmp_path / "m.tflite"
    with path.open("wb") as file:
        file.truncate(2**31)  # sparse: no byte of it is on disk
    with pytest.raises(DataError, match="at most 2 GiB"):
        tflite.load(path)


def test_the_reader_of_ops_needs_no_package() -> None:
    """The Android build takes it by its path: no site-packages there."""
    root = pathlib.Path(__file__).parents[2]
    code = (
        f"import sys; sys.path.insert(0, {str(root / 'files')!r})\n"
        f"from xncaps_files import op_codes\n"
        f"print(op_codes.read_ops(open({str(GOLDEN / 'tiny_fused.tflite')!r}, 'rb').read()).custom)"
    )
    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True)
    assert done.stdout == "('XnCapsOdr',)\n", done.stderr


def test_a_source_reads_numbers_with_checks_alone() -> None:
    with pytest.raises(DataError, match="expected an intact flatbuffer. Received: x at byte 2"):
        Source(b"1234").number(2, "I", "x")


def _repeated(tensors: int, field: int, content: bytes) -> bytes:
    """A file whose tensors are all one and the same table, with a vector in one of its fields."""
    builder = flatbuffers.Builder(1024)
    vector = builder.CreateByteVector(content)
    if field == SHAPE:  # its length counts numbers of four bytes
        struct.pack_into("<I", builder.Bytes, builder.Head(), len(content) // 4)
    builder.StartObject(4)
    builder.PrependUOffsetTRelativeSlot(field, vector, 0)
    tensor = builder.EndObject()

    def vector_of(table: int, count: int) -> int:
        builder.StartVector(4, count, 4)
        for _ in range(count):
            builder.PrependUOffsetTRelative(table)
        return builder.EndVector()

    many = vector_of(tensor, tensors)
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(0, many, 0)
    graphs = vector_of(builder.EndObject(), 1)
    builder.StartObject(1)
    buffers = vector_of(builder.EndObject(), 1)
    builder.StartObject(8)
    builder.PrependUOffsetTRelativeSlot(2, graphs, 0)
    builder.PrependUOffsetTRelativeSlot(4, buffers, 0)
    builder.Finish(builder.EndObject(), b"TFL3")
    return bytes(builder.Output())


SHAPE, NAME = 0, 3


def test_a_long_name_that_many_tensors_share_is_not_copied_for_each() -> None:
    """580 KB that became 10 GB of names."""
    assert len(tflite.parse(_repeated(1, NAME, b"n" * 500_000)).main.tensors[0].name) == 500_000
    with pytest.raises(DataError, match="name of tensor 2 and others that are the same bytes"):
        tflite.parse(_repeated(20_000, NAME, b"n" * 500_000))


def test_a_shape_of_very_many_axes_is_not_multiplied() -> None:
    one = _repeated(1, SHAPE, struct.pack("<4i", 2, 3, 4, 5))
    assert tflite.parse(one).main.tensors[0].shape == (2, 3, 4, 5)
    with pytest.raises(DataError, match="1000000 axes of tensor 0"):
        tflite.parse(_repeated(1, SHAPE, b"\xff\xff\xff\x7f" * 1_000_000))
