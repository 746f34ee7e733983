"""int8 after training, for the part of a network in front of its capsules or its softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from xncaps_converters import calibration, engines, marked_layers
from xncaps_converters.output_formats import Report, silent
from xncaps_converters.samples import Inputs
from xncaps_tf._keras import keras
from xncaps_tf.errors import ConversionError
from xncaps_tf.layers import CapsuleReshape, ClassScores, SeededDropout

CALIBRATION_IMAGES = 500
# Between the last convolution and the capsules: a few hundred numbers, cheap and sensitive.
_HEAD_LAYERS = (
    CapsuleReshape,
    SeededDropout,
    keras.layers.BatchNormalization,
    keras.layers.ReLU,
    keras.layers.Activation,
    keras.layers.Reshape,
    keras.layers.Flatten,
)


def split_before_head(model: Any) -> tuple[Any, Any]:
    """Cuts a model at the one tensor that leads into its capsule head.

    Returns:
        (model from the image to that tensor, model from that tensor to the scores).

    Raises:
        ConversionError: there is not just one capsule layer, or paths around it.
    """
    capsules = [layer for layer in model.layers if isinstance(layer, marked_layers.FusedCapsules)]
    if len(capsules) != 1 or len(model.inputs) != 1:
        raise ConversionError(
            "expected one input and one capsule layer at the top level, to cut an int8 backbone "
            f"from its float head. Received: {len(model.inputs)} inputs, {len(capsules)} capsule "
            "layers."
        )
    tensor: Any = capsules[0].input
    while isinstance(tensor.node.layer, _HEAD_LAYERS):
        tensor = tensor.node.layer.input
    backbone = keras.Model(model.inputs, tensor, name=f"{model.name}_backbone")
    start = keras.Input(batch_shape=tuple(tensor.shape), name="features")
    return backbone, keras.Model(start, _replay(model, tensor, start), name=f"{model.name}_head")


def split_before_softmax(model: Any) -> tuple[Any, Any | None]:
    """Cuts a network without capsules at its logits; for a converter's own copy of a model.

    An int8 softmax gives multiples of 1/256, by which many classes cannot be told from one another;
    int8 logits have 256 steps over their range.

    Returns:
        (model from the image to the logits, model of the softmax); (the model, None) without one.
    """
    if len(model.outputs) != 1:
        return model, None
    node = model.outputs[0].node
    if isinstance(node.layer, ClassScores):  # names the classes, computes nothing
        node = node.keras_inputs[0].node
    layer = node.layer
    if getattr(layer, "activation", None) is not keras.activations.softmax:
        return model, None
    logits = node.keras_inputs[0]
    if isinstance(layer, keras.layers.Dense):
        linear = keras.layers.Dense(layer.units, use_bias=layer.use_bias, name=layer.name)
        logits = linear(logits)
        linear.set_weights(layer.get_weights())
    elif type(layer) is not keras.layers.Activation:
        return model, None
    start = keras.Input(batch_shape=tuple(logits.shape), name="logits")
    return (
        keras.Model(model.inputs, logits, name=f"{model.name}_backbone"),
        keras.Model(start, keras.layers.Softmax()(start), name=f"{model.name}_head"),
    )


def convert_int8(backbone: Any, images: Inputs, report: Report = silent) -> bytes:
    """Converts a model to int8 inside, float32 at both ends, calibrated on images.

    Args:
        backbone: a functional Keras model.
        images: `[n, H, W, C]`; at most `CALIBRATION_IMAGES` are used, evenly spread.
        report: called as images have been run.
    """
    chosen = images[
        np.linspace(0, len(images) - 1, min(len(images), CALIBRATION_IMAGES)).astype(int)
    ]
    calibrated = calibration.with_ranges(engines.run_tensorflow(backbone), chosen, report)
    return engines.run_quantizer(calibrated, backbone.name)


def _replay(model: Any, tensor: Any, start: Any) -> Any:
    """The layers behind `tensor`, called again from `start`."""
    made = {id(tensor): start}
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            inputs = node.keras_inputs
            if node.is_input or not all(id(each) in made for each in inputs):
                continue
            given = [made[id(each)] for each in inputs]
            outputs = node.layer(given[0] if len(given) == 1 else given)
            made[id(node.outputs)] = outputs
    if id(model.outputs[0]) not in made:
        raise ConversionError(
            "expected every path to the scores to lead through the capsule layer. Received: one "
            "around it."
        )
    return made[id(model.outputs[0])]
