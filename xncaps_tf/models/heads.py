"""Heads: from a backbone's features to one score a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xncaps_tf._keras import keras
from xncaps_tf.layers import CapsFC, CapsuleReshape, Length, SeededDropout, XnIDR, XnODR
from xncaps_tf.models.normalization import BatchNorm

PRIMARY_DIM = 8
CAPSULE_LAYERS = {"capsfc": CapsFC, "xnodr": XnODR, "xnidr": XnIDR}


@dataclass(frozen=True)
class HeadOptions:
    """Options of `models.build` that a head may use.

    Attributes:
        num_classes: J.
        dropout: the rate, 0 for no dropout layer.
        momentum: of both BatchNorms; 0.9 with small backbones, 0.99 as published.
        seed: of the dropout.
        scales: of XnODR's bits; the other heads have none.
    """

    num_classes: int
    dropout: float = 0.0
    momentum: float = 0.99
    capsule_dim: int = 16
    routing_iterations: int = 3
    seed: int = 0
    scales: str = "channel"


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
    """Joins the head of that name to a backbone's features; returns scores `[B, J]`."""
    if head == "dense":
        return dense_head(features, options)
    return capsule_head(features, head, options)
