"""Heads: from a backbone's features to one score a class."""

from __future__ import annotations

from typing import Any

from xncaps_tf._keras import keras
from xncaps_tf.layers import CapsFC, CapsuleReshape, Length, SeededDropout, XnIDR, XnODR
from xncaps_tf.models import registration
from xncaps_tf.models.interfaces import HeadOptions
from xncaps_tf.models.normalization import BatchNorm

PRIMARY_DIM = 8
CAPSULE_LAYERS = {"capsfc": CapsFC, "xnodr": XnODR, "xnidr": XnIDR}
_QUANTIZED = {
    "xnodr": ("input_quantizer", "kernel_quantizer"),
    "xnidr": ("prediction_quantizer", "pose_quantizer"),
}


def capsule_head(features: Any, layer: str, options: HeadOptions) -> Any:
    """The published head, in the published order.

    GlobalAveragePooling, reshape to N = C / 8 primary capsules and squash, BatchNorm, ReLU, capsule
    layer, dropout where asked for, BatchNorm, ReLU, Length.

    Args:
        features: Keras tensor `[B, H, W, C]`, C a multiple of 8.
        layer: 'capsfc', 'xnodr' or 'xnidr'.

    Returns:
        Keras tensor `[B, J]`, the lengths: 0 or more, not bounded by 1 (BatchNorm follows the
        squash).

    Source: Sun, Fard, Mahoor, https://arxiv.org/abs/2111.10854, and the authors' published code.
    """
    x = keras.layers.GlobalAveragePooling2D(name="pool")(features)  # [B, C]
    x = CapsuleReshape(PRIMARY_DIM, name="primary_capsules")(x)  # [B, N, 8]
    x = BatchNorm(momentum=options.momentum, name="primary_norm")(x)
    x = keras.layers.ReLU(name="primary_relu")(x)
    x = CAPSULE_LAYERS[layer](
        options.num_classes,
        options.capsule_dim,
        routing_iterations=options.routing_iterations,
        name="capsules",
        **dict.fromkeys(_QUANTIZED.get(layer, ()), options.quantizer),
        **({"scales": options.scales} if layer == "xnodr" else {}),
    )(x)  # [B, J, E]
    if options.dropout:
        x = SeededDropout(options.dropout, seed=options.seed, name="dropout")(x)
    x = BatchNorm(momentum=options.momentum, name="capsules_norm")(x)
    x = keras.layers.ReLU(name="capsules_relu")(x)
    return Length(name="length")(x)  # [B, J]


def dense_head(features: Any, options: HeadOptions) -> Any:
    """The baseline: GlobalAveragePooling, dropout where asked for, Dense with softmax.

    What the same backbone has in Keras's own classifiers; no capsule anywhere, so its scores are
    probabilities that add up to 1 (of two-label data, only the order of the scores is used).

    Args:
        features: Keras tensor `[B, H, W, C]`.

    Returns:
        Keras tensor `[B, J]`.
    """
    x = keras.layers.GlobalAveragePooling2D(name="pool")(features)  # [B, C]
    if options.dropout:
        x = SeededDropout(options.dropout, seed=options.seed, name="dropout")(x)
    return keras.layers.Dense(options.num_classes, activation="softmax", name="classes")(x)


def attach(head: str, features: Any, options: HeadOptions) -> Any:
    """Joins the head of that name to a backbone's features; returns scores `[B, J]`.

    Raises:
        ValueError: a registered head gives something else.
    """
    if head in registration.HEADS:
        scores = registration.HEADS[head].build(features, options)
        shape = tuple(getattr(scores, "shape", ()))
        if shape != (None, options.num_classes):
            raise ValueError(
                f"build: expected the head {head} to give scores [B, {options.num_classes}]. "
                f"Received: {list(shape) or type(scores).__name__}."
            )
        return scores
    if head == "dense":
        return dense_head(features, options)
    return capsule_head(features, head, options)
