"""How a picture becomes a model's input: cut, resized, grey or RGB, inverted, scaled, quantised.

What is done is what the Android app does (docs/android.md); the same golden files are the test of
both. One rule for dark strokes everywhere: a picture that somebody hands over, by a file or a
camera, is inverted where the model was trained on light strokes on dark ground; the images of a
data set never are, since they are what was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

Floats = NDArray[np.float32]
_LUMA = np.array([[0.299], [0.587], [0.114]], np.float32)


@dataclass(frozen=True)
class Preprocessing:
    """How pixels of 0 to 255 become a model's input.

    Attributes:
        mean, std: (pixel - mean) / std, one value for all channels or one a channel.
        invert: 255 - pixel before that: the model knows light strokes on dark ground.
        channel_order: 'GRAYSCALE', 'RGB' or '' where not told.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    invert: bool = False
    channel_order: str = ""

    def check(self, channels: int) -> None:
        """That it fits an input of so many channels.

        Raises:
            DataError: it does not.
        """
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, channels) or not np.isfinite(values).all():
                raise DataError(
                    f"metadata: expected 1 or {channels} finite values of {name}. "
                    f"Received: {list(values[:8])}."
                )
        if not all(value > 0 for value in self.std):
            raise DataError(
                f"metadata: expected positive values of std. Received: {list(self.std)}."
            )
        wanted = {"GRAYSCALE": 1, "RGB": 3}.get(self.channel_order, channels)
        if wanted != channels:
            raise DataError(
                f"metadata: expected a channel_order of {channels} channels. "
                f"Received: {self.channel_order}."
            )

    def apply(self, picture: Image.Image, shape: tuple[int, int, int]) -> Floats:
        """A picture as a model takes it, before quantisation.

        The largest centred part of the input's aspect, resized (bilinear, antialiased, in floating
        point), grey where the model has one channel, inverted and scaled.

        Args:
            picture: of mode L or RGB, as `pictures.load` gives it.
            shape: (H, W, C), C 1 or 3.

        Returns: float32 [H, W, C].
        """
        from PIL import Image

        height, width, channels = shape
        pixels = np.asarray(picture, np.uint8).reshape(picture.height, picture.width, -1)
        pixels = _centred(pixels, width, height)
        planes = [
            Image.fromarray(pixels[..., c].astype(np.float32)).resize(
                (width, height), Image.Resampling.BILINEAR
            )
            for c in range(pixels.shape[2])
        ]
        resized = np.stack([np.asarray(plane, np.float32) for plane in planes], 2)
        if channels == 1 and resized.shape[2] == 3:
            resized = resized @ _LUMA  # [H, W, 1]
        resized = np.broadcast_to(resized, shape)
        values = 255 - resized if self.invert else resized
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        return ((values - mean) / std).astype(np.float32)


def quantise(values: Floats, details: Mapping[str, Any]) -> NDArray[Any]:
    """Real numbers in the type of a tensor, whose details are those of TFLite's interpreter."""
    if details["dtype"] == np.float32:
        return values
    scale, zero = details["quantization"]
    limits = np.iinfo(details["dtype"])
    steps = np.round(values / (scale or 1.0)) + zero
    return np.clip(steps, limits.min, limits.max).astype(details["dtype"])


def dequantise(values: NDArray[Any], details: Mapping[str, Any]) -> Floats:
    """The real numbers of a tensor."""
    if details["dtype"] == np.float32:
        return values
    scale, zero = details["quantization"]
    return (values.astype(np.float32) - np.float32(zero)) * np.float32(scale or 1.0)


def _centred(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The largest part in the middle whose sides are as width : height."""
    down, across = pixels.shape[:2]
    box_width = min(across, max(1, down * width // height))
    box_height = min(down, max(1, across * height // width))
    left, top = (across - box_width) // 2, (down - box_height) // 2
    return pixels[top : top + box_height, left : left + box_width]
