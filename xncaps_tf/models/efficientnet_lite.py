"""EfficientNet-Lite: EfficientNet without squeeze-and-excite and with ReLU6, made for int8."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

from xncaps_tf._keras import keras
from xncaps_tf.models import trunk
from xncaps_tf.models.input_layers import resize, three_channels
from xncaps_tf.models.interfaces import BackboneOptions, Features
from xncaps_tf.models.normalization import BatchNorm

EPSILON = 1e-3
STEM_FILTERS = 32
LAST_FILTERS = 1280
CAPSULE_FEATURES = 1024  # as the published networks have between MobileNetV2 and their capsules
_DIVISOR = 8


@dataclass(frozen=True)
class Stage:
    """Inverted residual blocks, one after another.

    Attributes:
        blocks: how many, before depth is scaled.
        kernel: side of the depthwise kernel.
        stride: of the first block's depthwise convolution.
        expansion: filters of the depthwise convolution for each input channel.
        filters: that the blocks end with, before width is scaled.
    """

    blocks: int
    kernel: int
    stride: int
    expansion: int
    filters: int


@dataclass(frozen=True)
class Size:
    """How wide, deep and fine: factors of filters and blocks, and the side of its pictures."""

    width: float
    depth: float
    side: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
SIZES = {
    "efficientnet_lite0": Size(1.0, 1.0, 224),
    "efficientnet_lite1": Size(1.0, 1.1, 240),
    "efficientnet_lite2": Size(1.1, 1.2, 260),
}


def backbone(name: str) -> partial[Features]:
    """The function of one size, as the registry wants it."""
    return partial(efficientnet_lite, name=name)


def efficientnet_lite(image: Any, options: BackboneOptions, *, name: str) -> Features:
    """A 3x3 stem, seven stages of inverted residual blocks, a 1x1 convolution to 1,280 channels.

    Inside: one channel becomes three; the image is resized to `options.resolution` (by default
    224, 240, 260 pixels) as `options.resizing` says; pixels become (x - 127) / 128.

    Args:
        name: a key of `SIZES`.

    Input shape: `[B, H, W, 1 or 3]`, pixels 0 to 255.
    Output shape: `[B, R / 32, R / 32, C]`, R the resolution, rounded up; C is 1,280, or with
        `options.features` 'last_block' the last block's 320 (of lite2: 352).

    Source: Tan and Le 2019, https://arxiv.org/abs/1905.11946, table 1 and section 3; what 'Lite'
        changes: https://github.com/tensorflow/tpu, models/official/efficientnet/lite: no
        squeeze-and-excite, ReLU6, filters of the stem and the last convolution and blocks of the
        first and the last stage are not scaled.
    Differs from the source: no stochastic depth; the resizing is a layer.
    """
    size = SIZES[name]
    x = resize(three_channels(image), options.resolution or size.side, options.resizing)
    x = keras.layers.Rescaling(1.0 / 128.0, offset=-127.0 / 128.0, name="scale")(x)
    x = _conv(x, STEM_FILTERS, 3, "stem", strides=2)
    number = 0
    for index, stage in enumerate(STAGES):
        is_end = index in (0, len(STAGES) - 1)
        blocks = stage.blocks if is_end else math.ceil(stage.blocks * size.depth)
        for block in range(blocks):
            number += 1
            strides = stage.stride if block == 0 else 1
            x = _block(x, stage, _scaled(stage.filters, size.width), strides, f"block{number}")
    if options.features != "last_block":
        x = _conv(x, LAST_FILTERS, 1, "last")
    return Features(x, keras.Model(image, x, name=name))


def tap(model: Any, features: str) -> str | None:
    """The name of the layer of a network made here that a word of `names.FEATURES` means.

    None for 'last_conv' where the network has no such convolution.
    """
    layers = {layer.name: layer for layer in model.layers}
    last: Any = layers.get("last_conv")
    if features == "last_conv":
        return None if last is None else "last_relu"
    return trunk.find(model) if last is None else trunk.before(last)


def _scaled(filters: int, width: float) -> int:
    """The nearest multiple of 8 to `filters * width`, but not more than a tenth below it."""
    wanted = filters * width
    scaled = max(_DIVISOR, int(wanted + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return scaled + _DIVISOR if scaled < 0.9 * wanted else scaled


def _norm(x: Any, name: str) -> Any:
    return BatchNorm(epsilon=EPSILON, name=f"{name}_norm")(x)


def _relu6(x: Any, name: str) -> Any:
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x)


def _conv(x: Any, filters: int, side: int, name: str, strides: int = 1) -> Any:
    """Convolution, BatchNorm, ReLU6."""
    return _relu6(_norm(_bare_conv(x, filters, side, name, strides), name), name)


def _bare_conv(x: Any, filters: int, side: int, name: str, strides: int = 1) -> Any:
    return keras.layers.Conv2D(
        filters,
        side,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)


def _block(x: Any, stage: Stage, filters: int, strides: int, name: str) -> Any:
    """Expand by 1x1, depthwise, project by 1x1 without activation; plus the input where it fits."""
    shortcut, channels = x, int(x.shape[-1])
    if stage.expansion != 1:
        x = _conv(x, channels * stage.expansion, 1, f"{name}_expand")
    x = keras.layers.DepthwiseConv2D(
        stage.kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        depthwise_initializer="he_normal",
        name=f"{name}_depthwise_conv",
    )(x)
    x = _relu6(_norm(x, f"{name}_depthwise"), f"{name}_depthwise")
    x = _norm(_bare_conv(x, filters, 1, f"{name}_project"), f"{name}_project")
    if strides == 1 and channels == filters:
        x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return x
