"""How a picture becomes a model's input: cut, resized, grey or RGB, inverted, scaled, quantised.

What is done is what the Android app does (docs/android.md); the same golden files are the test of
both. One rule for dark strokes everywhere: a picture that somebody hands over, by a file or a
camera, is inverted where the model was trained on light strokes on dark ground; the images of a
data set never are, since they are what was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from xncaps_files.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

Floats = NDArray[np.float32]


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

        Its pixels are whole numbers, those that the model was trained on (`pictures.fit`); then
        they are inverted and scaled.

        Args:
            picture: of mode L or RGB, as `pictures.load` gives it.
            shape: (H, W, C), C 1 or 3.

        Returns: float32 [H, W, C].
        """
        from xncaps_files import pictures

        pixels = pictures.fit(picture, shape).astype(np.float32)
        values = 255 - pixels if self.invert else pixels
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        return (values - mean) / std


class TensorDetails(TypedDict):
    """What TFLite's interpreters tell of an input or an output, as far as it is used here.

    `shape_signature` has -1 where `shape` may change; `quantization` is (scale, zero point).
    """

    index: int
    name: str
    shape: NDArray[np.int32]
    shape_signature: NDArray[np.int32]
    dtype: Any  # one of numpy's
    quantization: tuple[float, int]


def quantise(values: Floats, details: TensorDetails) -> NDArray[Any]:
    """Real numbers in the type of a tensor."""
    if details["dtype"] == np.float32:
        return values
    scale, zero = details["quantization"]
    limits = np.iinfo(details["dtype"])
    steps = np.round(values / (scale or 1.0)) + zero
    return np.clip(steps, limits.min, limits.max).astype(details["dtype"])


def dequantise(values: NDArray[Any], details: TensorDetails) -> Floats:
    """The real numbers of a tensor."""
    if details["dtype"] == np.float32:
        return values
    scale, zero = details["quantization"]
    return (values.astype(np.float32) - np.float32(zero)) * np.float32(scale or 1.0)
