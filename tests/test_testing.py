"""check_layer finds what a layer does wrong."""

from __future__ import annotations

import numpy as np
import pytest

from xncaps_tf import testing
from xncaps_tf._keras import keras, tf

X = np.ones((2, 3), np.float32)


@keras.saving.register_keras_serializable(package="xncaps_test")
class Scale(keras.layers.Layer):
    """A right layer; each subclass breaks one thing."""

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (3,), initializer="ones")
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.scale

    def compute_output_shape(self, input_shape):
        return input_shape


class WrongShape(Scale):
    def compute_output_shape(self, input_shape):
        return (*input_shape, 1)


class NoGradient(Scale):
    def call(self, inputs):
        return tf.where(self.scale > 0, inputs, 0 * self.scale / 0)


@keras.saving.register_keras_serializable(package="xncaps_test")
class ForgetsItsConfig(Scale):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.scale * self.factor

    def get_config(self):
        return {k: v for k, v in super().get_config().items() if k != "factor"}


@keras.saving.register_keras_serializable(package="xncaps_test")
class CoarseInHalf(Scale):
    def call(self, inputs):
        half = inputs.dtype == tf.float16
        return inputs * tf.cast(self.scale, inputs.dtype) * (1.5 if half else 1)


def test_a_right_layer_passes():
    testing.check_layer(Scale, X, (2, 3), trainable_weights=1)


@pytest.mark.parametrize(
    ("make", "shape", "weights", "text"),
    [
        (Scale, (2, 4), 1, "eager shape"),
        (Scale, (2, 3), 2, "1 trainable weights"),
        (WrongShape, (2, 3), 1, "compute_output_shape"),
        (lambda **k: ForgetsItsConfig(2.0, **k), (2, 3), 1, "round trip by config"),
        (CoarseInHalf, (2, 3), 1, "error .* under mixed_float16"),
    ],
    ids=["shape", "weights", "compute_output_shape", "config", "half precision"],
)
def test_a_wrong_layer_is_found(make, shape, weights, text):
    with pytest.raises(AssertionError, match=f"check_layer: .*{text}"):
        testing.check_layer(make, X, shape, trainable_weights=weights)


def test_a_gradient_that_is_not_finite_is_found():
    keras.saving.get_custom_objects()["NoGradient"] = NoGradient
    try:
        with pytest.raises(AssertionError, match="a gradient of .* is not finite"):
            testing.check_layer(NoGradient, X, (2, 3), trainable_weights=1)
    finally:
        del keras.saving.get_custom_objects()["NoGradient"]
