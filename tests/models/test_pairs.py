"""Each backbone with each head: builds, trains a step, is saved, read back, converted and verified.

Pixels are real ones (the digits, as the data set gives them). Conversions are by
larq-compute-engine, so that every binary weight has to be found as bits in the file.
"""

from __future__ import annotations

import functools
import pathlib

import numpy as np
import pytest

from xncaps_tf import load_model, losses, models
from xncaps_tf._keras import keras
from xncaps_tf.models.choices import HEADS

BACKBONES = ("small_cnn", "quicknet", "mobilenet_v2", "resnet50")
PAIRS = [(backbone, head) for backbone in BACKBONES for head in HEADS]
PAIRS += [("efficientnet_lite0", "xnodr")]  # with the other heads: test_efficientnet_lite.py
# A ResNet-50 takes as long as all small networks together: with the other heads among what is slow.
QUICK = [
    pytest.param(*pair, marks=[pytest.mark.slow] * (pair[0] == "resnet50" and pair[1] != "xnodr"))
    for pair in PAIRS
]
CLASSES = 10
NAMES = tuple("zero one two three four five six seven eight nine".split())


@functools.cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels [1797, 8, 8, 1], float32 from 0 to 255, and labels."""
    from xncaps_tf import data

    parts = [data.load("digits", split).numpy() for split in ("test", "train")]
    images = np.concatenate([images for images, _ in parts]).astype("float32")
    return images, np.concatenate([labels for _, labels in parts])


def trained(backbone: str, head: str) -> keras.Model:
    """A model that has taken one step, which moves every trainable weight."""
    enlarged = {} if backbone in ("small_cnn", "quicknet") else {"upsampling_factor": 4}
    if backbone == "efficientnet_lite0":
        enlarged = {"resolution": 32}
    model = models.build(
        backbone, head, (8, 8, 1), CLASSES, class_names=NAMES, dropout=0.3, seed=1, **enlarged
    )
    images, labels = digits()
    before = [weight.numpy() for weight in model.trainable_weights]
    # Eagerly: one step of a deep network is quicker computed than traced.
    model.compile(keras.optimizers.SGD(1e-3), losses.MarginLoss(), run_eagerly=True)
    loss = model.train_on_batch(images[:16], np.eye(CLASSES, dtype="float32")[labels[:16]])
    assert np.isfinite(loss)
    after = [weight.numpy() for weight in model.trainable_weights]
    assert all(np.isfinite(weight).all() for weight in after)
    moved = [np.any(new != old) for new, old in zip(after, before, strict=True)]
    assert all(moved), model.trainable_weights[moved.index(False)].name
    (settle_head if backbone == "resnet50" else settle)(model, images[:32])
    return model


def settle(model: keras.Model, images: np.ndarray) -> None:
    """Gives every BatchNorm the averages of a batch, as a whole training would.

    After one step they are nearly those of the start: scores are nearly zero, any file is right.
    """
    norms = [layer for layer in model.layers if isinstance(layer, models.BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    model(images, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def settle_head(model: keras.Model, images: np.ndarray) -> None:
    """The same for the head alone.

    A random ResNet-50 with settled averages magnifies a difference of 1e-6 in its pixels to 4e-4 in
    its scores, and no file could be told right from wrong; with those of the start it does not.
    """
    for norm in model.layers:
        if norm.name in ("primary_norm", "capsules_norm"):
            inputs = keras.Model(model.input, norm.input)(images).numpy()  # [B, N, D] or [B, J, E]
            norm.moving_mean.assign(inputs.mean(axis=(0, 1)))
            norm.moving_variance.assign(inputs.var(axis=(0, 1)))


def convert_and_verify(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> None:
    from xncaps_converters import convert_lce
    from xncaps_converters.samples import Samples
    from xncaps_converters.verify import verify
    from xncaps_files import tflite

    flatbuffer = convert_lce(model)
    result = verify(model, flatbuffer, Samples(images, labels, "digits"))
    result.check()
    spread = result.expected.std(axis=0).max()
    assert spread > 1e-3 and result.mean_error < 0.01 * spread  # scores depend on the image
    assert result.samples == len(images)
    ops = [op.name for op in tflite.parse(flatbuffer).main.ops]
    quantized = [layer for layer in model.layers if getattr(layer, "kernel_quantizer", None)]
    assert ops.count("LceBconv2d") == len(quantized)


@pytest.mark.parametrize(("backbone", "head"), QUICK)
def test_pair(backbone: str, head: str, tmp_path: pathlib.Path) -> None:
    model = trained(backbone, head)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = load_model(path)
    images, labels = (part[:32] for part in digits())
    np.testing.assert_array_equal(loaded(images).numpy(), model(images).numpy())
    assert models.class_names(loaded) == NAMES
    convert_and_verify(loaded, images, labels)


def learn(model: keras.Model) -> None:
    """Some epochs: the scores of a network that knows nothing are so near to one another that a
    sign of a binary backbone, flipped by rounding, moves the highest to another class."""
    images, labels = digits()
    model.compile(keras.optimizers.Adam(2e-3), losses.MarginLoss())
    model.fit(images, np.eye(CLASSES, dtype="float32")[labels], 50, epochs=6, verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize(("backbone", "head"), PAIRS)
def test_pair_on_a_thousand_images(backbone: str, head: str) -> None:
    model = trained(backbone, head)
    if backbone == "quicknet":
        learn(model)
    convert_and_verify(model, *(part[:1000] for part in digits()))
