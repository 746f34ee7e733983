"""Augmentation by words: every draw is given, none is made here.

An augmentation takes `num_draws` uniform numbers an image; `batches` draws them as a function of
(seed, epoch, example), so neither the batch size nor the order of the images changes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xncaps_tf._keras import tf


@dataclass(frozen=True)
class Augmentation:
    """A change of images float32 [B, H, W, C] by uniform draws float32 [B, num_draws].

    `mirrors` says that one image in two is mirrored, whatever else is done to it.
    """

    name: str
    num_draws: int
    apply: Callable[[Any, Any], Any]
    text: str
    mirrors: bool = False


def _project(images: Any, rows: list[Any], interpolation: str, fill_mode: str) -> Any:
    """Output pixel (x, y) is read from input (r0 x + r1 y + r2, r3 x + r4 y + r5)."""
    zero = tf.zeros_like(rows[0])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*rows, zero, zero], axis=1),  # [B, 8]
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation=interpolation,
        fill_mode=fill_mode,
    )


def shift(max_pixels: int) -> Callable[[Any, Any], Any]:
    """Moves by whole pixels, up to `max_pixels` in y and x; what comes in is 0."""

    def apply(images: Any, draws: Any) -> Any:
        offsets = tf.floor(draws * (2 * max_pixels + 1)) - max_pixels  # [B, 2]
        offsets = tf.minimum(offsets, float(max_pixels))  # a draw can round up to 1
        one, zero = tf.ones_like(offsets[:, 0]), tf.zeros_like(offsets[:, 0])
        rows = [one, zero, offsets[:, 1], zero, one, offsets[:, 0]]
        return _project(images, rows, "NEAREST", "CONSTANT")

    return apply


def affine(degrees: float, fraction: float, *, flip: bool) -> Callable[[Any, Any], Any]:
    """Rotation by up to `degrees`, shifts by up to `fraction` of each side, perhaps a flip.

    Bilinear; pixels from outside are those of the nearest edge. Draws: angle, y, x[, flip].

    Source: Keras 2, `ImageDataGenerator(rotation_range, height_shift_range, width_shift_range,
        horizontal_flip)`, which the published training code uses: the same geometry and limits.
    Differs from the source: stateless draws; an image that is not square is turned about its
        centre too (Keras swaps the axes of the centre, which shows where they differ).
    """

    def apply(images: Any, draws: Any) -> Any:
        size = tf.cast(tf.shape(images)[1:3], tf.float32)  # [2]
        signed = 2 * draws - 1  # [B, 3 or 4]
        angle = signed[:, 0] * (degrees * math.pi / 180)  # [B]
        cos, sin = tf.cos(angle), tf.sin(angle)
        center = (size - 1) / 2
        y = signed[:, 1] * fraction * size[0] - center[0]
        x = signed[:, 2] * fraction * size[1] - center[1]
        # in = center + R (out - center + shift), R turning (y, x)
        from_y = center[0] + cos * y - sin * x
        from_x = center[1] + sin * y + cos * x
        moved = _project(images, [cos, sin, from_x, -sin, cos, from_y], "BILINEAR", "NEAREST")
        if not flip:
            return moved
        is_flipped = draws[:, 3, None, None, None] < 0.5  # [B, 1, 1, 1]
        return tf.where(is_flipped, tf.reverse(moved, axis=[2]), moved)

    return apply


def flip(images: Any, draws: Any) -> Any:
    """Mirrors left and right where the one draw is below a half."""
    return tf.where(draws[:, 0, None, None, None] < 0.5, tf.reverse(images, axis=[2]), images)


_GREY = 127.0
_LUMA = (0.299, 0.587, 0.114)  # of red, green, blue: ITU-R BT.601


def photo(smallest: float, aspect: float, jitter: float) -> Callable[[Any, Any], Any]:
    """A random part of the picture scaled to the whole, perhaps mirrored, in other light.

    The part has `smallest` to 1 of the area and a ratio of width to height from 1 / aspect to
    aspect times the picture's own. Brightness, contrast and, of RGB, saturation are each changed by
    a factor of 1 - jitter to 1 + jitter; values stay within 0 to 255. Bilinear. Draws: area, ratio,
    y, x, flip, brightness, contrast, saturation.

    Source: C. Szegedy et al. 2014, Going Deeper with Convolutions, section 6, arXiv 1409.4842, and
        torchvision's `RandomResizedCrop` and `ColorJitter`.
    Differs from the source: one draw, where a part that does not fit is drawn again there: the side
        that is too long becomes the picture's; the three changes of colour in one fixed order; no
        change of hue.
    """

    def apply(images: Any, draws: Any) -> Any:
        size = tf.cast(tf.shape(images)[1:3], tf.float32)  # [2]
        area = smallest + (1 - smallest) * draws[:, 0]  # [B]
        ratio = tf.exp((2 * draws[:, 1] - 1) * math.log(aspect))
        height = tf.minimum(tf.sqrt(area / ratio), 1.0)
        width = tf.minimum(tf.sqrt(area * ratio), 1.0)
        # Pixel centres lie at halves: in + 1/2 = start + scale (out + 1/2).
        top = draws[:, 2] * (1 - height) * size[0]
        left = draws[:, 3] * (1 - width) * size[1]
        across = tf.where(draws[:, 4] < 0.5, -width, width)
        start = tf.where(draws[:, 4] < 0.5, left + width * size[1], left)
        zero = tf.zeros_like(top)
        from_y, from_x = top + height / 2 - 0.5, start + across / 2 - 0.5
        rows = [across, zero, from_x, zero, height, from_y]
        changed = _project(images, rows, "BILINEAR", "NEAREST")
        factors = 1 + jitter * (2 * draws[:, 5:8] - 1)  # [B, 3]
        return _recolored(changed, factors[:, :, None, None, None])

    return apply


def _recolored(images: Any, factors: Any) -> Any:
    """Brightness, contrast and saturation times `factors` [B, 3, 1, 1, 1]."""
    images = tf.clip_by_value(images * factors[:, 0], 0.0, 255.0)
    is_grey = images.shape[-1] == 1
    grey = images if is_grey else tf.reduce_sum(images * _LUMA, axis=-1, keepdims=True)
    # A sum of whole numbers does not depend on its order, so not on the batch either.
    total = tf.reduce_sum(tf.cast(tf.round(grey), tf.int64), axis=[1, 2, 3], keepdims=True)
    mean = tf.cast(total, tf.float32) / tf.cast(tf.size(grey[0]), tf.float32)  # [B, 1, 1, 1]
    images = tf.clip_by_value(mean + (images - mean) * factors[:, 1], 0.0, 255.0)
    if is_grey:
        return images
    grey = tf.reduce_sum(images * _LUMA, axis=-1, keepdims=True)
    return tf.clip_by_value(grey + (images - grey) * factors[:, 2], 0.0, 255.0)


def erase(chance: float, smallest: float, largest: float) -> Callable[[Any, Any], Any]:
    """Paints a rectangle grey in a share `chance` of the images.

    It has `smallest` to `largest` of the area, a ratio of width to height from 1/2 to 2 times the
    picture's own, and lies within the picture. Draws: whether, area, ratio, y, x.

    Source: Z. Zhong et al. 2017, Random Erasing Data Augmentation, algorithm 1, arXiv 1708.04896.
    Differs from the source: one draw, where a rectangle that does not fit is drawn again there: the
        side that is too long becomes the picture's; ratios to 2 (there 3.3); grey, no noise.
    """

    def apply(images: Any, draws: Any) -> Any:
        area = smallest + (largest - smallest) * draws[:, 1]  # [B]
        ratio = tf.exp((2 * draws[:, 2] - 1) * math.log(2.0))
        height, width = tf.minimum(tf.sqrt(area / ratio), 1.0), tf.minimum(tf.sqrt(area * ratio), 1)
        size = tf.shape(images)
        is_row = _within(size[1], draws[:, 3] * (1 - height), height)  # [B, H]
        is_column = _within(size[2], draws[:, 4] * (1 - width), width)  # [B, W]
        is_erased = is_row[:, :, None] & is_column[:, None, :]  # [B, H, W]
        is_erased &= (draws[:, 0] < chance)[:, None, None]
        return tf.where(is_erased[..., None], _GREY, images)

    return apply


def _within(side: Any, start: Any, length: Any) -> Any:
    """Which of `side` pixels have their centre in a part of it, given in shares of it [B]."""
    side = tf.cast(side, tf.float32)
    centers = (tf.range(side) + 0.5) / side  # [side]
    return (centers >= start[:, None]) & (centers < (start + length)[:, None])  # [B, side]


def photo_strong(images: Any, draws: Any) -> Any:
    """Turned, then as `photo` but further, then half of them with a rectangle painted grey.

    Draws: angle, the eight of `photo`, the five of `erase`.
    """
    still = tf.fill(tf.shape(draws[:, :2]), 0.5)  # no shift
    turned = affine(20, 0.0, flip=False)(images, tf.concat([draws[:, :1], still], axis=1))
    changed = photo(0.2, 4 / 3, 0.4)(turned, draws[:, 1:9])
    return erase(0.5, 0.05, 0.25)(changed, draws[:, 9:14])


AUGMENTATIONS: dict[str, Augmentation] = {
    known.name: known
    for known in (
        Augmentation("shift", 2, shift(2), "shifts of up to 2 pixels, filled with 0"),
        Augmentation(
            "affine",
            3,
            affine(20, 0.1, flip=False),
            "rotation up to 20 degrees, shifts up to a tenth",
        ),
        Augmentation(
            "affine_flip",
            4,
            affine(20, 0.1, flip=True),
            "the same and a horizontal flip: as published for CIFAR-10",
            mirrors=True,
        ),
        Augmentation("flip", 1, flip, "mirrored one time in two", mirrors=True),
        Augmentation(
            "photo",
            8,
            photo(0.35, 4 / 3, 0.3),
            "a part of 35 % or more of the picture, mirrored one time in two, in other light",
            mirrors=True,
        ),
        Augmentation(
            "photo_strong",
            14,
            photo_strong,
            "turned by up to 20 degrees, photo from 20 % on, a grey rectangle one time in two",
            mirrors=True,
        ),
    )
}


def get(augment: str | Augmentation | None) -> Augmentation | None:
    """The augmentation of that name; None and 'none' are none.

    Raises:
        ValueError: there is none of that name.
    """
    if augment is None or augment == "none":
        return None
    if isinstance(augment, Augmentation):
        return augment
    if augment not in AUGMENTATIONS:
        known = ", ".join(["none", *AUGMENTATIONS])
        raise ValueError(f"augment: expected one of {known}. Received: augment={augment!r}.")
    return AUGMENTATIONS[augment]
