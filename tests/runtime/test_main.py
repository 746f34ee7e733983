"""`python -m xncaps_runtime`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import runtime_models as make
from xncaps_runtime import __main__ as command


@pytest.fixture
def model(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Pictures [1, 4, 4, 1] -> reshape -> XnCapsFc: scores of 3 classes, never meaningful."""
    from ai_edge_litert import schema_py_generated as schema

    writer = make.ModelWriter()
    x = writer.tensor("pixels", (1, 4, 4, 1))
    u = writer.tensor("u", (1, 2, 8))
    shape = writer.constant("shape", np.array([1, 2, 8], np.int32))
    w = writer.constant("w", rng.normal(0, 0.1, (2, 3, 8, 1)).astype(np.float32))
    v = writer.tensor("v", (1, 3, 1))
    writer.builtin(schema.BuiltinOperator.RESHAPE, [x, shape], [u])
    writer.custom("XnCapsFc", [u, w], [v], {"routing_iterations": 3, "version": 1})
    path = tmp_path / "model.tflite"
    path.write_bytes(writer.finish([x], [v]))
    return path


def test_predict_prints_a_line_a_picture(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "a.png"
    Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4) * 16).save(picture)
    assert command.main(["predict", str(model), str(picture), "--json", "--top", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["picture"] == str(picture) and told["none_of_these"] is False
    assert [sorted(row) for row in told["top"]] == [["class", "number", "score"]] * 2


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["info", "missing.tflite"], "missing.tflite: cannot be read: No such file"),
        (["predict", "missing.tflite", "a.png"], "missing.tflite: cannot be read: No such file"),
        (["predict", "missing.tflite"], "expected pictures or --camera"),
    ],
    ids=["info", "predict", "no picture"],
)
def test_errors_are_one_line(
    arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 1
    err = capsys.readouterr().err
    assert part in err and err.count("\n") == 1


def test_a_file_that_is_no_picture_is_named(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a picture")
    assert command.main(["predict", str(model), str(bad)]) == 1
    assert "bad.png: expected a picture (JPEG, PNG" in capsys.readouterr().err


def test_info_lists_the_tensors(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["info", str(model)]) == 0
    out = capsys.readouterr().out
    assert "isa: " in out and "input: pixels 1x4x4x1 float32" in out


def test_the_package_needs_no_tensorflow() -> None:
    code = "import xncaps_runtime, sys; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
