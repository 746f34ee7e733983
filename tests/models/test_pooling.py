"""The trained graph is the model's function, over its own variables, at fewer multiplications."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xncaps_tf import models
from xncaps_tf._keras import keras, tf
from xncaps_tf.models.pooling import pooled_first

PIXELS = np.random.default_rng(3).integers(0, 256, (6, 28, 28, 1)).astype("float32")


def _model(backbone: str, head: str = "xnodr") -> Any:
    enlarged = {"mobilenet_v2": {"upsampling_factor": 2}, "efficientnet_lite0": {"resolution": 64}}
    model = models.build(
        backbone, head, (28, 28, 1), 10, seed=1, dropout=0.3, **enlarged.get(backbone, {})
    )
    for layer in model.layers:
        if isinstance(layer, models.BatchNorm):  # so that scores depend on the image
            layer.momentum = 0.0
    model(PIXELS, training=True)
    return model


PAIRS = [(backbone, head) for backbone in ("small_cnn", "mobilenet_v2") for head in models.HEADS]


@pytest.mark.parametrize(("backbone", "head"), [*PAIRS, ("efficientnet_lite0", "xnodr")])
def test_outputs_gradients_and_variables_are_those_of_the_model(backbone: str, head: str) -> None:
    model = _model(backbone, head)
    pooled = pooled_first(model)
    assert [id(v) for v in pooled.variables] == [id(v) for v in model.variables]
    assert [id(v) for v in pooled.trainable_variables] == [id(v) for v in model.trainable_variables]
    scores = model(PIXELS).numpy()
    np.testing.assert_allclose(pooled(PIXELS), scores, rtol=1e-4, atol=1e-5)
    weight = model.get_layer("features").kernel
    gradients = []
    for one in (model, pooled):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(one(PIXELS)))
        gradients.append(tape.gradient(loss, weight).numpy())
    size = np.abs(gradients[0]).max()
    assert size > 0
    np.testing.assert_allclose(gradients[1], gradients[0], atol=1e-4 * size)


def test_the_convolution_sees_one_position_and_the_model_stays_as_it_was() -> None:
    model = _model("small_cnn")
    before = model.get_config()
    pooled = pooled_first(model)
    assert pooled.get_layer("features").output_shape == (None, 512)
    assert model.get_config() == before


def test_what_is_not_linear_is_left_alone() -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 1, activation="relu")(image)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    assert pooled_first(model).layers == model.layers


def test_a_convolution_that_something_else_reads_is_left_alone() -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 1)(image)
    model = keras.Model(image, [keras.layers.GlobalAveragePooling2D()(x), x])
    assert pooled_first(model).layers == model.layers
