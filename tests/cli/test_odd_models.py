"""Models that are no classifiers of pictures: each command says so in a line."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from xncaps.main import cli
from xncaps_converters import convert_float
from xncaps_files.errors import XncapsError
from xncaps_runtime import Classifier
from xncaps_tf._keras import keras, tf

PICTURES = pathlib.Path(__file__).resolve().parents[1] / "golden" / "android" / "flower.png"


def _two_outputs() -> Any:
    image = keras.Input((8, 8, 1))
    flat = keras.layers.Flatten()(image)
    return keras.Model(image, [keras.layers.Dense(10)(flat), keras.layers.Dense(3)(flat)])


def _named_inputs() -> Any:
    inputs = {"image": keras.Input((8, 8, 1)), "place": keras.Input((3,))}
    flat = keras.layers.Flatten()(inputs["image"])
    joined = keras.layers.Concatenate()([flat, inputs["place"]])
    return keras.Model(inputs, keras.layers.Dense(10)(joined))


def _map() -> Any:
    image = keras.Input((8, 8, 1))
    return keras.Model(image, keras.layers.Conv2D(10, 3, padding="same")(image))


def _unbuilt() -> Any:
    return keras.Sequential([keras.layers.Dense(3)])


def _text() -> Any:
    words = keras.Input((), dtype="string")
    layer = keras.layers.TextVectorization(10, output_sequence_length=4)
    layer.adapt(tf.constant(["a b", "c"]))
    return keras.Model(words, keras.layers.Embedding(10, 4)(layer(words)))


MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "two outputs": (_two_outputs, r"\(\(10,\), \(3,\)\)"),
    "named inputs": (_named_inputs, r"\(\(8, 8, 1\), \(3,\)\)"),
    "a map": (_map, r"\(8, 8, 10\)"),
    "unbuilt": (_unbuilt, "expected a model whose inputs are known. .*not built"),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_that_is_no_classifier_is_told(kind: str, tmp_path: pathlib.Path) -> None:
    make, words = MODELS[kind]
    path = tmp_path / "m.keras"
    make().save(path)
    for command in (
        ["evaluate", path, "--data", "digits"],
        ["predict", path, PICTURES],
        ["train", "--init", path, "--epochs", 1, "--limit", 100, "--out", tmp_path / "run"],
    ):
        done = CliRunner().invoke(cli, list(map(str, command)))
        assert isinstance(done.exception, XncapsError), (command, done.exception)
        with pytest.raises(XncapsError, match=words):
            raise done.exception
    assert not (tmp_path / "run").exists()


def test_a_file_of_a_map_has_no_classes(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "map.tflite"
    path.write_bytes(convert_float(_map()))
    with pytest.raises(XncapsError, match=r"scores \[1, classes\]\. Received: \[1, 8, 8, 10\]"):
        Classifier(path)


def test_summary_of_a_model_without_inputs_and_of_one_of_text(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m.keras"
    _unbuilt().save(path)
    done = CliRunner().invoke(cli, ["summary", str(path)])
    assert isinstance(done.exception, XncapsError) and "that is built" in str(done.exception)
    _text().save(path)
    done = CliRunner().invoke(cli, ["summary", str(path)])
    assert done.exit_code == 0 and "parameters                    40" in done.output


def test_a_saved_model_is_no_start(tmp_path: pathlib.Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    command = ["train", "--init", str(tmp_path / "saved"), "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(cli, command)
    assert "saved, which is another folder" in str(done.exception)
