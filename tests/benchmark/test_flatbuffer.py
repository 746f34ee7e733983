from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest
from ai_edge_litert import schema_py_generated as schema
from benchmark_files import flatbuffer as written
from hypothesis import given, settings
from hypothesis import strategies as st

from xncaps_benchmark import flatbuffer
from xncaps_benchmark.errors import ModelError

Make = Callable[..., pathlib.Path]


def test_ops_equal_those_of_the_generated_reader(model: Make) -> None:
    data = flatbuffer.read_model(model("m", custom="LceQuantize", hidden=3))
    ops = flatbuffer.read_ops(data)
    whole = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    codes = [code.builtinCode for code in whole.operatorCodes]
    assert ops.custom == ("LceQuantize",)
    assert ops.builtin == tuple(sorted(set(codes) - {schema.BuiltinOperator.CUSTOM}))
    assert ops.count == len(whole.subgraphs[0].operators) == 6


@given(place=st.floats(0, 1), byte=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_ops_of_a_damaged_file_are_read_or_refused(place: float, byte: int) -> None:
    data = bytearray(_SMALL)
    data[int(place * (len(data) - 1))] = byte
    _read_or_refuse(bytes(data))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_ops_of_a_truncated_file_are_read_or_refused(share: float) -> None:
    _read_or_refuse(_SMALL[: int(len(_SMALL) * share)])


def test_ops_of_zeros_are_refused() -> None:
    with pytest.raises(ModelError, match="a damaged one"):
        flatbuffer.read_ops(b"\xff" * 4 + b"TFL3" + bytes(10))


def _read_or_refuse(data: bytes) -> None:
    try:
        ops = flatbuffer.read_ops(data)
    except ModelError as error:
        assert "damaged" in str(error)
    else:
        assert ops.count <= 1_000_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"", "TFL3 at byte 4"),
        (b"PK\3\4 a zip", "TFL3 at byte 4"),
    ],
    ids=["missing", "empty", "other"],
)
def test_read_model_names_the_file(
    tmp_path: pathlib.Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "m.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=f"m.tflite.*{message}"):
        flatbuffer.read_model(path)


def test_read_model_refuses_a_folder(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ModelError, match="not a regular file"):
        flatbuffer.read_model(tmp_path)


def test_read_model_refuses_what_no_flatbuffer_can_be(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m.tflite"
    with path.open("wb") as file:
        file.truncate(2**31)  # sparse: no byte of it is on disk
    with pytest.raises(ModelError, match="at most 2 GiB"):
        flatbuffer.read_model(path)


def _small() -> bytes:
    import numpy as np

    return written(np.ones((10, 64), np.float32), np.zeros(10, np.float32), custom="XnCapsOdr")


_SMALL = _small()
