"""models.build: counts of the paper, arguments and their errors, seeds, frozen tails."""

from __future__ import annotations

import numpy as np
import pytest

from xncaps_tf import models
from xncaps_tf._keras import keras

PAPER_HEADS = ("capsfc", "xnodr", "xnidr")
NAMES = tuple(f"class {number}" for number in range(10))


def trainable(model: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.parametrize("head", PAPER_HEADS)
def test_mobilenet_v2_has_the_papers_counts(head: str) -> None:
    model = models.build("mobilenet_v2", head, (32, 32, 3), 10)
    assert model.count_params() == 3_751_584
    assert trainable(model) == 3_714_864
    frozen = models.build("mobilenet_v2", head, (32, 32, 3), 10, freeze_tail=True)
    assert frozen.count_params() == 3_751_584
    assert trainable(frozen) == 2_994_864
    assert frozen.get_layer("upsampling").output_shape == (None, 224, 224, 3)
    assert frozen.get_layer("primary_capsules").output_shape == (None, 128, 8)


def test_resnet50_has_the_published_tail_and_block() -> None:
    model = models.build("resnet50", "xnidr", (28, 28, 1), 10, freeze_tail=True)
    assert model.get_layer("upsampling").output_shape == (None, 224, 224, 3)
    assert model.get_layer("primary_capsules").output_shape == (None, 256, 8)
    frozen = [layer.name for layer in model.layers if not layer.trainable]
    assert len(frozen) == 10
    assert frozen[0] == "conv5_block3_1_conv" and frozen[-1] == "conv5_block3_out"
    shapes = [tuple(model.get_layer(f"extra{n}_conv").kernel.shape) for n in (1, 2, 3)]
    assert shapes == [(1, 1, 2048, 512), (3, 3, 512, 512), (1, 1, 512, 2048)]
    assert model.get_layer("extra2_conv").kernel_regularizer.l2 == pytest.approx(1e-3)
    # ResNet-50 without its top, the block (kernels, biases, norms), and the head for N = 256
    block = 2048 * 512 + 512 + 9 * 512 * 512 + 512 + 512 * 2048 + 2048 + 4 * (512 + 512 + 2048)
    head = 4 * 8 + 256 * 10 * 8 * 16 + 4 * 16
    step = 1  # SeededDropout's counter, which Keras counts and accounting does not
    assert model.count_params() == 23_587_712 + block + head + step


@pytest.mark.parametrize(
    ("shape", "enlarged"),
    [
        ((32, 32, 3), 224),
        ((28, 28, 1), 224),
        ((36, 36, 1), 144),
        ((8, 8, 1), 224),
        ((96, 96, 3), 192),
    ],
)
def test_upsampling_factor_as_published(shape: tuple[int, int, int], enlarged: int) -> None:
    model = models.build("mobilenet_v2", "dense", shape, 10)
    assert model.get_layer("upsampling").output_shape == (None, enlarged, enlarged, 3)


@pytest.mark.parametrize("interpolation", models.UPSAMPLING)
def test_upsampling_by_name(interpolation: str) -> None:
    model = models.build(
        "mobilenet_v2", "dense", (8, 8, 3), 10, upsampling=interpolation, upsampling_factor=4
    )
    assert model.get_layer("upsampling").interpolation == interpolation
    assert model.get_layer("upsampling").output_shape == (None, 32, 32, 3)


@pytest.mark.parametrize("backbone", models.BACKBONES)
def test_every_backbone_by_its_name(backbone: str) -> None:
    model = models.build(backbone, "xnodr", (32, 32, 3), 7, class_names=NAMES[:7])
    assert model.name == f"{backbone}_xnodr"
    assert model.input_shape == (None, 32, 32, 3) and model.input.dtype == "float32"
    assert model.output_shape == (None, 7)
    assert models.class_names(model) == NAMES[:7]


def test_class_names_of_models_without_any() -> None:
    assert models.class_names(models.build("small_cnn", "dense", (8, 8, 1), 10)) is None
    assert models.class_names(keras.Sequential([keras.layers.Dense(2)])) is None


def test_the_seed_determines_the_weights() -> None:
    def weights(seed: int | None) -> list[np.ndarray]:
        model = models.build("small_cnn", "xnodr", (8, 8, 1), 10, seed=seed)
        return [weight for weight in model.get_weights() if weight.std() > 0]

    first = weights(1)
    keras.utils.set_random_seed(5)  # neither read nor moved
    again, other = weights(1), weights(2)
    assert len(first) == 6  # five kernels of convolutions and the capsules'
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    assert len({round(float(kernel.std()), 9) for kernel in first}) == 6  # no draw used twice


def test_the_seed_leaves_the_distribution_alone() -> None:
    kernel = (
        models.build("small_cnn", "xnodr", (28, 28, 1), 10, seed=3).get_layer("capsules").kernel
    )
    limit = np.sqrt(6 / ((8 + 16) * 64 * 10))
    assert np.abs(kernel.numpy()).max() == pytest.approx(limit, rel=1e-3)
    assert kernel.numpy().std() == pytest.approx(limit / np.sqrt(3), rel=1e-2)


@pytest.mark.parametrize(
    ("head", "shape", "dropout", "rate"),
    [
        ("xnodr", (28, 28, 1), None, 0.3),
        ("xnodr", (32, 32, 3), None, None),
        ("xnodr", (28, 28, 1), 0.0, None),
        ("dense", (28, 28, 1), None, None),
        ("dense", (8, 8, 1), 0.5, 0.5),
    ],
)
def test_dropout_follows_the_paper(
    head: str, shape: tuple, dropout: float | None, rate: float
) -> None:
    model = models.build("small_cnn", head, shape, 10, dropout=dropout)
    rates = [layer.rate for layer in model.layers if layer.name == "dropout"]
    assert rates == ([] if rate is None else [rate])


def test_freeze_tail_counts_layers() -> None:
    model = models.build("small_cnn", "xnodr", (8, 8, 1), 10, freeze_tail=4)
    frozen = [layer.name for layer in model.layers if not layer.trainable]
    assert frozen == ["conv4", "conv4_norm", "conv4_relu", "features"]
    for choice in (None, False, True):  # nothing published about this backbone
        model = models.build("small_cnn", "xnodr", (8, 8, 1), 10, freeze_tail=choice)
        assert all(layer.trainable for layer in model.layers)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone": "vgg"}, "backbone='vgg'"),
        ({"head": "softmax"}, "head='softmax'"),
        ({"input_shape": (28, 28)}, r"input_shape=\(28, 28\)"),
        ({"input_shape": (28, 0, 1)}, r"input_shape=\(28, 0, 1\)"),
        ({"num_classes": 0}, "num_classes=0"),
        ({"num_classes": True}, "num_classes=True"),
        ({"upsampling": "cubic"}, "upsampling='cubic'"),
        ({"upsampling_factor": 0}, "upsampling_factor=0"),
        ({"class_names": ("a", "b")}, r"class_names=\('a', 'b'\)"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"freeze_tail": -1}, "freeze_tail=-1"),
        ({"weights": "imagenet"}, "weights='imagenet'"),
        ({"backbone": "resnet50", "input_shape": (32, 32, 2)}, r"input_shape=\(32, 32, 2\)"),
    ],
)
def test_arguments_out_of_range(change: dict, message: str) -> None:
    arguments = {
        "backbone": "small_cnn",
        "head": "xnodr",
        "input_shape": (28, 28, 1),
        "num_classes": 10,
        **change,
    }
    with pytest.raises(ValueError, match=message):
        models.build(**arguments)


def test_names_load_no_tensorflow() -> None:
    import subprocess
    import sys

    code = "import sys, xncaps_tf.models as m; m.BACKBONES; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
