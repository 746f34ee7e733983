"""EfficientNet-Lite: the published plan, its ImageNet weights, where the head taps it."""

from __future__ import annotations

import pathlib

import matplotlib
import numpy as np
import pytest

from xncaps_files import pictures
from xncaps_tf import models
from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import DataError
from xncaps_tf.models import efficientnet_lite, efficientnet_weights

# Ships with matplotlib; a photograph of the U.S. Navy in the public domain.
GRACE_HOPPER = pathlib.Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
MILITARY_UNIFORM = 652


@pytest.mark.parametrize(
    ("backbone", "parameters", "blocks"),
    [
        ("efficientnet_lite0", 4_652_008, 16),
        ("efficientnet_lite1", 5_416_680, 21),
        ("efficientnet_lite2", 6_092_072, 21),
    ],
)
def test_the_published_network(backbone: str, parameters: int, blocks: int) -> None:
    model = models.imagenet_classifier(backbone)
    # The published numbers leave BatchNorm's averages out.
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == parameters
    depthwise = [layer for layer in model.layers if type(layer) is keras.layers.DepthwiseConv2D]
    assert len(depthwise) == blocks
    pixels = pictures.decode(GRACE_HOPPER, model.input_shape[1:])[None]
    scores = model(pixels.astype("float32")).numpy()[0]
    assert scores.argmax() == MILITARY_UNIFORM


def test_pixels_reach_the_stem_as_x_minus_127_by_128() -> None:
    model = models.build("efficientnet_lite0", "dense", (32, 32, 3), 10, resolution=32)
    pixels = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    scaled = keras.Model(model.input, model.get_layer("scale").output)(pixels)
    np.testing.assert_array_equal(scaled, (pixels - 127) / 128)  # powers of 2: no rounding


@pytest.mark.parametrize("shape", [(28, 28, 1), (348, 348, 3), (30, 50, 3)])
def test_any_image_is_resized_bilinearly_inside(shape: tuple) -> None:
    model = models.build("efficientnet_lite0", "dense", shape, 10, resolution=96)
    pixels = np.random.default_rng(2).integers(0, 256, (1, *shape)).astype("float32")
    resized = keras.Model(model.input, model.get_layer("resize").output)(pixels)
    assert resized.shape == (1, 96, 96, 3)
    if shape[-1] == 1:
        pixels = np.pad(pixels, [(0, 0), (2, 2), (2, 2), (0, 0)]).repeat(3, axis=-1)
    np.testing.assert_allclose(resized, _bilinear(pixels, 96), atol=1e-3)
    native = models.build("efficientnet_lite0", "dense", shape, 10)
    assert native.get_layer("resize").output_shape == (None, 224, 224, 3)


def _bilinear(pixels: np.ndarray, side: int) -> np.ndarray:
    """Half-pixel centres, the edge repeated."""
    for axis in (1, 2):
        size = pixels.shape[axis]
        place = np.clip((np.arange(side) + 0.5) * size / side - 0.5, 0, size - 1)
        low = np.floor(place).astype(int)
        share = (place - low).reshape([-1 if a == axis else 1 for a in range(4)])
        high = np.minimum(low + 1, size - 1)
        pixels = pixels.take(low, axis) * (1 - share) + pixels.take(high, axis) * share
    return pixels


def test_an_image_of_the_right_size_is_not_resized() -> None:
    model = models.build("efficientnet_lite0", "dense", (64, 64, 3), 10, resolution=64)
    resize = model.get_layer("resize")
    step = tf.function(resize).get_concrete_function(tf.TensorSpec((1, 64, 64, 3)))
    operations = {operation.type for operation in step.graph.get_operations()}
    assert not [name for name in operations if "Resize" in name]


@pytest.mark.parametrize(
    ("backbone", "features", "channels"),
    [
        ("efficientnet_lite0", "last_conv", 1280),
        ("efficientnet_lite0", "last_block", 320),
        ("efficientnet_lite2", "last_block", 352),
    ],
)
def test_the_head_taps_the_backbone_where_it_is_told(
    backbone: str, features: str, channels: int
) -> None:
    options = {"features": features, "resolution": 32}
    capsules = models.build(backbone, "xnodr", (32, 32, 3), 10, **options)
    linear = capsules.get_layer("features")
    assert linear.input.shape[-1] == channels and linear.output.shape[-1] == 1024
    assert linear.activation is keras.activations.linear
    assert capsules.get_layer("primary_capsules").output_shape == (None, 128, 8)
    dense = models.build(backbone, "dense", (32, 32, 3), 10, **options)
    assert dense.get_layer("classes").input.shape[-1] == channels


