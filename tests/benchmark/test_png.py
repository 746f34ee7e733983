from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from xncaps_benchmark import png


@pytest.mark.parametrize("shape", [(28, 28, 1), (5, 9, 3), (1, 1, 1)])
def test_encode_is_read_back_by_pillow(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    read = np.asarray(Image.open(io.BytesIO(png.encode(pixels)))).reshape(shape)
    np.testing.assert_array_equal(read, pixels)


def test_encode_refuses_what_is_no_picture() -> None:
    with pytest.raises(ValueError, match=r"uint8 \[H, W, 1 or 3\]"):
        png.encode(np.zeros((4, 4, 2), np.uint8))


def test_picture_keeps_pixels_and_stretches_other_ranges() -> None:
    pixels = np.array([[[0.0], [254.6]]])
    assert png.picture(pixels).ravel().tolist() == [0, 255]  # type: ignore[union-attr]
    assert png.picture(pixels / 255 * 2 - 1).ravel().tolist() == [0, 255]  # type: ignore[union-attr]
    assert png.picture(np.full((2, 2, 1), -3.0)).max() == 0  # type: ignore[union-attr]
    assert png.picture(np.zeros((128, 8))) is None
    assert png.picture(np.zeros((600, 8, 3))) is None
