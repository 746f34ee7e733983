"""What a backbone is given and gives back, and what a head is given. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BackboneOptions:
    """Options of `models.build` that a backbone may use.

    Attributes:
        upsampling: 'nearest' or 'bilinear'.
        upsampling_factor: a whole factor, or None for the published one.
        resolution: side that the image is resized to; None for the backbone's own.
        resizing: 'nearest' or 'bilinear': how it is.
        features: a word of `names.FEATURES`: where the head taps the backbone.
    """

    upsampling: str = "nearest"
    upsampling_factor: int | None = None
    resolution: int | None = None
    features: str = "last_conv"
    resizing: str = "bilinear"


@dataclass(frozen=True)
class Features:
    """A backbone's result.

    Attributes:
        tensor: Keras tensor `[B, H, W, C]`, C a multiple of 8; the head's input.
        core: the model from the image to the last layer whose weights can be loaded and frozen.
    """

    tensor: Any
    core: Any


@dataclass(frozen=True)
class HeadOptions:
    """Options of `models.build` that a head may use.

    Attributes:
        num_classes: J.
        dropout: the rate, 0 for no dropout layer.
        momentum: of both BatchNorms; 0.9 with small backbones, 0.99 as published.
        capsule_dim: E of the capsule layer.
        routing_iterations: R of the capsule layer.
        seed: of the dropout.
        scales: of XnODR's bits; the other heads have none.
        quantizer: of XnODR and XnIDR, a word of `choices.QUANTIZERS`.
    """

    num_classes: int
    dropout: float = 0.0
    momentum: float = 0.99
    capsule_dim: int = 16
    routing_iterations: int = 3
    seed: int = 0
    scales: str = "channel"
    quantizer: str = "caps_sign"
