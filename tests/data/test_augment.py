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


def _photo(image: np.ndarray, row: np.ndarray) -> np.ndarray:
    """The augmentation of one picture [H, W, C] in plain NumPy and SciPy, float64."""
    height, width, channels = image.shape
    area, ratio = 0.35 + 0.65 * row[0], (4 / 3) ** (2 * row[1] - 1)
    part = np.minimum(np.sqrt([area / ratio, area * ratio]), 1) * [height, width]
    start = row[2:4] * ([height, width] - part)
    y = start[0] + part[0] * (np.arange(height) + 0.5) / height - 0.5
    x = start[1] + part[1] * (np.arange(width) + 0.5) / width - 0.5
    if row[4] < 0.5:
        x = x[::-1]
    places = np.meshgrid(y, x, indexing="ij")
    layers = [
        ndimage.map_coordinates(image[..., channel], places, order=1, mode="nearest")
        for channel in range(channels)
    ]
    pixels = np.stack(layers, axis=-1).astype(np.float64)
    luma = np.array([1.0] if channels == 1 else [0.299, 0.587, 0.114])
    light, contrast, color = 1 + 0.3 * (2 * row[5:8] - 1)
    pixels = np.clip(pixels * light, 0, 255)
    mean = np.round(pixels @ luma).mean()
    pixels = np.clip(mean + (pixels - mean) * contrast, 0, 255)
    if channels == 1:
        return pixels
    grey = (pixels @ luma)[..., None]
    return np.clip(grey + (pixels - grey) * color, 0, 255)


@pytest.mark.parametrize("channels", [1, 3])
def test_photo_equals_plain_numpy(channels: int) -> None:
    images, draws = IMAGES[..., :channels], _draws("photo")
    found = augment.AUGMENTATIONS["photo"].apply(tf.constant(images), tf.constant(draws)).numpy()
    # A grey value near a half may be rounded the other way: 1 of 130 pixels moves the mean by
    # 1/130, the picture by up to 0.3 of it.
    tolerance = 2 * TOLERANCE + 0.3 * 1 / 130
    for number, row in enumerate(draws.astype(np.float64)):
        wanted = _photo(images[number], row)
        np.testing.assert_allclose(found[number], wanted, atol=tolerance)
    assert 0 < np.sum(draws[:, 4] < 0.5) < len(draws)


def test_photo_without_change_is_the_identity() -> None:
    """The whole picture: area 1 at the picture's own ratio, not mirrored, in its own light."""
    draws = np.full((len(IMAGES), 8), 0.5, np.float32)
    draws[:, 0], draws[:, 4] = 1, 1
    found = augment.AUGMENTATIONS["photo"].apply(tf.constant(IMAGES), tf.constant(draws))
    np.testing.assert_allclose(found, IMAGES, atol=2 * TOLERANCE)


def test_photo_stays_within_the_picture_and_its_values() -> None:
    """At both ends of every draw: a picture of one colour a column shows no other colour."""
    ends = np.array(list(np.ndindex(*[2] * 5)), np.float32)  # [32, 5]
    draws = np.concatenate([ends, np.full((32, 3), 0.5, np.float32)], axis=1)
    ramp = np.broadcast_to(np.linspace(50, 200, 12, dtype=np.float32)[:, None], (32, 9, 12, 3))
    found = augment.AUGMENTATIONS["photo"].apply(tf.constant(ramp), tf.constant(draws)).numpy()
    assert found.min() >= 50 - TOLERANCE and found.max() <= 200 + TOLERANCE
    spread = found[:, 0, :, 0].max(axis=1) - found[:, 0, :, 0].min(axis=1)
    # The narrowest part: sqrt(0.35 * 3 / 4) of the width.
    assert spread.min() >= (np.sqrt(0.35 * 0.75) * 12 - 1.5) / 11 * 150
    bright = np.ones((1, 8), np.float32)
    top = augment.AUGMENTATIONS["photo"].apply(tf.constant(IMAGES[:1]), tf.constant(bright)).numpy()
    assert 0 <= top.min() and top.max() == 255


