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


@pytest.mark.parametrize("between", [True, False], ids=["norm", "no norm"])
@pytest.mark.parametrize("kernel", [(3, 3), (1, 1), (2, 4), (5, 3), (7, 6)], ids=str)
@pytest.mark.parametrize("size", [(7, 7), (4, 9), (3, 2)], ids=str)
def test_pooling_commutes_with_a_depthwise_convolution(
    size: tuple[int, int], kernel: tuple[int, int], between: bool
) -> None:
    image = keras.Input((*size, 6))
    x = keras.layers.DepthwiseConv2D(kernel, padding="same", name="wide")(image)
    if between:
        x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2D(5, 1)(x)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    rewritten, done = passes.apply(model, batch_size=None)
    images = rng.normal(size=(4, *size, 6)).astype(np.float32)
    # Sums of some hundred products of order 1, in another order.
    np.testing.assert_allclose(rewritten(images), model(images), atol=1e-5, rtol=1e-5)
    saved = {rewrite.name: rewrite.macs_saved for rewrite in done}
    area = size[0] * size[1]
    assert saved["pool before depthwise"] == area * 6 * (kernel[0] * kernel[1] - 1)
    assert saved["pool before linear"] == (area - 1) * 6 * 5
    assert rewritten.get_layer("wide").output_shape == (None, 1, 1, 6)


def test_what_the_published_mobilenet_saves() -> None:
    model = models.build("mobilenet_v2", "xnodr", (32, 32, 3), 10, seed=3)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    _settle(model, images)
    rewritten, done = passes.apply(model, batch_size=None)
    assert [(rewrite.layer, rewrite.macs_saved) for rewrite in done] == [
        ("features", 48 * 1280 * 1024),
        ("extra_depthwise", 49 * 1280 * 8),
    ]
    made, wanted = (
        keras.Model(each.input, [each.get_layer("pool").output, each.output])(images)
        for each in (rewritten, model)
    )
    for got, expected in zip(made, wanted, strict=True):  # features and scores
        assert np.abs(expected).max() > 1e-2
        np.testing.assert_allclose(got, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("tap", "channels"), [("last_conv", 1280), ("last_block", 320)])
def test_what_efficientnet_lite_saves(tap: str, channels: int) -> None:
    model = models.build(
        "efficientnet_lite0", "xnodr", (64, 64, 3), 10, resolution=64, features=tap, seed=3
    )
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)
    _settle(model, images)
    rewritten, done = passes.apply(model, batch_size=None)
    assert [(rewrite.layer, rewrite.macs_saved) for rewrite in done] == [
        ("features", 3 * channels * 1024)
    ]
    expected = model(images).numpy()
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(rewritten(images), expected, atol=1e-5, rtol=1e-5)


def _settle(model: Any, images: np.ndarray) -> None:
    """Gives every BatchNorm the averages of a batch: with those of the start, features vanish."""
    for norm in model.layers:
        if isinstance(norm, keras.layers.BatchNormalization):
            norm.momentum = 0.0
    model(images, training=True)


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


@pytest.mark.parametrize(
    "depthwise",
    [{"activation": "relu"}, {"strides": 2}, {"padding": "valid"}, {"dilation_rate": 2}],
    ids=["relu", "strided", "valid", "dilated"],
)
def test_other_depthwise_convolutions_are_left_alone(depthwise: dict[str, Any]) -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.DepthwiseConv2D(3, **{"padding": "same", **depthwise})(image)
    x = keras.layers.Conv2D(4, 1)(x)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    assert [rewrite.name for rewrite in passes.apply(model)[1]] == ["pool before linear"]


def test_what_the_model_gives_out_too_is_left_alone() -> None:
    image = keras.Input((8, 8, 3))
    deep = keras.layers.DepthwiseConv2D(3, padding="same")(image)
    x = keras.layers.Conv2D(4, 1)(deep)
    pooled = keras.layers.GlobalAveragePooling2D()(x)
    assert passes.apply(keras.Model(image, [pooled, x]))[1] == ()
    names = [rewrite.name for rewrite in passes.apply(keras.Model(image, [pooled, deep]))[1]]
    assert names == ["pool before linear"]
