"""The SavedModel that the converters read."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from xncaps_converters import engines, export
from xncaps_files import tflite
from xncaps_tf import layers
from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import ConversionError


def _two_ended() -> keras.Model:
    first, second = keras.Input((6, 8), name="first"), keras.Input((3,), name="second")
    capsules = layers.CapsFC(3, 4, name="capsules")(first)
    return keras.Model([first, second], [capsules, keras.layers.Dense(2, name="dense")(second)])


def test_names_of_both_ends_and_values_stay() -> None:
    model = _two_ended()
    rng = np.random.default_rng(1)
    given = {
        "first": rng.normal(size=(2, 6, 8)).astype("f4"),
        "second": rng.normal(size=(2, 3)).astype("f4"),
    }
    with export.saved(export.trace(model)) as folder:
        served = tf.saved_model.load(folder).signatures["serving_default"]
        found = served(**{name: tf.constant(value) for name, value in given.items()})
    assert sorted(found) == ["capsules", "dense"]
    for name, expected in zip(model.output_names, model(list(given.values())), strict=True):
        np.testing.assert_allclose(found[name], expected, atol=1e-6)  # sums of 48 products


def test_the_folder_is_gone_afterwards_and_after_an_error() -> None:
    model = _two_ended()
    seen = []
    with (
        pytest.raises(RuntimeError, match="on the way"),
        export.saved(export.trace(model)) as folder,
    ):
        seen.append(pathlib.Path(folder))
        raise RuntimeError("on the way")
    assert not seen[0].exists()


def test_a_file_has_the_ops_and_constants_of_keras_own_export(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    inputs = keras.Input((8, 8, 3), batch_size=1)
    x = keras.layers.Conv2D(8, 3, use_bias=False)(inputs)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x)))

    def content(data: bytes) -> list[tuple[str, list[bytes]]]:
        graph = tflite.parse(data).main
        constants = [[graph.tensors[n].data for n in op.inputs] for op in graph.ops]
        bits = [[each.tobytes() for each in row if each is not None] for row in constants]
        return list(zip([op.name for op in graph.ops], bits, strict=True))

    ours = content(engines.run_tensorflow(model))
    assert {"CONV_2D", "FULLY_CONNECTED"} <= {name for name, _ in ours}
    model.save(tmp_path, save_format="tf")
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path))
    assert ours == content(converter.convert())


def test_a_layer_that_fails_when_it_is_traced_is_one_line() -> None:
    class Fails(keras.layers.Layer):
        broken = False

        def call(self, inputs: tf.Tensor) -> tf.Tensor:
            if self.broken:
                raise TypeError("no such thing\nin two lines")
            return inputs

    inputs = keras.Input((3,))
    layer = Fails()
    model = keras.Model(inputs, layer(inputs), name="net")
    layer.broken = True
    with pytest.raises(
        ConversionError, match="^TensorFlow cannot convert 'net': TypeError"
    ) as caught:
        engines.run_tensorflow(model)
    assert "\n" not in str(caught.value)
