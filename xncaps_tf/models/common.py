"""What a backbone is given and what it gives back."""

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
        features: a word of `names.FEATURES`: where the head taps the backbone.
    """

    upsampling: str = "nearest"
    upsampling_factor: int | None = None
    resolution: int | None = None
    features: str = "last_conv"


@dataclass(frozen=True)
class Features:
    """A backbone's result.

    Attributes:
        tensor: Keras tensor `[B, H, W, C]`, C a multiple of 8; the head's input.
        core: the model from the image to the last layer whose weights can be loaded and frozen.
    """

    tensor: Any
    core: Any
