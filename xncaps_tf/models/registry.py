"""Joins a backbone and a head by their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xncaps_tf._keras import keras
from xncaps_tf.layers import ClassScores
from xncaps_tf.models import heads, names, quicknet, seeding
from xncaps_tf.models import weights as weight_files
from xncaps_tf.models.applications import mobilenet_v2, resnet50
from xncaps_tf.models.common import BackboneOptions, Features
from xncaps_tf.models.small_cnn import small_cnn

_MNIST = (28, 28, 1)
_MNIST_DROPOUT = 0.3


@dataclass(frozen=True)
class Backbone:
    """An entry of the registry.

    Attributes:
        build: image tensor and options -> Features.
        momentum: of the head's BatchNorms.
        frozen_tail: how many of its last layers the published training freezes.
    """

    build: Callable[[Any, BackboneOptions], Features]
    momentum: float = 0.9
    frozen_tail: int = 0


_BACKBONES: dict[str, Backbone] = {
    "small_cnn": Backbone(small_cnn),
    "quicknet": Backbone(quicknet.backbone("tiny")),
    "quicknet_small": Backbone(quicknet.backbone("small")),
    "quicknet_medium": Backbone(quicknet.backbone("medium")),
    "quicknet_large": Backbone(quicknet.backbone("large")),
    "mobilenet_v2": Backbone(mobilenet_v2, momentum=0.99, frozen_tail=5),
    "resnet50": Backbone(resnet50, momentum=0.99, frozen_tail=10),
}


def is_capsule_head(head: str) -> bool:
    """Whether the head of that name is made of capsules."""
    return head in heads.CAPSULE_LAYERS


def class_names(model: Any) -> tuple[str, ...] | None:
    """The class names that a model carries in its last layer, or None.

    Works on every Keras model; one without a `ClassScores` layer has none.
    """
    for layer in reversed(getattr(model, "layers", [])):
        if isinstance(layer, ClassScores):
            return tuple(layer.class_names) if layer.class_names else None
    return None


def build(
    backbone: str,
    head: str,
    input_shape: Sequence[int],
    num_classes: int,
    *,
    weights: str | os.PathLike[str] | None = None,
    freeze_tail: bool | int | None = None,
    upsampling: str = "nearest",
    upsampling_factor: int | None = None,
    class_names: Sequence[str] | None = None,
    dropout: float | None = None,
    capsule_dim: int = 16,
    routing_iterations: int = 3,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """A network that takes a data set's pixels and gives one score a class.

    Examples:
        >>> build("small_cnn", "xnodr", (28, 28, 1), 10).output_shape
        (None, 10)

    Args:
        backbone: one of `models.BACKBONES`.
        head: one of `models.HEADS`.
        input_shape: `(H, W, C)` of the data set's images.
        num_classes: J, a positive int.
        weights: of the backbone: None (random), 'imagenet' (downloaded by Keras; mobilenet_v2 and
            resnet50 only) or a file: backbone weights in HDF5, or a whole model in .keras.
        freeze_tail: how many of the backbone's last layers are not trained. True: as published (5
            of mobilenet_v2, 10 of resnet50, none of the others); False: none; an int: that many;
            None: as published where `weights` is given, else none (random weights must train).
        upsampling: 'nearest' (as published) or 'bilinear'; mobilenet_v2 and resnet50 only.
        upsampling_factor: a positive int; None for 7 (sides of 28 and 32), 4 (36), or the largest
            that stays within 224 pixels.
        class_names: J names, kept in the model's last layer.
        dropout: rate in [0, 1) before the head's last BatchNorm. None: as published, 0.3 for images
            of 28x28x1 in 10 classes with a capsule head, else 0.
        capsule_dim: E of the capsule layer.
        routing_iterations: R of the capsule layer.
        seed: the initial weights and the dropout are a function of it; None leaves the weights to
            Keras's global generator.
        name: the model's, `<backbone>_<head>` by default.

    Returns:
        A `keras.Model`: float32 `[B, H, W, C]`, pixels 0 to 255 -> scores float32 `[B, J]`.

    Raises:
        ValueError: an argument is out of its range.
        DataError: the weights cannot be downloaded within 30 s, read, or do not fit.
    """
    entry = _lookup(backbone, head)
    shape = _checked_shape(input_shape)
    _check(num_classes, upsampling, upsampling_factor, class_names, dropout, freeze_tail)
    if dropout is None:
        published = shape == _MNIST and num_classes == 10 and is_capsule_head(head)
        dropout = _MNIST_DROPOUT if published else 0.0
    image = keras.Input(shape, name="image")
    features = entry.build(image, BackboneOptions(upsampling, upsampling_factor))
    options = heads.HeadOptions(
        num_classes, dropout, entry.momentum, capsule_dim, routing_iterations, seed or 0
    )
    scores = heads.attach(head, features.tensor, options)
    scores = ClassScores(class_names, name="scores")(scores)  # [B, J]
    model = keras.Model(image, scores, name=name or f"{backbone}_{head}")
    if seed is not None:
        seeding.initialize(model, seed)
    if weights is not None:
        weight_files.load(features.core, weights, backbone)
    _freeze(features.core, entry, freeze_tail, weights is not None)
    return model


def _lookup(backbone: str, head: str) -> Backbone:
    if backbone not in _BACKBONES:
        raise ValueError(
            f"build: expected backbone to be one of {', '.join(names.BACKBONES)}. "
            f"Received: backbone={backbone!r}."
        )
    if head not in names.HEADS:
        raise ValueError(
            f"build: expected head to be one of {', '.join(names.HEADS)}. Received: head={head!r}."
        )
    return _BACKBONES[backbone]


def _checked_shape(input_shape: Sequence[int]) -> tuple[int, int, int]:
    shape = tuple(input_shape)
    if len(shape) != 3 or not all(isinstance(side, int) and side > 0 for side in shape):
        raise ValueError(
            "build: expected input_shape to be (H, W, C), three positive ints. "
            f"Received: input_shape={input_shape!r}."
        )
    return shape  # pyright: ignore[reportReturnType]


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _check(
    num_classes: int,
    upsampling: str,
    upsampling_factor: int | None,
    class_names: Sequence[str] | None,
    dropout: float | None,
    freeze_tail: bool | int | None,
) -> None:
    """Raises ValueError for the first argument that is out of its range."""
    if not _is_count(num_classes, 1):
        raise ValueError(
            "build: expected num_classes to be a positive int. "
            f"Received: num_classes={num_classes!r}."
        )
    if upsampling not in names.UPSAMPLING:
        raise ValueError(
            f"build: expected upsampling to be one of {', '.join(names.UPSAMPLING)}. "
            f"Received: upsampling={upsampling!r}."
        )
    if upsampling_factor is not None and not _is_count(upsampling_factor, 1):
        raise ValueError(
            "build: expected upsampling_factor to be a positive int or None. "
            f"Received: upsampling_factor={upsampling_factor!r}."
        )
    if class_names is not None and len(class_names) != num_classes:
        raise ValueError(
            f"build: expected class_names to be {num_classes} names, one a class. "
            f"Received: class_names={tuple(class_names)!r}."
        )
    if dropout is not None and not 0 <= dropout < 1:
        raise ValueError(f"build: expected dropout in [0, 1). Received: dropout={dropout!r}.")
    if not (freeze_tail is None or isinstance(freeze_tail, bool) or _is_count(freeze_tail, 0)):
        raise ValueError(
            "build: expected freeze_tail to be a bool, an int of 0 or more, or None. "
            f"Received: freeze_tail={freeze_tail!r}."
        )


def _freeze(core: Any, entry: Backbone, freeze_tail: bool | int | None, loaded: bool) -> None:
    """Makes the backbone's last layers untrainable; their BatchNorms keep their averages."""
    if freeze_tail is None:
        freeze_tail = loaded
    count = entry.frozen_tail if freeze_tail is True else int(freeze_tail)
    if count:
        for layer in core.layers[-count:]:
            layer.trainable = False
