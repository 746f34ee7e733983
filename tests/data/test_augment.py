"""Augmentation against Keras 2's own, and against shifts by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from xncaps_tf._keras import keras, tf
from xncaps_tf.data import augment

IMAGES = np.random.default_rng(0).uniform(0, 255, (16, 13, 10, 3)).astype(np.float32)
# A coordinate of up to 13, summed of three float32 terms, times a step of up to 255 a pixel.
TOLERANCE = 3 * 13 * 2**-23 * 2 * 255


def _draws(name: str, seed: int = 1) -> np.ndarray:
    columns = augment.AUGMENTATIONS[name].num_draws
    return np.random.default_rng(seed).uniform(0, 1, (len(IMAGES), columns)).astype(np.float32)


def test_shift_moves_whole_pixels_and_fills_with_zero() -> None:
    draws = np.array([[y, x] for y in range(5) for x in range(5)], np.float32) / 5 + 0.1
    images = np.repeat(IMAGES[:1], 25, axis=0)
    found = augment.AUGMENTATIONS["shift"].apply(tf.constant(images), tf.constant(draws)).numpy()
    padded = np.pad(IMAGES[0], ((2, 2), (2, 2), (0, 0)))
    seen = set()
    for number in range(25):
        y, x = number // 5 - 2, number % 5 - 2
        wanted = padded[2 + y : 15 + y, 2 + x : 12 + x]
        np.testing.assert_array_equal(found[number], wanted)
        seen.add(wanted.tobytes())
    assert len(seen) == 25


def test_shift_stays_within_two_pixels_at_the_ends_of_the_draws() -> None:
    ends = np.array([[0, 0], [np.nextafter(np.float32(1), np.float32(0))] * 2], np.float32)
    found = augment.AUGMENTATIONS["shift"].apply(tf.constant(IMAGES[:2]), tf.constant(ends))
    padded = np.pad(IMAGES[:2], ((0, 0), (2, 2), (2, 2), (0, 0)))
    np.testing.assert_array_equal(found[0], padded[0, :13, :10])
    np.testing.assert_array_equal(found[1], padded[1, 4:, 4:])


@pytest.mark.parametrize("name", ["affine", "affine_flip"])
def test_affine_equals_keras_on_square_images(name: str) -> None:
    """Keras counts the angle the other way round, and calls the shift along x 'tx'."""
    images = IMAGES[:, :10]
    draws = _draws(name)
    found = augment.AUGMENTATIONS[name].apply(tf.constant(images), tf.constant(draws)).numpy()
    flipped = 0
    for number, row in enumerate(draws):
        wanted = keras.preprocessing.image.apply_affine_transform(
            images[number],
            theta=(1 - 2 * row[0]) * 20,
            tx=(2 * row[2] - 1) * 0.1 * 10,
            ty=(2 * row[1] - 1) * 0.1 * 10,
            row_axis=0,
            col_axis=1,
            channel_axis=2,
            fill_mode="nearest",
            order=1,
        )
        if name == "affine_flip" and row[3] < 0.5:
            wanted, flipped = wanted[:, ::-1], flipped + 1
        np.testing.assert_allclose(found[number], wanted, atol=TOLERANCE)
    assert (name == "affine") or 0 < flipped < len(draws)


def test_affine_turns_any_image_about_its_centre() -> None:
    """Keras does so with square images only: there, in[c + R (out - c + shift)] by SciPy."""
    draws = _draws("affine")
    found = augment.AUGMENTATIONS["affine"].apply(tf.constant(IMAGES), tf.constant(draws)).numpy()
    center = (np.array(IMAGES.shape[1:3]) - 1) / 2
    for number, row in enumerate(draws.astype(np.float64)):
        angle = np.deg2rad((2 * row[0] - 1) * 20)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        shift = (2 * row[1:3] - 1) * 0.1 * np.array(IMAGES.shape[1:3])
        for channel in range(3):
            wanted = ndimage.affine_transform(
                IMAGES[number, :, :, channel],
                turn,
                center + turn @ (shift - center),
                order=1,
                mode="nearest",
            )
            np.testing.assert_allclose(found[number, :, :, channel], wanted, atol=TOLERANCE)


def test_affine_without_movement_is_the_identity() -> None:
    middle = np.full((len(IMAGES), 4), 0.5, np.float32)
    found = augment.AUGMENTATIONS["affine_flip"].apply(tf.constant(IMAGES), tf.constant(middle))
    np.testing.assert_allclose(found, IMAGES, atol=TOLERANCE)


def test_get_takes_words_none_and_augmentations() -> None:
    assert augment.get(None) is None and augment.get("none") is None
    own = augment.Augmentation("brighter", 1, lambda images, draws: images + 10, "ten brighter")
    assert augment.get(own) is own and augment.get("shift") is augment.AUGMENTATIONS["shift"]
    with pytest.raises(ValueError, match="augment: expected one of none, shift, .*Received: .*'x'"):
        augment.get("x")
