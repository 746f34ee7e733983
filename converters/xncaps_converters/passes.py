"""Exact rewrites of a Keras model before it is converted: the same numbers from fewer products.

Each pass looks at the graph, says which layers take which others' place, and what that saves. A
rewritten model computes what it did, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_converters.claims import Claims, Replacements
from xncaps_converters.clone import Replacement, as_model, clone, copy_weights
from xncaps_tf._keras import keras, tf
from xncaps_tf.models.pooling import linear_before, only_before


@dataclass(frozen=True)
class Rewrite:
    """What a pass did.

    Attributes:
        name: of the pass.
        layer: the layer that it was about.
        macs_saved: multiply-accumulates of one image that are gone.
    """

    name: str
    layer: str
    macs_saved: int

    def __str__(self) -> str:
        return f"{self.name}: {self.layer!r}, {self.macs_saved:,} MACs less"


def apply(model: Any, *, batch_size: int | None = 1) -> tuple[Any, tuple[Rewrite, ...]]:
    """Runs every pass over a model.

    Args:
        model: a functional or sequential Keras model, or a built layer.
        batch_size: of the result's inputs; None leaves it open.

    Returns:
        (a rewritten copy, what was done); the copy has the model's own layers where there was
        nothing to do.

    Raises:
        ConversionError: two passes want one layer, or shapes do not fit after a pass.
    """
    model = as_model(model)
    claims = Claims(model)
    done = claim(model, claims)
    return clone(model, claims.replace, batch_size=batch_size), done


def claim(model: Any, claims: Claims) -> tuple[Rewrite, ...]:
    """Claims what every pass finds in a model; returns what that saves."""
    done: list[Rewrite] = []
    for find in PASSES:
        found, rewrites = find(model)
        claims.add(find.__name__, found)
        done += rewrites
    return tuple(done)


class PooledConv2D(keras.layers.Conv2D):
    """A linear 1x1 convolution that averages its input over the image first; for conversion only.

    Mean over positions and a linear map of channels commute: mean(x) W + b = mean(x W + b).

    Input shape: `[B, H, W, C]`.  Output shape: `[B, 1, 1, filters]`.
    """

    def call(self, inputs: Any) -> Any:
        return super().call(
            tf.reduce_mean(inputs, axis=(1, 2), keepdims=True)
        )  # [B, 1, 1, filters]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tf.TensorShape([tf.TensorShape(input_shape)[0], 1, 1, self.filters])


def pool_before_linear(model: Any) -> tuple[Replacements, list[Rewrite]]:
    """Commutes GlobalAveragePooling2D before the linear 1x1 convolution in front of it.

    In the published MobileNetV2 networks that convolution is 1,280 to 1,024 channels at 7x7.
    """
    replacements: dict[int, Callable[[], Replacement]] = {}
    rewrites: list[Rewrite] = []
    for pool in model.layers:
        conv = linear_before(pool, model)
        if conv is None or None in conv.input_shape[1:]:
            continue
        _, height, width, channels = conv.input_shape
        saved = (height * width - 1) * channels * conv.filters
        rewrites.append(Rewrite("pool before linear", conv.name, saved))
        replacements[id(conv)] = _pooled(conv)
        replacements[id(pool)] = _reshaped(pool, conv.filters)
    return replacements, rewrites


def pool_before_depthwise(model: Any) -> tuple[Replacements, list[Rewrite]]:
    """Averages within a linear depthwise convolution whose outputs are only averaged.

    The mean over the image of a depthwise convolution is a weighted sum of its input, a convolution
    as large as the image: each value counts with the mean of the weights that meet it. In the
    published MobileNetV2 networks that is the 3x3 in front of the 1x1 of `pool_before_linear`; a
    BatchNormalization may stand between.
    """
    replacements: dict[int, Callable[[], Replacement]] = {}
    rewrites: list[Rewrite] = []
    for pool in model.layers:
        depthwise, between = _depthwise_before(pool, model)
        if depthwise is None:
            continue
        _, height, width, channels = depthwise.input_shape
        window = depthwise.kernel_size[0] * depthwise.kernel_size[1]
        saved = height * width * channels * (window - 1)
        rewrites.append(Rewrite("pool before depthwise", depthwise.name, saved))
        replacements[id(depthwise)] = _summed(depthwise)
        if between is not None:  # the same, but its input is of another shape now
            replacements[id(between)] = _same(between)
    return replacements, rewrites


PASSES = (pool_before_linear, pool_before_depthwise)


def _depthwise_before(pool: Any, model: Any) -> tuple[Any, Any]:
    """(the depthwise convolution whose outputs only reach this pooling, and linearly, the
    BatchNormalization behind it); None for what is not there."""
    conv, between = linear_before(pool, model), None
    before = None if conv is None else only_before(conv, model)
    if isinstance(before, keras.layers.BatchNormalization):
        before, between = only_before(before, model), before
    return (before, between) if _is_linear_depthwise(before) else (None, None)


def _is_linear_depthwise(layer: Any) -> bool:
    return (
        type(layer) is keras.layers.DepthwiseConv2D
        and layer.activation is keras.activations.linear
        and (layer.strides, layer.dilation_rate, layer.depth_multiplier) == ((1, 1), (1, 1), 1)
        and (layer.padding, layer.data_format) == ("same", "channels_last")
        and None not in layer.input_shape[1:]
    )


def _summed(depthwise: Any) -> Callable[[], Replacement]:
    _, height, width, _ = depthwise.input_shape
    config = {**depthwise.get_config(), "kernel_size": (height, width), "padding": "valid"}

    def transfer(old: Any, new: Any) -> None:
        kernel, *bias = old.get_weights()  # [h, w, C, 1]
        new.set_weights([_mean_weights(kernel, height, width), *bias])

    return lambda: Replacement(keras.layers.DepthwiseConv2D.from_config(config), transfer)


def _mean_weights(kernel: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """Kernel `[h, w, C, 1]` of a SAME convolution -> `[H, W, C, 1]`: what each input counts."""
    h, w = kernel.shape[:2]
    sums = np.zeros((height, width, *kernel.shape[2:]))  # float64
    for y in range(h):
        for x in range(w):
            # Tap (y, x) of the output at o meets the input at o + (y, x) - (before, before).
            rows, columns = _met(y - (h - 1) // 2, height), _met(x - (w - 1) // 2, width)
            sums[rows, columns] += kernel[y, x]
    return (sums / (height * width)).astype(kernel.dtype)


def _met(shift: int, size: int) -> slice:
    """The inputs that a tap meets which is shifted by so much, as the output runs over an image."""
    return slice(max(shift, 0), max(size + min(shift, 0), 0))


def _same(layer: Any) -> Callable[[], Replacement]:
    def make() -> Replacement:
        twin = layer.__class__.from_config(layer.get_config())
        return Replacement(twin, copy_weights)

    return make


def _pooled(conv: Any) -> Callable[[], Replacement]:
    return lambda: Replacement(PooledConv2D.from_config(conv.get_config()), copy_weights)


def _reshaped(pool: Any, filters: int) -> Callable[[], Replacement]:
    shape = (1, 1, filters) if pool.keepdims else (filters,)
    layer = keras.layers.Reshape
    return lambda: Replacement(layer(shape, name=pool.name), lambda old, new: None)
