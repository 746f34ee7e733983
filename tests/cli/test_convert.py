"""`xncaps convert`, `verify` and `inspect`, as a user types them."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
from typing import Any

import numpy as np
import pytest

import xncaps_zoo
from xncaps.main import main
from xncaps_tf import layers
from xncaps_tf._keras import keras


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A small network with an XnODR head, in a run folder of the digits."""
    folder = tmp_path_factory.mktemp("run")
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Rescaling(1 / 255.0)(inputs)
    x = keras.layers.Conv2D(32, 3, strides=2, name="conv")(x)
    x = layers.CapsuleReshape(8)(x)
    x = layers.XnODR(10, 4, name="capsules")(x)
    x = layers.ClassScores([f"digit {n}" for n in range(10)])(layers.Length()(x))
    model = keras.Model(inputs, x, name="net")
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=w.shape) for w in model.get_weights()]
    model.set_weights(weights)
    model.save(folder / "best.keras")
    (folder / "config.json").write_text(
        json.dumps({"xncaps_version": "0.1.0", "data": "digits", "data_dir": None})
    )
    return folder / "best.keras"


def _xncaps(*arguments: Any) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def test_convert_verifies_on_the_data_of_the_run_and_says_so(
    net: pathlib.Path, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / name for name in ("a.tflite", "b.tflite")]
    for file, model in zip(files, (net, net.parent), strict=True):  # a run is its best model
        assert _xncaps("convert", model, "--to", "lce", "-o", file) == 0
    printed = capfd.readouterr().out
    assert "samples of digits/test" in printed and "run by lce" in printed and "accuracy" in printed
    assert files[0].read_bytes() == files[1].read_bytes()
    stored = np.load(f"{files[0]}.expected.npz", allow_pickle=False)
    assert stored["class_names"][3] == "digit 3" and str(stored["source"]) == "digits/test"

    assert _xncaps("inspect", files[0], "--json") == 0
    found = json.loads(capfd.readouterr().out)
    assert found["custom_ops"] == ["LceBconv2d", "LceQuantize"]
    assert found["metadata"]["class_names"][9] == "digit 9"
    assert found["metadata"]["origin"]["input"]["polarity"] == "light_on_dark"

    assert _xncaps("verify", net, files[0], "--samples", 50, "--tolerance", 0.5, "--json") == 0
    result = json.loads(capfd.readouterr().out)
    assert result["samples"] == 50 and result["bounds"]["tolerance"] == 0.5 and result["passed"]


