"""`xncaps fuse`, as a user types it."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest

from xncaps.main import main
from xncaps_files import metadata, tflite
from xncaps_tf import layers
from xncaps_tf._keras import keras

HEADS = {"xnodr": layers.XnODR, "xnidr": layers.XnIDR, "capsfc": layers.CapsFC}
OPS = {"xnodr": "XnCapsOdr", "xnidr": "XnCapsIdr", "capsfc": "XnCapsFc"}


def _xncaps(*arguments: Any) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """head -> a .keras file of a small network of that head, in a run folder of the digits."""

    def path(head: str) -> pathlib.Path:
        folder = tmp_path_factory.mktemp(head)
        inputs = keras.Input((8, 8, 1))
        x = keras.layers.Rescaling(1 / 255.0)(inputs)
        x = keras.layers.Conv2D(32, 3, strides=2, name="conv")(x)
        x = layers.CapsuleReshape(8)(x)
        x = HEADS[head](10, 4, name="capsules")(x)
        x = layers.ClassScores([f"digit {n}" for n in range(10)])(layers.Length()(x))
        model = keras.Model(inputs, x, name="net")
        rng = np.random.default_rng(0)
        model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
        model.save(folder / "best.keras")
        (folder / "config.json").write_text(
            json.dumps({"xncaps_version": "0.1.0", "data": "digits", "data_dir": None})
        )
        return folder / "best.keras"

    return path


@pytest.mark.parametrize("head", HEADS)
def test_a_float_file_is_fused_and_checked_on_its_stored_check(
    net: Any, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str], head: str
) -> None:
    model, old, new = net(head), tmp_path / "float.tflite", tmp_path / "fused.tflite"
    assert _xncaps("convert", model, "--to", "float", "-o", old) == 0
    capfd.readouterr()
    assert _xncaps("fuse", old, "-o", new) == 0
    printed = capfd.readouterr().out
    assert (
        OPS[head] in printed
        and "samples of digits/test" in printed
        and "run by litert+xncaps" in printed
    )
    assert "compared litert with litert+xncaps" in printed and "accuracy" in printed

    before, after = metadata.read(old.read_bytes()), metadata.read(new.read_bytes())
    assert before is not None and after is not None
    assert after.class_names == before.class_names and after.input == before.input
    assert (after.origin["format"], after.origin["fused_from"]) == ("fused", "float")
    assert after.origin["model"] == before.origin["model"]
    if head == "xnodr":
        assert [layer["bits"] for layer in after.origin["binary_layers"]] == [True]
    assert tflite.parse(new.read_bytes()).custom_ops == [OPS[head]]
    # The new check has what Keras gave, and the fused file passes it and Keras itself.
    checks = [np.load(f"{path}.expected.npz", allow_pickle=False) for path in (old, new)]
    for key in ("inputs", "outputs", "labels", "class_names", "model_sha256", "source"):
        np.testing.assert_array_equal(checks[0][key], checks[1][key])
    assert _xncaps("verify", model, new) == 0


def test_an_lce_file_is_fused_and_one_without_a_check_runs_on_random_inputs(
    net: Any, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, old, new = net("xnodr"), tmp_path / "lce.tflite", tmp_path / "fused.tflite"
    assert _xncaps("convert", model, "--to", "lce", "-o", old, "--no-verify") == 0
    capfd.readouterr()
    assert _xncaps("fuse", old, "-o", new) == 0
    printed = capfd.readouterr().out
    assert "100 random inputs, run by litert+xncaps" in printed
    assert "compared lce with litert+xncaps" in printed
    assert tflite.parse(new.read_bytes()).custom_ops == ["XnCapsOdr"]
    assert str(np.load(f"{new}.expected.npz")["source"]) == "random"
    assert _xncaps("verify", model, new) == 0


@pytest.mark.parametrize("form", ["fused", "none"])
def test_what_cannot_be_fused_is_one_line_and_leaves_no_file(
    net: Any, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str], form: str
) -> None:
    old, new = tmp_path / "old.tflite", tmp_path / "new.tflite"
    if form == "fused":
        assert _xncaps("convert", net("xnodr"), "--to", form, "-o", old, "--no-verify") == 0
    else:
        old.write_bytes(b"no flatbuffer at all")
    capfd.readouterr()
    assert _xncaps("fuse", old, "-o", new) == 1
    line = capfd.readouterr().err
    assert "expected" in line and line.count("\n") == 1
    assert list(tmp_path.iterdir()) == [old]


def test_a_file_that_differs_from_its_stored_check_is_refused(
    net: Any, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.tflite", tmp_path / "new.tflite"
    assert _xncaps("convert", net("capsfc"), "--to", "float", "-o", old) == 0
    check = pathlib.Path(f"{old}.expected.npz")
    content = dict(np.load(check, allow_pickle=False))
    np.savez(check, **{**content, "outputs": content["outputs"] + np.float32(0.01)})
    capfd.readouterr()
    assert _xncaps("fuse", old, "-o", new) == 1
    assert "differ by more than 0.0001" in capfd.readouterr().err
    assert not new.exists()


def test_fusing_twice_gives_the_same_bytes(net: Any, tmp_path: pathlib.Path) -> None:
    old = tmp_path / "old.tflite"
    assert _xncaps("convert", net("xnodr"), "--to", "float", "-o", old) == 0
    files = [tmp_path / name for name in ("a.tflite", "b.tflite")]
    for file in files:
        assert _xncaps("fuse", old, "-o", file) == 0
    for suffix in ("", ".expected.npz"):
        first, second = (pathlib.Path(f"{file}{suffix}").read_bytes() for file in files)
        assert first == second
