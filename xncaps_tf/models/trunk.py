"""A network in two parts: the trunk, which may come trained, and the head behind it.

The trunk is named by the layer that it ends with, so that the name holds for every copy of the
network. What is between it and the head's GlobalAveragePooling2D belongs to the head.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import DataError
from xncaps_tf.models.pooling import linear_before


def find(model: Any) -> str:
    """Where the trunk of any network ends: before its pooling and a linear 1x1 convolution there.

    Args:
        model: a functional Keras model.

    Returns:
        The name of the trunk's last layer.

    Raises:
        DataError: there is not exactly one GlobalAveragePooling2D.
    """
    pools = _pools(model)
    if len(pools) != 1:
        raise DataError(
            f"{model.name}: expected one GlobalAveragePooling2D, where a trunk meets its head. "
            f"Received: {len(pools)} of them."
        )
    return before(linear_before(pools[0], model) or pools[0])


def linear(model: Any) -> Any:
    """The linear 1x1 convolution between the trunk and the head's pooling, or None."""
    return linear_before(_pools(model)[0], model)


def _pools(model: Any) -> list[Any]:
    kind = keras.layers.GlobalAveragePooling2D
    return [layer for layer in model.layers if isinstance(layer, kind)]


def before(layer: Any) -> str:
    """The name of the layer in front of one that is used once."""
    return layer.input.node.layer.name


def layers(model: Any, end: str) -> list[Any]:
    """The trunk's layers: all that its last one depends on."""
    return keras.Model(model.inputs, model.get_layer(end).output).layers


def is_pooled(model: Any, end: str) -> bool:
    """Whether the head sees the mean over positions only, so that it can be taken at once."""
    pools = _pools(model)
    return len(pools) == 1 and end in (before(pools[0]), find(model))


def extractor(model: Any, end: str) -> Callable[[Any], Any]:
    """The function from images to what the head needs of the trunk's output.

    Returns:
        A function of images `[B, H, W, C]` to features `[B, h, w, c]`; `[B, 1, 1, c]`, the means,
        where `is_pooled`.
    """
    trunk = keras.Model(model.inputs, model.get_layer(end).output)
    pools = is_pooled(model, end)

    @tf.function(reduce_retracing=True)
    def features(images: Any) -> Any:
        found = trunk(images, training=False)
        return tf.reduce_mean(found, axis=(1, 2), keepdims=True) if pools else found

    return features


def head(model: Any, end: str) -> Any:
    """The rest of the network, over its own layers, from what `extractor` gives to the scores.

    Call it once a model: its layers are used a second time, which `pooled_first` does not read.

    Returns:
        A `keras.Model` `[B, h, w, c]` -> `[B, J]`.
    """
    output: Any = model.get_layer(end).output
    shape = (1, 1, output.shape[-1]) if is_pooled(model, end) else tuple(output.shape[1:])
    rest = keras.Model(output, model.outputs[0])
    start = keras.Input(shape, name="features_input")
    return keras.models.clone_model(rest, input_tensors=start, clone_function=_itself)


def _itself(layer: Any) -> Any:
    return layer
