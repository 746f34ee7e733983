"""Rewrites before conversion: equal outputs, and the products that they save."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xncaps_converters import passes
from xncaps_tf import models
from xncaps_tf._keras import keras


def _macs(model: Any) -> int:
    """Multiply-accumulates of the 1x1 convolutions."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (1, 1):
            _, height, width, channels = layer.input_shape
            if isinstance(layer, passes.PooledConv2D):
                height = width = 1
            total += height * width * channels * layer.filters
    return total


@pytest.mark.parametrize("head", models.HEADS)
def test_pooling_commutes_with_the_linear_convolution(head: str) -> None:
    model = models.build("small_cnn", head, (28, 28, 1), 10, seed=2)
    rewritten, done = passes.apply(model, batch_size=None)
    images = np.random.default_rng(0).integers(0, 256, (8, 28, 28, 1)).astype(np.float32)
    # Means of 49 values in another order, scores of order 1.
    np.testing.assert_allclose(rewritten(images), model(images), atol=1e-5, rtol=1e-5)
    [rewrite] = done
    assert rewrite.layer == "features" and rewrite.macs_saved == 48 * 128 * 512
    assert _macs(model) - _macs(rewritten) == rewrite.macs_saved
    assert "3,145,728 MACs less" in str(rewrite)


def _network(**conv: Any) -> Any:
    image = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(**{"filters": 8, "kernel_size": 1, **conv})(image)
    return image, x


@pytest.mark.parametrize(
    "conv",
    [{"activation": "relu"}, {"kernel_size": 3}, {"strides": 2}],
    ids=["relu", "3x3", "strided"],
)
def test_other_convolutions_are_left_alone(conv: dict[str, Any]) -> None:
    image, x = _network(**conv)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    assert passes.apply(model)[1] == ()


def test_a_convolution_with_two_readers_is_left_alone() -> None:
    image, x = _network()
    pooled = keras.layers.GlobalAveragePooling2D()(x)
    largest = keras.layers.GlobalMaxPooling2D()(x)
    model = keras.Model(image, keras.layers.Add()([pooled, largest]))
    assert passes.apply(model)[1] == ()
