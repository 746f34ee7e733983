"""The published backbones: Keras's MobileNetV2 and ResNet-50 and what follows them."""

from __future__ import annotations

from typing import Any

from xncaps_tf._keras import keras
from xncaps_tf.models.input_layers import CaffePreprocessing, three_channels, upsample
from xncaps_tf.models.interfaces import BackboneOptions, Features
from xncaps_tf.models.normalization import BatchNorm

MOBILENET_FEATURES = 1024
RESNET_FILTERS = (512, 512, 2048)
RESNET_L2 = 1e-3
_RANDOM: Any = None  # "no weights", which the signatures of keras.applications do not foresee


class _Layers:
    """Keras's layers as Keras's applications ask for them, but for our BatchNorm."""

    BatchNormalization = BatchNorm

    def __getattr__(self, name: str) -> Any:
        return getattr(keras.layers, name)


def mobilenet_v2(image: Any, options: BackboneOptions) -> Features:
    """MobileNetV2 without its top, DepthwiseConv 3x3 with bias, BatchNorm, Conv 1x1 to 1024.

    Inside: 28x28x1 is padded to 32x32; one channel becomes three; pixels are scaled to -1 to 1;
    then the image is enlarged.

    Input shape: `[B, H, W, 1 or 3]`, pixels 0 to 255; H and W at least 32 when enlarged.
    Output shape: `[B, H', W', 1024]`, a 32nd of the enlarged sides.

    Source: Sandler et al. 2018, table 2, https://arxiv.org/abs/1801.04381; Sun et al.,
        https://arxiv.org/abs/2111.10854, for what follows and precedes it.
    Differs from the source: scaling comes before the enlargement, which is the same and cheaper.
    """
    x = keras.layers.Rescaling(1.0 / 127.5, offset=-1.0, name="scale")(three_channels(image))
    x = upsample(x, options.upsampling, options.upsampling_factor)
    core = keras.applications.MobileNetV2(
        input_tensor=x, include_top=False, weights=_RANDOM, layers=_Layers()
    )
    x = keras.layers.DepthwiseConv2D(3, padding="same", name="extra_depthwise")(core.output)
    x = BatchNorm(name="extra_norm")(x)
    x = keras.layers.Conv2D(MOBILENET_FEATURES, 1, name="features")(x)
    return Features(x, core)


def resnet50(image: Any, options: BackboneOptions) -> Features:
    """ResNet-50 without its top and one bottleneck block (512, 512, 2048; L2 of 1e-3) behind it.

    Inside: 28x28x1 is padded to 32x32; one channel becomes three; pixels become BGR less the mean
    of ImageNet; then the image is enlarged.

    Input shape: `[B, H, W, 1 or 3]`, pixels 0 to 255; H and W at least 32 when enlarged.
    Output shape: `[B, H', W', 2048]`, a 32nd of the enlarged sides.

    Source: He et al. 2015, figure 5 (the block), https://arxiv.org/abs/1512.03385; Sun et al.,
        https://arxiv.org/abs/2111.10854.
    Differs from the source: the block's shortcut is the identity, since nothing changes its shape.
    """
    x = CaffePreprocessing(name="caffe_preprocessing")(three_channels(image))
    x = upsample(x, options.upsampling, options.upsampling_factor)
    core = keras.applications.ResNet50(
        input_tensor=x, include_top=False, weights=_RANDOM, layers=_Layers()
    )
    return Features(_bottleneck(core.output), core)


def _bottleneck(x: Any) -> Any:
    shortcut = x
    for number, (filters, size) in enumerate(zip(RESNET_FILTERS, (1, 3, 1), strict=True), start=1):
        x = keras.layers.Conv2D(
            filters,
            size,
            padding="same",
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(RESNET_L2),
            name=f"extra{number}_conv",
        )(x)
        x = BatchNorm(name=f"extra{number}_norm")(x)
        if number < len(RESNET_FILTERS):
            x = keras.layers.ReLU(name=f"extra{number}_relu")(x)
    x = keras.layers.Add(name="extra_add")([x, shortcut])
    return keras.layers.ReLU(name="features")(x)  # [B, H, W, 2048]
