"""Zero padding that larq-compute-engine would replace by another.

LCE's converter turns ZeroPadding2D and a 'valid' convolution behind it into one 'same' convolution
wherever the output has the size that 'same' would give. With strides that is not enough: 'same'
puts the odd row at the end, while the 3 + 3 rows before ResNet-50's 7x7 convolution of stride 2 are
one more than 'same' takes, so its whole output would be of pixels beside the right ones.
"""

from __future__ import annotations

from typing import Any

from xncaps_tf._keras import keras, tf


@keras.saving.register_keras_serializable(package="xncaps_converters")
class KeptPadding(keras.layers.ZeroPadding2D):
    """ZeroPadding2D that no converter can fuse with what follows; for conversion only.

    A maximum with the lowest float32, which changes no number, stands behind the padding.

    Args, input and output shape: as `keras.layers.ZeroPadding2D`.
    """

    def call(self, inputs: Any) -> Any:
        return tf.maximum(super().call(inputs), inputs.dtype.min)


def would_move(layer: Any) -> bool:
    """Whether a ZeroPadding2D feeds a 'valid' window that is not what 'same' would make of it."""
    if not isinstance(layer, keras.layers.ZeroPadding2D) or isinstance(layer, KeptPadding):
        return False
    if layer.data_format != "channels_last":
        return False
    sides = tuple(layer.input_shape)[1:3]
    return any(_differs(layer.padding, sides, node.outbound_layer) for node in layer.outbound_nodes)


def _differs(padding: Any, sides: tuple[int | None, ...], window: Any) -> bool:
    """Whether 'same' would pad these sides otherwise; unknown sides count as a difference."""
    size = getattr(window, "kernel_size", None) or getattr(window, "pool_size", None)
    if size is None or getattr(window, "padding", None) != "valid":
        return False
    dilation = getattr(window, "dilation_rate", (1, 1))
    return any(
        tuple(padding[axis]) != _same(sides[axis], size[axis], window.strides[axis], dilation[axis])
        for axis in (0, 1)
    )


def _same(side: int | None, size: int, stride: int, dilation: int) -> tuple[int, int] | None:
    """What 'same' adds before and behind."""
    if side is None:
        return None
    window = (size - 1) * dilation + 1
    total = max((-(-side // stride) - 1) * stride + window - side, 0)
    return total // 2, total - total // 2
