"""The image again, from the pose of the winning capsule: what a network of capsules has in it.

A network with a decoder is a Keras model of two outputs, scores and picture. `load_model` gives the
classifier alone unless it is asked for both, so that nothing that classifies or converts meets it.

Source: Sabour, Frosst, Hinton 2017, section 4.1 and figure 2, https://arxiv.org/abs/1710.09829.
Differs from the source: images of any size. Of the published heads the poses are those in front of
the BatchNorm and ReLU that the scores are the lengths behind.
"""

from __future__ import annotations

import math
from typing import Any

from xncaps_tf._keras import keras
from xncaps_tf.errors import DataError
from xncaps_tf.layers import WinningCapsule
from xncaps_tf.layers._capsule_layer import CapsuleLayer
from xncaps_tf.models import seeding

NAME = "decoder"
UNITS = (512, 1024)
SQUARED_ERROR_WEIGHT = 0.0005  # of one value of the image
LARGEST = 64 * 64 * 3  # values of an image: 12.6 million weights in the last layer


def with_decoder(model: Any, *, seed: int = 0, decoder: Any = None) -> Any:
    """The network with a decoder: the same layers and weights, and a second output.

    Three dense layers, of 512 and 1,024 ReLUs and a sigmoid a value of the image, see the poses
    `[B, J, E]` that the capsule layer gives (before dropout, BatchNorm and ReLU), all but that of
    the highest score set to zero.

    Args:
        model: a functional Keras model of images `[B, H, W, C]` with one CapsFC, XnODR or XnIDR
            of a capsule a class, and scores `[B, J]`.
        seed: the decoder's weights are a function of it.
        decoder: one that fits, from `find` of a network like this one, in place of a new one.

    Returns:
        A `keras.Model`: images, 0 to 255 -> scores `[B, J]`, pictures `[B, H, W, C]`, 0 to 1.

    Raises:
        DataError: the network has no such capsules, or its images have more than 12,288 values.
    """
    poses = _poses(model)
    shape = tuple(model.input_shape[1:])
    if len(shape) != 3 or None in shape or math.prod(shape) > LARGEST:
        raise DataError(
            f"{model.name}: expected images of at most {LARGEST:,} values (64x64x3) for a decoder. "
            f"Received: {' x '.join(map(str, shape))}."
        )
    row = WinningCapsule(name="winning_capsule")([poses, model.outputs[0]])  # [B, J * E]
    if decoder is None:
        decoder = _new(row.shape[-1], shape)
        seeding.initialize(decoder.layers, seed)
    return keras.Model(model.inputs, [model.outputs[0], decoder(row)], name=model.name)


def _new(size: int, shape: tuple[int, ...]) -> Any:
    """The decoder `[B, J * E]` -> `[B, H, W, C]`."""
    row = keras.Input((size,), name="pose")
    x = row
    for number, units in enumerate(UNITS, 1):
        x = keras.layers.Dense(units, activation="relu", name=f"decoder_{number}")(x)
    x = keras.layers.Dense(math.prod(shape), activation="sigmoid", name="decoder_pixels")(x)
    return keras.Model(row, keras.layers.Reshape(shape, name="picture")(x), name=NAME)


def _poses(model: Any) -> Any:
    """The output `[B, J, E]` of the network's layer of a capsule a class."""
    classes = model.outputs[0].shape[-1]
    layers = [layer for layer in model.layers if isinstance(layer, CapsuleLayer)]
    found = [layer for layer in layers if layer.num_capsules == classes]
    if len(found) != 1 or len(model.inputs) != 1:
        raise DataError(
            f"{model.name}: expected a network with one layer of capsules, a class each, for a "
            f"decoder (the heads capsfc, xnodr, xnidr). Received: {len(found)} of them."
        )
    return found[0].output


def find(model: Any) -> Any:
    """The decoder of a network, a Keras model `[B, J * E]` -> `[B, H, W, C]`, or None."""
    outputs: list[Any] = getattr(model, "outputs", None) or []
    layer: Any = outputs[1].node.layer if len(outputs) == 2 else None
    is_one = isinstance(layer, keras.Model) and layer.name == NAME
    return layer if is_one and type(_before(layer, model)) is WinningCapsule else None


def _before(decoder: Any, model: Any) -> Any:
    inputs = model.outputs[1].node.keras_inputs
    return inputs[0].node.layer if len(inputs) == 1 else None


def without_decoder(model: Any) -> Any:
    """The classifier alone; the model itself where it has no decoder."""
    if find(model) is None:
        return model
    return keras.Model(model.inputs, model.outputs[0], name=model.name)


def poses_and_scores(model: Any) -> Any:
    """The model of a network's images to its poses `[B, J, E]` and scores `[B, J]`."""
    return keras.Model(model.inputs, [_poses(model), model.outputs[0]])


def trained_graph(model: Any) -> Any:
    """The graph that is trained of a network with a decoder; over the same layers.

    The decoder sees the pose of the labelled capsule here, as in the source.

    Returns:
        A `keras.Model`: images and labels `[B, J]` -> scores and pictures.
    """
    scores: Any = model.outputs[0]
    labels = keras.Input(scores.shape[1:], name="labels")
    row = WinningCapsule(name="labelled_capsule")([_poses(model), labels])  # [B, J * E]
    return keras.Model([*model.inputs, labels], [scores, find(model)(row)], name=model.name)