def test_photo_of_a_picture_does_not_depend_on_the_others() -> None:
    draws = _draws("photo")
    apply = augment.AUGMENTATIONS["photo"].apply
    whole = apply(tf.constant(IMAGES), tf.constant(draws)).numpy()
    for number in (0, 7):
        cut = slice(number, number + 1)
        alone = apply(tf.constant(IMAGES[cut]), tf.constant(draws[cut])).numpy()
        np.testing.assert_array_equal(alone[0], whole[number])


def _erased(image: np.ndarray, row: np.ndarray) -> np.ndarray:
    """`erase(0.5, 0.05, 0.25)` of one picture in plain loops, float64."""
    image = image.copy()
    if row[0] >= 0.5:
        return image
    area, ratio = 0.05 + 0.2 * row[1], 2 ** (2 * row[2] - 1)
    part = np.minimum(np.sqrt([area / ratio, area * ratio]), 1)
    start = row[3:5] * (1 - part)
    for y, x in np.ndindex(*image.shape[:2]):
        place = (np.array([y, x]) + 0.5) / image.shape[:2]
        if np.all((place >= start) & (place < start + part)):
            image[y, x] = 127
    return image


def test_erase_paints_one_rectangle_grey_in_half_of_the_pictures() -> None:
    draws = np.random.default_rng(2).uniform(0, 1, (len(IMAGES), 5)).astype(np.float32)
    found = augment.erase(0.5, 0.05, 0.25)(tf.constant(IMAGES), tf.constant(draws)).numpy()
    for number, row in enumerate(draws.astype(np.float64)):
        np.testing.assert_array_equal(found[number], _erased(IMAGES[number], row))
    changed = (found != IMAGES).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(changed, draws[:, 0] < 0.5)
    assert 0 < changed.sum() < len(draws)


def test_photo_strong_is_a_turn_a_part_and_a_rectangle() -> None:
    """Each by its own draws; a part of the whole, not turned, not erased, is the picture itself."""
    draws = np.full((len(IMAGES), 14), 0.5, np.float32)
    draws[:, 1], draws[:, 5] = 1, 1  # the whole, not mirrored
    apply = augment.AUGMENTATIONS["photo_strong"].apply
    same = apply(tf.constant(IMAGES), tf.constant(draws)).numpy()
    np.testing.assert_allclose(same, IMAGES, atol=3 * TOLERANCE)
    for column in range(14):
        other = draws.copy()
        if column > 9:
            other[:, 9] = 0  # where a rectangle is, its own draws count
        before = apply(tf.constant(IMAGES), tf.constant(other)).numpy()
        other[:, column] = 0.2
        after = apply(tf.constant(IMAGES), tf.constant(other)).numpy()
        # A place counts only where the part is smaller than the whole.
        assert np.array_equal(before, after) == (column in (3, 4)), column


def test_photo_strong_of_a_picture_does_not_depend_on_the_others() -> None:
    draws, apply = _draws("photo_strong"), augment.AUGMENTATIONS["photo_strong"].apply
    whole = apply(tf.constant(IMAGES), tf.constant(draws)).numpy()
    assert whole.min() >= 0 and whole.max() <= 255
    alone = apply(tf.constant(IMAGES[7:8]), tf.constant(draws[7:8])).numpy()
    np.testing.assert_array_equal(alone[0], whole[7])


def test_get_takes_words_none_and_augmentations() -> None:
    assert augment.get(None) is None and augment.get("none") is None
    own = augment.Augmentation("brighter", 1, lambda images, draws: images + 10, "ten brighter")
    assert augment.get(own) is own and augment.get("shift") is augment.AUGMENTATIONS["shift"]
    with pytest.raises(ValueError, match="augment: expected one of none, shift, .*Received: .*'x'"):
        augment.get("x")
