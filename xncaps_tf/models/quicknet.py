"""A backbone of binary convolutions after larq-zoo's QuickNet, in sizes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import larq as lq

from xncaps_tf._keras import keras
from xncaps_tf.models.interfaces import BackboneOptions, Features
from xncaps_tf.models.normalization import BatchNorm

MOMENTUM = 0.9
EPSILON = 1e-5
CLIP = 1.25


@dataclass(frozen=True)
class Size:
    """How deep and wide: blocks and filters a section, and the stem that comes before them.

    Attributes:
        blocks: convolutions a section; every section but the last ends in one that halves the image
            and doubles the filters.
        filters: of the first section; each further one has twice as many.
        stem: 'full' keeps the image's size (8x8 to 28x28), 'quarter' divides it by 4.
    """

    blocks: tuple[int, ...]
    filters: int
    stem: str


SIZES = {
    "tiny": Size((1, 1, 1, 1), 32, "full"),
    "small": Size((4, 4, 4, 4), 32, "quarter"),
    "medium": Size((4, 4, 4, 4), 64, "quarter"),
    "large": Size((6, 8, 12, 6), 64, "quarter"),
}


def quicknet(image: Any, options: BackboneOptions, *, size: str) -> Features:
    """Residual blocks of one-bit 3x3 convolutions; only the stem, which sees pixels, is in float.

    A block is BatchNorm(ReLU(QuantConv2D(x))) + x; input and kernel are larq's `ste_sign`. At the
    end of a section the block's convolution has stride 2, its shortcut is a max pooling with
    BatchNorm, and the shortcut is concatenated to the sum, which doubles the filters. So there is
    no convolution in float behind the stem: larq-compute-engine packs the bits of all of them.

    Args:
        size: a key of `SIZES`.

    Input shape: `[B, H, W, C]`, pixels 0 to 255.
    Output shape: `[B, H / s, W / s, 8 * filters]`, s = 8 (stem 'full') or 32 ('quarter').

    Source: Bannink et al. 2021, section 4.1, https://arxiv.org/abs/2011.09398; larq-zoo.
    Differs from the source: its published transitions are 1x1 convolutions in float; here they are
        the binary ones of larq-zoo's first QuickNet. The stem 'full', and BatchNorm's momentum of
        0.9 in the stem too, are ours.
    """
    spec = SIZES[size]
    x = keras.layers.Rescaling(1.0 / 127.5, offset=-1.0, name="scale")(image)
    x = _full_stem(x, spec.filters) if spec.stem == "full" else _quarter_stem(x, spec.filters)
    last = len(spec.blocks) - 1
    for section, blocks in enumerate(spec.blocks):
        for block in range(blocks):
            x = _block(x, f"section{section + 1}_block{block + 1}")
        if section != last:
            x = _halving_block(x, f"section{section + 1}_halving")
    x = keras.layers.ReLU(name="features")(x)
    return Features(x, keras.Model(image, x, name=f"quicknet_{size}"))


def backbone(size: str) -> partial[Features]:
    """The function of one size, as the registry wants it."""
    return partial(quicknet, size=size)


def _norm(x: Any, name: str) -> Any:
    return BatchNorm(momentum=MOMENTUM, epsilon=EPSILON, name=name)(x)


def _full_stem(x: Any, filters: int) -> Any:
    x = keras.layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name="stem"
    )(x)
    return _norm(x, "stem_norm")  # [B, H, W, filters]


def _quarter_stem(x: Any, filters: int) -> Any:
    x = keras.layers.Conv2D(
        filters // 4,
        3,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name="stem1",
    )(x)
    x = keras.layers.ReLU(name="stem1_relu")(_norm(x, "stem1_norm"))
    x = keras.layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False, name="stem2")(x)
    x = _norm(x, "stem2_norm")
    x = keras.layers.Conv2D(
        filters, 1, use_bias=False, kernel_initializer="he_normal", name="stem3"
    )(x)
    return _norm(x, "stem3_norm")  # [B, H / 4, W / 4, filters]


def _binary_conv(x: Any, name: str, strides: int) -> Any:
    """ReLU(one-bit convolution) and BatchNorm; the border counts as +1, which costs LCE nothing."""
    x = lq.layers.QuantConv2D(
        int(x.shape[-1]),
        3,
        strides=strides,
        padding="same",
        pad_values=1.0,
        input_quantizer=lq.quantizers.SteSign(clip_value=CLIP),
        kernel_quantizer=lq.quantizers.SteSign(clip_value=CLIP),
        kernel_constraint=lq.constraints.WeightClip(clip_value=CLIP),
        kernel_initializer="glorot_normal",
        activation="relu",
        use_bias=False,
        name=name,
    )(x)
    return _norm(x, f"{name}_norm")


def _block(x: Any, name: str) -> Any:
    return keras.layers.Add(name=f"{name}_add")([_binary_conv(x, name, strides=1), x])


def _halving_block(x: Any, name: str) -> Any:
    shortcut = keras.layers.MaxPool2D(2, strides=2, padding="same", name=f"{name}_pool")(x)
    shortcut = _norm(shortcut, f"{name}_pool_norm")
    x = keras.layers.Add(name=f"{name}_add")([_binary_conv(x, name, strides=2), shortcut])
    return keras.layers.Concatenate(name=f"{name}_concat")([shortcut, x])  # [B, H/2, W/2, 2C]
