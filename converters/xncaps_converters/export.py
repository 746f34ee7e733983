"""A Keras model as its inference function alone, which both converters read.

Keras's own export traces every layer by itself and saves what is needed to build the model again: a
converter reads none of it, and it took three quarters of a conversion's time.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from xncaps_converters.clone import flat_layers
from xncaps_tf._keras import keras, tf


@dataclass(frozen=True)
class Inference:
    """What a model computes, traced once.

    Attributes:
        function: a concrete function; its inputs and outputs have the names that Keras gives those
            of the model.
        owner: the object that owns its variables. A converter that is not given it too inlines the
            functions that `experimental_implements` marks, without a word.
    """

    function: Any
    owner: Any


def trace(model: Any) -> Inference:
    """The inference function of a functional `keras.Model`; its LSTMs are changed for it."""
    _unmarked(model)
    names = model.output_names
    signature = [tf.TensorSpec(t.shape, t.dtype, name=t.node.layer.name) for t in model.inputs]

    @tf.function(input_signature=signature, autograph=False)
    def serve(*inputs: Any) -> dict[str, Any]:
        outputs = model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
        return dict(zip(names, tf.nest.flatten(outputs), strict=True))

    function = serve.get_concrete_function()
    return Inference(function, tf.train.Checkpoint(variables=list(function.graph.variables)))


def _unmarked(model: Any) -> None:
    """Has every LSTM traced step by step, as the other recurrent layers are.

    Keras marks the function of an LSTM of the usual activations, and both converters make one op of
    what is marked. That op keeps its state from one input to the next, so that a file's answer
    would depend on what it was asked before; and what LCE's converter makes of it is not the layer.
    """
    for layer in flat_layers(model):
        if isinstance(layer, keras.layers.LSTM):
            layer._could_use_gpu_kernel = False  # Keras has no public word for it


@contextlib.contextmanager
def saved(inference: Inference) -> Generator[str, None, None]:
    """A folder with the function as the signature 'serving_default' of a SavedModel.

    It is there as long as the context is.
    """
    with tempfile.TemporaryDirectory(prefix="xncaps-") as folder, quiet():
        tf.saved_model.save(inference.owner, folder, signatures=inference.function)
        yield folder


@contextlib.contextmanager
def quiet() -> Generator[None, None, None]:
    """Keeps back what TensorFlow warns of while it saves and converts."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
