"""The graph that is trained: the model's own layers, its pooling before its linear convolution.

A mean over positions and a linear map of channels commute, mean(x W + b) = mean(x) W + b, so a
backbone that ends with a linear 1x1 convolution (1,280 to 1,024 channels in the published
MobileNetV2 networks, 128 to 512 in `small_cnn`) need apply it to one position instead of all when
the head begins with GlobalAveragePooling2D. What is saved keeps the order of the paper.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from xncaps_tf._keras import keras, tf


class _Fixed(keras.layers.Layer):
    """A BatchNormalization that uses its averages in training, too, and keeps them.

    Its scale and offset are trained as before.
    """

    def __init__(self, norm: Any) -> None:
        super().__init__(name=norm.name, dtype=norm.dtype_policy)
        self.norm = norm

    def call(self, inputs: Any) -> Any:
        return self.norm(inputs, training=False)


class _OnMean(keras.layers.Layer):
    """A linear 1x1 convolution of the mean of `[B, H, W, C]` over H and W, as the pool gives."""

    def __init__(self, conv: Any, keepdims: bool) -> None:
        super().__init__(name=conv.name, dtype=conv.dtype_policy)
        self.conv, self.keepdims = conv, keepdims

    def call(self, inputs: Any) -> Any:
        mean = self.conv(tf.reduce_mean(inputs, axis=(1, 2), keepdims=True))  # [B, 1, 1, filters]
        return mean if self.keepdims else tf.squeeze(mean, axis=(1, 2))  # [B, filters]


def pooled_first(model: Any, fixed: Collection[str] = ()) -> Any:
    """A model over the same layers, so the same weights, of which none is copied.

    Args:
        model: a functional Keras model.
        fixed: names of BatchNormalization layers that keep the averages they have.

    Returns:
        A new `keras.Model` whose outputs equal the model's but for rounding; its variables are the
        same ones in the same order. Where there is nothing to commute the graph is the same.
    """
    pairs = {pool: linear_before(pool, model) for pool in model.layers}
    pools = {conv: pool for pool, conv in pairs.items() if conv is not None}
    if not pools and not fixed:
        return keras.Model(model.inputs, model.outputs, name=model.name)

    def replace(layer: Any) -> Any:
        if layer.name in fixed:
            return _Fixed(layer)
        if layer in pools:
            return _OnMean(layer, pools[layer].keepdims)
        if pairs[layer] is not None:
            return keras.layers.Activation("linear", name=layer.name, dtype=layer.dtype_policy)
        return layer

    return keras.models.clone_model(model, clone_function=replace)


def linear_before(pool: Any, model: Any) -> Any:
    """The linear 1x1 convolution of the model that only this pooling reads, or None."""
    if type(pool) is not keras.layers.GlobalAveragePooling2D:
        return None
    conv = only_before(pool, model)
    is_linear = (
        type(conv) is keras.layers.Conv2D
        and (conv.kernel_size, conv.strides, conv.groups) == ((1, 1), (1, 1), 1)
        and conv.activation is keras.activations.linear
        and {conv.data_format, pool.data_format} == {"channels_last"}
        and conv.activity_regularizer is None
    )
    return conv if is_linear else None


def only_before(layer: Any, model: Any) -> Any:
    """The layer in front of one that nothing else reads, where each is used once; else None."""
    if len(layer.inbound_nodes) != 1 or isinstance(layer.input, list):
        return None
    tensor: Any = layer.input
    before = tensor.node.layer
    is_single = len(before.inbound_nodes) == 1 and len(before.outbound_nodes) == 1
    is_output = any(tensor is output for output in model.outputs)
    return before if is_single and not is_output else None