def test_the_tap_before_the_last_convolution_takes_the_same_weights() -> None:
    model = models.build(
        "efficientnet_lite0", "xnodr", (32, 32, 3), 10, features="last_block", weights="imagenet"
    )
    published = efficientnet_weights.imagenet("efficientnet_lite0")
    kernel = model.get_layer("block16_project_conv").get_weights()
    np.testing.assert_array_equal(kernel, published["block16_project_conv"])


@pytest.mark.parametrize("head", models.HEADS)
def test_every_head_goes_with_it(head: str) -> None:
    model = models.build("efficientnet_lite0", head, (20, 30, 1), 5, resolution=32, seed=1)
    scores = model(np.zeros((2, 20, 30, 1), "float32")).numpy()
    assert scores.shape == (2, 5) and np.isfinite(scores).all()


def test_other_stages_than_the_outer_ones_grow() -> None:
    width = efficientnet_lite.SIZES["efficientnet_lite2"].width
    scaled = [efficientnet_lite._scaled(s.filters, width) for s in efficientnet_lite.STAGES]
    assert scaled == [16, 24, 48, 88, 120, 208, 352]


@pytest.mark.parametrize("resizing", [None, "nearest"])
def test_images_are_resized_as_asked(resizing: str | None) -> None:
    model = models.build(
        "efficientnet_lite0", "dense", (16, 16, 3), 10, resolution=32, resizing=resizing
    )
    inside = keras.Model(model.input, model.get_layer("resize").output)
    image = np.random.default_rng(0).uniform(0, 255, (1, 16, 16, 3)).astype(np.float32)
    got = inside(image).numpy()
    twice = image.repeat(2, axis=1).repeat(2, axis=2)
    assert np.array_equal(got, twice) == (resizing == "nearest")
    bilinear = tf.image.resize(image, (32, 32)).numpy()
    assert np.allclose(got, bilinear) == (resizing is None)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"resolution": 31}, "resolution to be an int of 32 or more.*resolution=31"),
        ({"features": "last"}, "features to be one of last_conv, last_block.*features='last'"),
        ({"resizing": "cubic"}, "resizing to be one of nearest, bilinear.*resizing='cubic'"),
    ],
)
def test_options_out_of_range(options: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        models.build("efficientnet_lite0", "xnodr", (32, 32, 3), 10, **options)


@pytest.mark.parametrize(
    "options", [{"resolution": 64}, {"features": "last_conv"}, {"resizing": "nearest"}]
)
def test_options_that_another_backbone_does_not_have(options: dict) -> None:
    name = next(iter(options))
    match = f"{name} with one of efficientnet_lite0.* only.*backbone='small_cnn'"
    with pytest.raises(ValueError, match=match):
        models.build("small_cnn", "xnodr", (32, 32, 3), 10, **options)


def test_only_these_have_a_classifier_of_imagenet() -> None:
    with pytest.raises(ValueError, match="expected one of efficientnet_lite0.*'small_cnn'"):
        models.imagenet_classifier("small_cnn")


def test_a_missing_package_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = efficientnet_weights.Published("efficientnet_lite9_pytorch_model", "file.pth", "")
    monkeypatch.setitem(efficientnet_weights.PUBLISHED, "efficientnet_lite0", missing)
    with pytest.raises(DataError, match="package efficientnet-lite9-pytorch-model.*pretrained"):
        models.build("efficientnet_lite0", "dense", (32, 32, 3), 10, weights="imagenet")


def test_tensors_of_another_network_are_refused() -> None:
    with pytest.raises(DataError, match="weights of EfficientNet-Lite. Received: 'layer1.conv'"):
        efficientnet_weights.by_layer({"layer1.conv.weight": np.zeros((1, 1, 1, 1), "float32")})
