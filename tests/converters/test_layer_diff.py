"""The first layer of which a file computes something else."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest

import xncaps_tf
from xncaps_converters import (
    FusedOptions,
    clone,
    convert_float,
    convert_fused,
    convert_lce,
    layer_diff,
    samples,
)
from xncaps_tf import models
from xncaps_tf._keras import keras

CONVERT: dict[str, Callable[[keras.Model], bytes]] = {
    "float": convert_float,
    "fused": convert_fused,
    "lce": convert_lce,
}


@pytest.mark.parametrize("to", CONVERT)
def test_the_layer_that_was_changed_is_named(to: str) -> None:
    model = models.build("small_cnn", "xnodr", (8, 8, 1), 10, seed=1)
    chosen = samples.random_samples(model, 4)
    data = CONVERT[to](model)
    right = layer_diff.compare_layers(model, data, chosen)
    assert right.first is None and right.lines()[-1] == "no layer differs"
    assert right.last_equal is not None and right.last_equal.name == "scores"
    # A convolution, its norm and its ReLU are one op: the first two are nowhere in the file.
    merged = {row.name for row in right.rows if not row.equal}
    assert {"conv3", "conv3_norm"} <= merged and "conv3_relu" not in merged

    for name, after in (("capsules", "primary_relu"), ("conv3", "conv2_relu")):
        layer = model.get_layer(name)
        kept = layer.get_weights()
        layer.set_weights([1.5 * weight + 0.01 for weight in kept])
        wrong = layer_diff.compare_layers(model, data, chosen)
        layer.set_weights(kept)
        assert wrong.first is not None and wrong.first.name == name
        assert wrong.lines()[-1] == f"the first layer that differs: {name!r}, after {after!r}"


def test_rounding_to_int8_is_no_difference(trained: Callable[..., pathlib.Path]) -> None:
    model = clone.as_model(xncaps_tf.load_model(trained("xnodr"), compile=False))
    chosen = samples.from_data(model, "digits", count=40)
    data = convert_fused(model, options=FusedOptions(backbone="int8"), calibration=chosen.inputs)
    right = layer_diff.compare_layers(model, data, chosen)
    assert right.first is None, right.lines()
    assert max(row.error or 0 for row in right.rows if row.equal) > 1e-3  # and float would be off
    layer = model.get_layer("capsules")
    layer.set_weights([-weight for weight in layer.get_weights()])
    wrong = layer_diff.compare_layers(model, data, chosen)
    assert wrong.first is not None and wrong.first.name == "capsules"


def test_where_nothing_is_equal_it_is_the_first_layer() -> None:
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.Dense(3, name="scores")(inputs))
    data = convert_float(model)
    model.set_weights([weight + 1 for weight in model.get_weights()])
    found = layer_diff.compare_layers(model, data, samples.random_samples(model, 3))
    assert found.last_equal is None and found.first is not None
    assert found.lines()[-1] == "the first layer that differs: 'scores'"
