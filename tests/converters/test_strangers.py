"""Networks and folders that nobody made for this toolkit."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest

from xncaps_converters import batch, conversion, interpreters, model_source, to_float, to_lce
from xncaps_converters.bounds import Bounds
from xncaps_converters.samples import from_data, random_samples
from xncaps_converters.verify import verify
from xncaps_files import tflite
from xncaps_tf._keras import keras
from xncaps_tf.errors import ConversionError, DataError


def _dense_on_pixels() -> keras.Model:
    """Logits of size 100 from pixels 0 to 255."""
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(10, kernel_initializer=keras.initializers.GlorotUniform(1)))
    return model


def test_logits_of_any_size_are_held_to_their_own_size() -> None:
    model = _dense_on_pixels()
    samples = random_samples(model, 1000)
    result = verify(model, to_float.convert_float(model), samples).check()
    size = np.abs(result.expected).max()
    assert size > 100 and result.bounds.tolerance == pytest.approx(1e-4 * size)
    # What the caller gives is taken as it is, and a wrong file is still refused.
    assert verify(model, to_float.convert_float(model), samples, tolerance=1e-9).failures
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel * 1.001, bias])
    assert not verify(model, to_float.convert_float(_dense_on_pixels()), samples).passed


@pytest.mark.parametrize("form", ["float", "lce"])
def test_an_lstm_keeps_nothing_from_one_input_to_the_next(form: str) -> None:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((5, 4)), keras.layers.LSTM(6)])
    if form == "float":  # LCE's converter takes no stack of recurrent layers, of any kind
        model = keras.Sequential([keras.Input((5, 4)), keras.layers.LSTM(6, return_sequences=True)])
        model.add(keras.layers.Bidirectional(keras.layers.LSTM(3)))
    convert = {"float": to_float.convert_float, "lce": to_lce.convert_lce}[form]
    file = tflite.parse(convert(model))
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" not in {op.name for op in file.main.ops}
    assert verify(model, file, random_samples(model, 20)).check().max_error < 1e-6


def test_a_recurrent_layer_of_an_open_batch_says_what_it_needs() -> None:
    model = keras.Sequential([keras.Input((5, 4)), keras.layers.GRU(2)])
    words = "TensorFlow cannot convert .*recurrent layers need a fixed batch size"
    with pytest.raises(ConversionError, match=words):
        to_float.convert_float(model, batch_size=None)


def test_small_outputs_keep_the_strict_bound() -> None:
    assert Bounds().for_outputs(np.array([[0.1, 0.9]])) == Bounds()
    assert Bounds().for_outputs(np.array([[np.nan, 50.0]])).tolerance == pytest.approx(5e-3)


@pytest.mark.parametrize("side", [97, 96, 194])
def test_an_open_batch_leaves_every_other_dimension(side: int) -> None:
    model = keras.Sequential([keras.Input((side, side, 1)), keras.layers.Conv2D(4, 3, strides=4)])
    model.add(keras.layers.GlobalAveragePooling2D())
    data = to_lce.convert_lce(model, batch_size=None)
    graph = tflite.parse(data).main
    assert graph.tensors[graph.inputs[0]].shape[1:] == (side, side, 1)
    images = random_samples(model, 3).inputs
    _, outputs = interpreters.run(data, images)
    np.testing.assert_allclose(outputs, model.predict(images, verbose=0), atol=1e-2, rtol=1e-4)


def test_the_mark_of_a_batch_divides_no_dimension() -> None:
    model = keras.Sequential([keras.Input((97, 101, 1)), keras.layers.Flatten()])
    assert batch.mark_of(model) == 113  # 103, 107, 109 are within 8 of one


@pytest.mark.parametrize(
    "text", ["no JSON", "[1]", '{"data": 3, "architectures": ["Foo"]}', "\x80"], ids=repr
)
def test_a_config_of_somebody_else_beside_a_model_is_none(
    tmp_path: pathlib.Path, text: str
) -> None:
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    assert model_source.run_data(tmp_path / "model.keras") == model_source.RunData()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"data": ["x"]}, "expected data to be one of digits, .*, or null. Received: data="),
        ({"data": "photos"}, "expected data to be one of digits, .*, or null. Received: data="),
        ({"data_dir": 5}, "expected data_dir to be a path or null. Received: data_dir=5"),
    ],
    ids=["list", "unknown", "number"],
)
def test_a_run_of_a_stranger_names_data_that_there_is(
    tmp_path: pathlib.Path, wrong: dict[str, Any], words: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"xncaps_version": "0.1.0", **wrong}))
    with pytest.raises(DataError, match=words):
        model_source.run_data(tmp_path / "model.keras")


def test_a_check_that_says_nothing_says_so() -> None:
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, use_bias=False)])
    told = []
    for scale in (1.0, 1e-9):
        model.set_weights([np.full((8, 3), scale, np.float32)])
        result = verify(model, to_float.convert_float(model), random_samples(model, 20))
        assert result.passed
        told.append(any("no output of Keras is larger" in line for line in result.lines()))
    assert told == [False, True]


def _sorted_folder(root: pathlib.Path) -> None:
    """Five classes of eight pictures, a split, in the order of their names."""
    from PIL import Image

    for split in ("train", "test"):
        for number, name in enumerate(["ant", "bee", "cat", "dog", "elk"]):
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(8):
                Image.new("RGB", (8, 8), (40 * number, index, 0)).save(folder / f"{index}.png")


def test_samples_of_a_sorted_folder_show_every_class(tmp_path: pathlib.Path) -> None:
    _sorted_folder(tmp_path)
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(5))
    chosen = from_data(model, "folder", tmp_path, 10)
    assert chosen.labels is not None and np.bincount(chosen.labels).tolist() == [2] * 5
    assert sorted(chosen.labels[:5]) == [0, 1, 2, 3, 4]
    again = from_data(model, "folder", tmp_path, 10)
    np.testing.assert_array_equal(chosen.inputs[:], again.inputs[:])
    train = from_data(model, "folder", tmp_path, 5, split="train")
    assert train.labels is not None and sorted(train.labels) == [0, 1, 2, 3, 4]


def test_int8_is_calibrated_on_every_class(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sorted_folder(tmp_path)
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(5))
    source = model_source.ModelSource.of(model)
    monkeypatch.setattr(conversion, "SAMPLES", 5)
    images = conversion.calibration_images(source, conversion.Check("folder", str(tmp_path)))
    assert images is not None
    assert sorted(images[:][:, 0, 0, 0].tolist()) == [0, 40, 80, 120, 160]  # the classes' reds
