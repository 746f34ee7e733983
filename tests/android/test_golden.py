"""The golden files that the app's JUnit tests read are what Pillow and NumPy say, all of them."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import pathlib
from types import ModuleType

import numpy as np
import pytest

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "android"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("android_golden_make", GOLDEN / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_make_writes_what_is_committed(make: ModuleType, tmp_path: pathlib.Path) -> None:
    make.write(tmp_path)
    for file in sorted(tmp_path.iterdir()):
        made, kept = file.read_bytes(), (GOLDEN / file.name).read_bytes()
        if file.suffix == ".f32":  # other builds of NumPy may round the last bit differently
            made_values, kept_values = np.frombuffer(made, "<f4"), np.frombuffer(kept, "<f4")
            np.testing.assert_allclose(made_values, kept_values, atol=1e-3)
        elif file.suffix == ".png":  # the compressor's choice; the pixels count
            from PIL import Image

            with Image.open(file) as a, Image.open(GOLDEN / file.name) as b:
                np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
        else:
            assert made == kept, file.name


def test_no_golden_file_is_left_over(make: ModuleType, tmp_path: pathlib.Path) -> None:
    make.write(tmp_path)
    index = json.loads((GOLDEN / "models.json").read_text(encoding="utf-8"))
    names = {row["model"] for row in index["models"]}
    models = {f"{name}.tflite" for name in names if name != "app"}
    models |= {f"{name}.outputs.f32" for name in names} | {"models.json", "digits.inputs.f32"}
    models |= {"composite.tflite"}  # nothing may run it, so it has no outputs
    committed = {file.name for file in GOLDEN.iterdir() if file.is_file()}
    made = {file.name for file in tmp_path.iterdir()}
    assert committed == made | models | {"make.py", "make_models.py"}


def test_yuv_layouts_leave_nothing_of_the_padding_in(make: ModuleType) -> None:
    plane = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert make.lay_out(plane, 7, 2) == bytes(
        [0, 0xAA, 1, 0xAA, 2, 0xAA, 0xAA, 3, 0xAA, 4, 0xAA, 5]
    )


def test_models_are_those_of_the_index() -> None:
    index = json.loads((GOLDEN / "models.json").read_text(encoding="utf-8"))
    root = GOLDEN.parents[2]
    for row in index["models"]:
        app = root / "android_demo/models/digits.tflite"
        path = app if row["model"] == "app" else GOLDEN / f"{row['model']}.tflite"
        content = path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"], path
        assert len(content) == row["bytes"]
        assert row["right"] >= index["cases"] - 2, "a trained model"


def test_files_of_the_converter_say_what_they_are() -> None:
    """Real files of `xncaps convert`, by the converter's own look at them."""
    from xncaps_converters import inspect

    ops = {
        name: {row.op for row in inspect.inspect((GOLDEN / f"{name}.tflite").read_bytes()).rows}
        for name in ("composite", "binary_lce")
    }
    assert "STABLEHLO_COMPOSITE" in ops["composite"]
    assert {"LceQuantize", "LceBconv2d"} <= ops["binary_lce"]
    assert (GOLDEN / "composite.tflite").stat().st_size < 40_000


def test_what_is_told_of_the_apps_model_is_true() -> None:
    folder = GOLDEN.parents[2] / "android_demo/models"
    content, text = (folder / "digits.tflite").read_bytes(), (folder / "README.md").read_text()
    assert len(content) < 300_000
    assert f"`{hashlib.sha256(content).hexdigest()}`" in text and f"{len(content):,} bytes" in text
    assert "make android-model" in text and "--to fused --int8" in text
    assert "--tolerance" not in text, "the bounds are the command's own"
    stored = np.load(folder / "digits.tflite.expected.npz", allow_pickle=False)
    assert str(stored["source"]) == "digits/test" and len(stored["inputs"]) >= 100


@pytest.mark.parametrize("name", ["tiny_float", "tiny_fused", "binary_lce", "app"])
def test_pythons_runtime_still_gives_the_golden_outputs(name: str) -> None:
    """The same inputs and outputs that Android's runtime is held to."""
    import xncaps_runtime

    root = GOLDEN.parents[2]
    path = (
        root / "android_demo/models/digits.tflite" if name == "app" else GOLDEN / f"{name}.tflite"
    )
    interpreter = xncaps_runtime.Interpreter(str(path))
    interpreter.allocate_tensors()
    shape = interpreter.get_input_details()[0]["shape"]
    inputs = np.fromfile(GOLDEN / "digits.inputs.f32", "<f4").reshape(-1, *shape)
    expected = np.fromfile(GOLDEN / f"{name}.outputs.f32", "<f4").reshape(len(inputs), -1)
    for pixels, scores in zip(inputs, expected, strict=True):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
        interpreter.invoke()
        got = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
        np.testing.assert_allclose(got, scores, atol=1e-5)
