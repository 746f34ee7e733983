"""From the pixels of a data set to what a backbone expects: layers, so that no caller does it."""

from __future__ import annotations

from typing import Any

from xncaps_tf._keras import keras, tf

RESIZE = "resize"
_PUBLISHED_SIDE = 224
_PUBLISHED_FACTORS = {32: 7, 36: 4}


@keras.saving.register_keras_serializable(package="xncaps_tf")
class CaffePreprocessing(keras.layers.Layer):
    """Pixels as the ImageNet weights of ResNet-50 expect them: BGR, less the mean colour.

    Input shape: `[B, H, W, 3]`, RGB, 0 to 255.
    Output shape: `[B, H, W, 3]`, BGR, about -124 to 152.

    Raises:
        ValueError: the last axis is not 3.

    Source: `keras.applications.resnet50.preprocess_input` (mode 'caffe'); a test compares both.
    """

    MEAN_BGR = (103.939, 116.779, 123.68)

    def build(self, input_shape: Any) -> None:
        if tf.TensorShape(input_shape)[-1] != 3:
            raise ValueError(
                "CaffePreprocessing: expected an input [B, H, W, 3]. "
                f"Received: input_shape={tuple(input_shape)}."
            )
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        mean = tf.constant(self.MEAN_BGR, inputs.dtype)
        return tf.gather(inputs, [2, 1, 0], axis=-1) - mean  # [B, H, W, 3]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def upsampling_factor(side: int) -> int:
    """The published factor for a side of 32 (7) or 36 (4); else the largest that stays in 224."""
    return _PUBLISHED_FACTORS.get(side, max(1, _PUBLISHED_SIDE // side))


def three_channels(image: Any) -> Any:
    """Pads 28x28x1 to 32x32 with black and repeats a single channel three times, as published.

    Raises:
        ValueError: the image has neither one channel nor three.
    """
    height, width, channels = image.shape[1:]
    if channels not in (1, 3):
        raise ValueError(
            "build: expected images of 1 or 3 channels for this backbone. "
            f"Received: input_shape={(height, width, channels)}."
        )
    if (height, width, channels) == (28, 28, 1):
        image = keras.layers.ZeroPadding2D(2, name="pad")(image)  # [B, 32, 32, 1]
    if channels == 1:
        image = keras.layers.Concatenate(name="three_channels")([image] * 3)  # [B, H, W, 3]
    return image


def upsample(image: Any, interpolation: str, factor: int | None) -> Any:
    """Enlarges by a whole factor; `None` is `upsampling_factor` of the longer side."""
    if factor is None:
        factor = upsampling_factor(max(image.shape[1:3]))
    if factor == 1:
        return image
    layer = keras.layers.UpSampling2D(factor, interpolation=interpolation, name="upsampling")
    return layer(image)  # [B, factor * H, factor * W, C]


@keras.saving.register_keras_serializable(package="xncaps_tf")
class Resize(keras.layers.Resizing):
    """Keras's Resizing, but that an image of the size already is left alone.

    Args:
        height, width, interpolation: as of Keras's layer.

    Input shape: `[B, H, W, C]`.
    Output shape: `[B, height, width, C]`.
    """

    def call(self, inputs: Any) -> Any:
        if tuple(inputs.shape[1:3]) == (self.height, self.width):
            dtype: Any = self.compute_dtype
            return tf.cast(inputs, dtype)
        return super().call(inputs)


def resize(image: Any, side: int, interpolation: str = "bilinear") -> Any:
    """Resizes to a square of that side (half-pixel centres, no antialiasing).

    Where the image has that size the layer does nothing and costs nothing; it is there all the
    same, so that `resized` can set another size.
    """
    return Resize(side, side, interpolation, name=RESIZE)(image)  # [B, side, side, C]
