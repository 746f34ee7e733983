"""A small convolutional backbone that trains on MNIST in minutes on two cores."""

from __future__ import annotations

from typing import Any

from xncaps_tf._keras import keras
from xncaps_tf.models.interfaces import BackboneOptions, Features
from xncaps_tf.models.normalization import BatchNorm

FILTERS = (32, 64, 64, 128)
FEATURES = 512
MOMENTUM = 0.9
_SMALL_SIDE = 16


def strides(height: int, width: int) -> tuple[int, ...]:
    """2, 1, 2, 1; images of less than 16 pixels keep their size in the first convolution."""
    return (1 if min(height, width) < _SMALL_SIDE else 2, 1, 2, 1)


def small_cnn(image: Any, options: BackboneOptions) -> Features:
    """Four 3x3 convolutions with BatchNorm (momentum 0.9) and ReLU, then a linear 1x1 to 512.

    Input shape: `[B, H, W, C]`, pixels 0 to 255; H and W at least 4.
    Output shape: `[B, ceil(H / 4), ceil(W / 4), 512]`; from less than 16 pixels halves only once.

    28x28 pixels are seen at 14, 14, 7 and 7; the 8x8 of the digits at 8, 8, 4 and 4.
    """
    x = keras.layers.Rescaling(1.0 / 255.0, name="scale")(image)
    plan = zip(FILTERS, strides(*image.shape[1:3]), strict=True)
    for number, (filters, stride) in enumerate(plan, start=1):
        x = keras.layers.Conv2D(
            filters, 3, strides=stride, padding="same", use_bias=False, name=f"conv{number}"
        )(x)
        x = BatchNorm(momentum=MOMENTUM, name=f"conv{number}_norm")(x)
        x = keras.layers.ReLU(name=f"conv{number}_relu")(x)
    x = keras.layers.Conv2D(FEATURES, 1, name="features")(x)
    return Features(x, keras.Model(image, x, name="small_cnn"))
