"""What is inside the backbones: the plan of layers, one-bit weights, preprocessing."""

from __future__ import annotations

import larq as lq
import numpy as np
import pytest

from xncaps_tf import models
from xncaps_tf._keras import keras
from xncaps_tf.models import quicknet

PIXELS = np.random.default_rng(7).integers(0, 256, (2, 8, 8, 3)).astype("float32")


@pytest.mark.parametrize(
    ("shape", "sides"),
    [((28, 28, 1), (14, 14, 7, 7)), ((32, 32, 3), (16, 16, 8, 8)), ((8, 8, 1), (8, 8, 4, 4))],
)
def test_small_cnn_is_the_published_plan(shape: tuple, sides: tuple) -> None:
    model = models.build("small_cnn", "xnodr", shape, 10)
    shapes = [model.get_layer(f"conv{n}").output_shape[1:] for n in (1, 2, 3, 4)]
    assert shapes == [(s, s, f) for s, f in zip(sides, (32, 64, 64, 128), strict=True)]
    assert model.get_layer("features").output_shape == (None, sides[-1], sides[-1], 512)
    assert model.get_layer("features").activation is keras.activations.linear
    assert model.get_layer("primary_capsules").output_shape == (None, 64, 8)
    norms = [layer for layer in model.layers if isinstance(layer, models.BatchNorm)]
    assert len(norms) == 6 and {norm.momentum for norm in norms} == {0.9}


@pytest.mark.parametrize("size", quicknet.SIZES)
def test_quicknet_is_binary_behind_its_stem(size: str) -> None:
    name = "quicknet" if size == "tiny" else f"quicknet_{size}"
    model = models.build(name, "dense", (32, 32, 3), 10)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    stem = [layer for layer in convolutions if layer.name.startswith("stem")]
    binary = [layer for layer in convolutions if layer not in stem]
    blocks = quicknet.SIZES[size].blocks
    assert len(binary) == sum(blocks) + len(blocks) - 1
    assert all(isinstance(layer, lq.layers.QuantConv2D) for layer in binary)
    for layer in binary:
        for quantizer in (layer.input_quantizer, layer.kernel_quantizer):
            assert isinstance(quantizer, lq.quantizers.SteSign)
    assert not any(isinstance(layer, lq.layers.QuantConv2D) for layer in stem)
    assert model.get_layer("features").output_shape[-1] == quicknet.SIZES[size].filters * 8


@pytest.mark.parametrize("side", [8, 12, 28])
def test_quicknets_full_stem_keeps_small_images(side: int) -> None:
    model = models.build("quicknet", "xnodr", (side, side, 1), 10)
    assert model.get_layer("stem").output_shape == (None, side, side, 32)
    assert model.get_layer("section1_block1").output_shape == (None, side, side, 32)
    end = -(-side // 8)
    assert model.get_layer("features").output_shape == (None, end, end, 256)


def test_quicknets_pixels_reach_the_stem_as_minus_one_to_one() -> None:
    model = models.build("quicknet", "dense", (8, 8, 3), 10)
    scaled = keras.Model(model.input, model.get_layer("scale").output)(PIXELS).numpy()
    np.testing.assert_allclose(scaled, PIXELS / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize(
    ("backbone", "layer", "published"),
    [
        ("mobilenet_v2", "scale", keras.applications.mobilenet_v2.preprocess_input),
        ("resnet50", "caffe_preprocessing", keras.applications.resnet50.preprocess_input),
    ],
)
def test_preprocessing_is_keras_own(backbone: str, layer: str, published) -> None:
    model = models.build(backbone, "dense", (8, 8, 3), 10, upsampling_factor=4)
    ours = keras.Model(model.input, model.get_layer(layer).output)(PIXELS).numpy()
    # one rounding of a value of at most 255 (MobileNetV2: of 1) in float32
    np.testing.assert_allclose(ours, published(PIXELS.copy()), atol=2e-5)


def test_mnist_is_padded_with_black_and_made_three_channels() -> None:
    image = np.random.default_rng(1).integers(0, 256, (1, 28, 28, 1)).astype("float32")
    model = models.build("mobilenet_v2", "dense", (28, 28, 1), 10, upsampling_factor=1)
    seen = keras.Model(model.input, model.get_layer("three_channels").output)(image).numpy()
    expected = np.repeat(np.pad(image, ((0, 0), (2, 2), (2, 2), (0, 0))), 3, axis=-1)
    np.testing.assert_array_equal(seen, expected)


def test_caffe_preprocessing_wants_three_channels() -> None:
    with pytest.raises(ValueError, match=r"input_shape=\(None, 8, 8, 1\)"):
        models.CaffePreprocessing()(keras.Input((8, 8, 1)))


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet50"])
def test_application_computes_what_keras_computes(name: str) -> None:
    """Our BatchNorm in Keras's applications changes nothing: same weights, same features."""
    application = {
        "mobilenet_v2": keras.applications.MobileNetV2,
        "resnet50": keras.applications.ResNet50,
    }[name]
    plain = application(include_top=False, weights=None, input_shape=(32, 32, 3))
    model = models.build(name, "dense", (8, 8, 3), 10, upsampling_factor=4)
    core = [layer for layer in model.layers if layer.name in {each.name for each in plain.layers}]
    assert [len(layer.weights) for layer in plain.layers if layer.weights] == [
        len(layer.weights) for layer in core if layer.weights
    ]
    ours = keras.Model(model.get_layer("upsampling").output, core[-1].output)
    ours.set_weights(plain.get_weights())
    image = np.random.default_rng(3).normal(size=(2, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(ours(image).numpy(), plain(image).numpy())
