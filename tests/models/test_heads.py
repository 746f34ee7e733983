"""The published head: its order, and gradients that stay finite where capsules are zero."""

from __future__ import annotations

import numpy as np
import pytest

from xncaps_tf import accounting, models
from xncaps_tf._keras import keras, tf
from xncaps_tf.models import choices, heads

LAYERS = {"capsfc": "CapsFC", "xnodr": "XnODR", "xnidr": "XnIDR"}


@pytest.mark.parametrize("head", LAYERS)
def test_order_of_the_published_head(head: str) -> None:
    model = models.build("small_cnn", head, (28, 28, 1), 10)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds[kinds.index("GlobalAveragePooling2D") :] == [
        "GlobalAveragePooling2D",
        "CapsuleReshape",
        "BatchNorm",
        "ReLU",
        LAYERS[head],
        "SeededDropout",
        "BatchNorm",
        "ReLU",
        "Length",
        "ClassScores",
    ]
    capsules = model.get_layer("capsules")
    assert capsules.output_shape == (None, 10, 16) and capsules.routing_iterations == 3


def test_dense_head_gives_probabilities() -> None:
    model = models.build("small_cnn", "dense", (8, 8, 1), 10)
    pixels = np.random.default_rng(2).uniform(0, 255, (5, 8, 8, 1)).astype("float32")
    scores = model(pixels).numpy()
    # ten float32 terms of at most 1
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=10 * np.finfo("float32").eps)
    assert (scores >= 0).all()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("head", LAYERS)
def test_zero_capsules_give_finite_gradients_through_the_head(head: str, training: bool) -> None:
    features = keras.Input((2, 2, 64))
    model = keras.Model(features, heads.attach(head, features, heads.HeadOptions(3, dropout=0.3)))
    inputs = np.random.default_rng(5).normal(size=(4, 2, 2, 64)).astype("float32")
    inputs[0] = 0  # every primary capsule of an example
    inputs[1, ..., :8] = 0  # one primary capsule
    x = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = model(x, training=training)
        loss = tf.reduce_sum(tf.square(scores - 0.5))
    gradients = tape.gradient(loss, [x, *model.trainable_weights])
    assert np.isfinite(scores.numpy()).all()
    for gradient in gradients:
        assert gradient is not None and np.isfinite(gradient.numpy()).all()


@pytest.mark.parametrize("head", LAYERS)
def test_an_all_zero_batch_gives_zero_scores_and_finite_gradients(head: str) -> None:
    """Behind the last ReLU every output capsule is zero: Length at zero, squash at zero."""
    features = keras.Input((1, 1, 64))
    model = keras.Model(features, heads.attach(head, features, heads.HeadOptions(3)))
    x = tf.zeros((2, 1, 1, 64))
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = model(x, training=False)
    gradients = tape.gradient(scores, [x, *model.trainable_weights])
    np.testing.assert_array_equal(scores.numpy(), 0)
    assert all(np.isfinite(gradient.numpy()).all() for gradient in gradients)


def test_scales_reach_the_layer_and_the_count_of_bytes() -> None:
    sizes, n = {}, 0
    for scales in choices.SCALES:
        model = models.build("small_cnn", "xnodr", (8, 8, 1), 10, scales=scales)
        assert model.get_layer("capsules").scales == scales
        sizes[scales] = sum(layer.bytes_multipliers for layer in accounting.account(model).layers)
        n = model.get_layer("capsules").kernel.shape[0]
    assert sizes == {"channel": n * 10 * 16 * 4, "capsule": n * 10 * 4, "none": 4}
    with pytest.raises(ValueError, match="expected scales with the head xnodr.*head='capsfc'"):
        models.build("small_cnn", "capsfc", (8, 8, 1), 10, scales="capsule")


def test_the_quantizer_and_the_turns_of_routing_reach_the_layer() -> None:
    named = {"xnodr": ("input_quantizer", "kernel_quantizer")}
    named["xnidr"] = ("prediction_quantizer", "pose_quantizer")
    for head, quantizers in named.items():
        model = models.build(
            "small_cnn", head, (8, 8, 1), 3, quantizer="ste_sign", routing_iterations=5
        )
        layer = model.get_layer("capsules")
        assert layer.routing_iterations == 5
        for name in quantizers:
            assert getattr(layer, name)(np.zeros(1, "float32")).numpy() == 1  # caps_sign: -1
    with pytest.raises(ValueError, match="expected quantizer with one of the heads.*'capsfc'"):
        models.build("small_cnn", "capsfc", (8, 8, 1), 3, quantizer="ste_sign")
    with pytest.raises(ValueError, match="expected quantizer to be one of caps_sign, ste_sign"):
        models.build("small_cnn", "xnodr", (8, 8, 1), 3, quantizer="dorefa")
    for turns in (0, True, 1.5):
        with pytest.raises(ValueError, match="expected routing_iterations to be a positive int"):
            models.build("small_cnn", "xnodr", (8, 8, 1), 3, routing_iterations=turns)  # pyright: ignore[reportArgumentType]
