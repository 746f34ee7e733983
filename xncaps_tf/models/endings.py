"""What the outputs of a model are: its last layers tell."""

from __future__ import annotations

from typing import Any

from xncaps_tf._keras import keras, tf
from xncaps_tf.layers import ClassScores, Length

_PASSING = (ClassScores, keras.layers.Flatten, keras.layers.Reshape)  # that change no number
_SHARES = (keras.activations.softmax, keras.activations.sigmoid, tf.nn.softmax, tf.nn.sigmoid)
_SHARES_OF_TENSORS = ("nn.softmax", "math.sigmoid")  # Keras's layers around TensorFlow's functions


def score_kind(model: Any) -> str | None:
    """'lengths' (of capsules), 'probabilities', 'logits', or None where its end does not tell.

    Args:
        model: a functional or sequential Keras model; networks in it are looked into.
    """
    layer: Any = model
    while isinstance(layer, keras.Model) or isinstance(layer, _PASSING):
        if isinstance(layer, keras.Model):
            outputs: list[Any] = getattr(layer, "outputs", None) or []
            source: Any = outputs[0].node.layer if len(outputs) == 1 else None
        else:
            source = layer.inbound_nodes[-1].inbound_layers
        if source is layer or isinstance(source, list):
            return None
        layer = source
    if isinstance(layer, Length):
        return "lengths"
    symbol = getattr(layer, "symbol", None)
    if isinstance(layer, keras.layers.Softmax) or symbol in _SHARES_OF_TENSORS:
        return "probabilities"
    activation = getattr(layer, "activation", None)
    if activation in _SHARES:
        return "probabilities"
    return "logits" if activation is keras.activations.linear else None