def test_a_file_of_another_model_fails_and_nothing_is_left(
    net: pathlib.Path, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "float.tflite"
    assert _xncaps("convert", net, "--to", "float", "-o", file, "--no-verify") == 0
    assert not pathlib.Path(f"{file}.expected.npz").exists()
    model = keras.models.load_model(net, compile=False)
    model.get_layer("conv").set_weights([w[::-1] for w in model.get_layer("conv").get_weights()])
    model.save(tmp_path / "other.keras")
    assert _xncaps("verify", tmp_path / "other.keras", file, "--data", "digits") == 1
    assert "differ by more than 0.0001" in capfd.readouterr().err


def test_a_refusal_names_the_layer_and_leaves_no_file(
    tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    inputs = keras.Input((6, 8))
    layer = layers.XnODR(3, 4, kernel_quantizer="ste_sign", name="caps")
    keras.Model(inputs, layer(inputs)).save(tmp_path / "m.keras")
    out = tmp_path / "out"
    out.mkdir()
    command = ("convert", tmp_path / "m.keras", "--to", "lce", "-o", out / "m.tflite")
    assert _xncaps(*command) == 1
    line = capfd.readouterr().err
    assert "'caps'" in line and "--allow-float" in line and line.count("\n") == 1
    assert list(out.iterdir()) == []
    assert _xncaps(*command, "--allow-float", "--samples", 20) == 0
    assert "20 random inputs" in capfd.readouterr().out


@pytest.mark.parametrize("suffix", [".h5", ""])
def test_h5_and_saved_model_convert_too(
    net: pathlib.Path, tmp_path: pathlib.Path, suffix: str
) -> None:
    keras.models.load_model(net, compile=False).save(tmp_path / f"net{suffix}")
    out = tmp_path / "net.tflite"
    assert _xncaps("convert", tmp_path / f"net{suffix}", "--to", "lce", "-o", out) == 0
    assert out.stat().st_size > 1000


def test_xnidr_says_that_nothing_is_packed(
    tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    inputs = keras.Input((6, 8))
    keras.Model(inputs, layers.XnIDR(3, 4)(inputs)).save(tmp_path / "m.keras")
    out = tmp_path / "m.tflite"
    assert _xncaps("convert", tmp_path / "m.keras", "--to", "lce", "-o", out) == 0
    words = "XnIDR: nothing bitpacked, its binarisation is of activations"
    assert words in capfd.readouterr().out
    assert _xncaps("inspect", out) == 0
    printed = capfd.readouterr().out
    assert words in printed and "a stock interpreter lacks: nothing" in printed


@pytest.mark.parametrize("content", [b"", b"no flatbuffer at all", b"\xff\xff\xff\x7fTFL3"])
def test_what_is_no_tflite_file_is_one_clear_line(
    tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(content)
    assert _xncaps("inspect", path) == 1
    line = capfd.readouterr().err
    assert (
        "x.tflite: expected a TFLite file" in line
        or f"{path}: expected an intact TFLite file" in line
    )


def test_wrong_words_are_usage_errors(net: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert _xncaps("convert", net, "--to", "lce", "-o", tmp_path / "x", "--batch", "zero") == 2
    assert _xncaps("convert", net, "--to", "lce", "-o", tmp_path / "x", "--int8") == 2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("convert m.keras --to lce -o x --data nonsense", "'nonsense' is not one of 'digits'"),
        ("verify m.keras x.tflite --data nonsense", "'nonsense' is not one of 'digits'"),
        ("convert m.keras --to lce -o x --batch 65537", "expected 1 to 65536 or 'dynamic'"),
        ("convert m.keras --to lce -o x --batch 0", "expected 1 to 65536 or 'dynamic'"),
        ("convert m.keras --to lce -o x --tolerance nan", "a finite number. Received: nan"),
        ("verify m.keras x.tflite --tolerance inf", "a finite number. Received: inf"),
        ("fuse x.tflite -o y --tolerance nan", "a finite number. Received: nan"),
        ("demo --bench-seconds nan", "a finite number. Received: nan"),
        ("train --out x --wait-for-workers nan", "a finite number. Received: nan"),
        ("verify m.keras zoo:nothing", "name of a trained model"),
        ("fuse zoo:nothing -o y", "name of a trained model"),
        ("zoo copy mnist-cnn-xnodr {file}", "is a file"),
        ("zoo make mnist-cnn-xnodr --from {file}", "is a file"),
        ("zoo make mnist-cnn-xnodr --from . --out {file}", "is a file"),
    ],
)
def test_values_that_no_option_takes_are_usage_errors(
    command: str,
    words: str,
    net: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)  # where a command that is not refused leaves its files
    assert _xncaps(*(word.format(file=net) for word in command.split())) == 2
    assert words in capfd.readouterr().err


def test_a_file_that_is_cut_off_is_named(
    net: pathlib.Path, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "cut.tflite", tmp_path / "out.tflite"
    file.write_bytes(xncaps_zoo.path("mnist-cnn-xnodr").read_bytes()[:5000])
    for command in (("verify", net, file), ("fuse", file, "-o", out), ("predict", file, net)):
        assert _xncaps(*command) == 1
        assert f"xncaps: {file}: expected an intact TFLite file" in capfd.readouterr().err
    assert not out.exists()
    assert _xncaps("fuse", "zoo:mnist-cnn-xnodr", "-o", out) == 1
    assert "one that is fused" in capfd.readouterr().err


def test_a_folder_that_takes_no_file_is_told_before_the_work(
    net: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    source = xncaps_zoo.path("mnist-cnn-xnodr")
    file = tmp_path.with_name("files") / source.name
    file.parent.mkdir()
    shutil.copy(source, file)
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    for command, words in (
        (
            ("convert", net, "--to", "lce", "-o", tmp_path / "x"),
            "x: cannot be read or written: Perm",
        ),
        (("fuse", file, "-o", tmp_path / "x"), "x: cannot be read or written: Permission denied."),
        (("verify", net, file, "--store"), "--store: expected a place to write to"),
        (("bench", file, "-o", tmp_path / "x"), "-o: expected a place to write to"),
        (("report", file, "-o", tmp_path / "x"), "-o: expected a place to write to"),
        (("reproduce", "mnist-cnn-xnodr", "--out", tmp_path), "--results: expected a place to wri"),
        (("zoo", "make", file.stem, "--from", tmp_path), "--out: expected a place to write to"),
    ):
        assert _xncaps(*command) == 1
        assert words in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_stored_check_of_the_zoo_is_left_as_it_is(
    net: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = xncaps_zoo.path("mnist-cnn-xnodr").parent
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    assert _xncaps("verify", net, "zoo:mnist-cnn-xnodr", "--store") == 1
    assert "--store: expected a file of your own. Received: " in capfd.readouterr().err
    assert {path: path.read_bytes() for path in folder.iterdir()} == kept


def test_only_a_tflite_file_is_replaced(
    net: pathlib.Path, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, out, folder = tmp_path / "m.keras", tmp_path / "m.tflite", tmp_path / "folder"
    model.write_bytes(net.read_bytes())
    folder.mkdir()
    for place in (model, folder):
        command = ("convert", model, "--to", "float", "-o", place, "--no-verify")
        assert _xncaps(*command) == (2 if place == folder else 1)
    assert "an older TFLite file to replace. Received: " in capfd.readouterr().err
    assert model.read_bytes() == net.read_bytes() and not list(folder.iterdir())
    out.touch()  # as `mktemp` makes it
    for words in ("", ", in the place of an older file"):
        assert _xncaps("convert", model, "--to", "float", "-o", out, "--no-verify") == 0
        assert capfd.readouterr().out.splitlines()[0].endswith(f" bytes{words}")
    size = out.stat().st_size
    model.write_bytes(b"damaged")
    assert _xncaps("convert", model, "--to", "float", "-o", out) == 1
    assert out.stat().st_size == size
