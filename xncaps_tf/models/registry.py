"""Joins a backbone and a head by their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xncaps_tf._keras import keras
from xncaps_tf.errors import DataError
from xncaps_tf.layers import ClassScores
from xncaps_tf.models import (
    arguments,
    choices,
    efficientnet_lite,
    efficientnet_weights,
    heads,
    quicknet,
    registration,
    seeding,
    trunk,
)
from xncaps_tf.models import weights as weight_files
from xncaps_tf.models.applications import mobilenet_v2, resnet50
from xncaps_tf.models.interfaces import BackboneOptions, Features
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
        options: of `BackboneOptions`, those that the backbone has besides the upsampling's.
        capsule_features: channels of a linear 1x1 convolution between it and a head of capsules; 0
            where the backbone ends in one.
        trunk_end: name of its last layer with weights to load, where layers of ours follow that
            only a training from scratch has met; '' where `trunk.find` sees it.
    """

    build: Callable[[Any, BackboneOptions], Features]
    momentum: float = 0.9
    frozen_tail: int = 0
    options: tuple[str, ...] = ()
    capsule_features: int = 0
    trunk_end: str = ""


def _lite(name: str) -> Backbone:
    return Backbone(
        efficientnet_lite.backbone(name),
        options=("resolution", "features", "resizing"),
        capsule_features=efficientnet_lite.CAPSULE_FEATURES,
    )


_BACKBONES: dict[str, Backbone] = {
    "small_cnn": Backbone(small_cnn),
    "quicknet": Backbone(quicknet.backbone("tiny")),
    "quicknet_small": Backbone(quicknet.backbone("small")),
    "quicknet_medium": Backbone(quicknet.backbone("medium")),
    "quicknet_large": Backbone(quicknet.backbone("large")),
    "mobilenet_v2": Backbone(mobilenet_v2, momentum=0.99, frozen_tail=5, trunk_end="out_relu"),
    "resnet50": Backbone(resnet50, momentum=0.99, frozen_tail=10, trunk_end="conv5_block3_out"),
    **{name: _lite(name) for name in efficientnet_lite.SIZES},
}

_OTHER = Backbone(small_cnn)  # what holds for the trunk of a network that is none of these


def is_capsule_head(head: str) -> bool:
    """Whether the head of that name is made of capsules."""
    return head in heads.CAPSULE_LAYERS or (
        head in registration.HEADS and registration.HEADS[head].is_capsules
    )


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
    resolution: int | None = None,
    features: str | None = None,
    resizing: str | None = None,
    class_names: Sequence[str] | None = None,
    dropout: float | None = None,
    capsule_dim: int = 16,
    routing_iterations: int = 3,
    scales: str = "channel",
    quantizer: str = "caps_sign",
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """A network that takes a data set's pixels and gives one score a class.

    Examples:
        >>> build("small_cnn", "xnodr", (28, 28, 1), 10).output_shape
        (None, 10)

    Args:
        backbone: one of `models.BACKBONES` or registered by `register_backbone`.
        head: one of `models.HEADS` or registered by `register_head`.
        input_shape: `(H, W, C)` of the data set's images.
        num_classes: J, a positive int.
        weights: of the backbone: None (random), 'imagenet' (mobilenet_v2, resnet50: downloaded by
            Keras; efficientnet_lite0 to 2: from the packages of the extra `pretrained`) or a file:
            backbone weights in HDF5, or a whole model in .keras.
        freeze_tail: how many of the backbone's last layers are not trained. True: as published (5
            of mobilenet_v2, 10 of resnet50, none of the others); False: none; an int: that many;
            None: as published where `weights` is given, else none (random weights must train).
        upsampling: 'nearest' (as published) or 'bilinear'; mobilenet_v2 and resnet50 only.
        upsampling_factor: a positive int; None for 7 (sides of 28 and 32), 4 (36), or the largest
            that stays within 224 pixels.
        resolution: side that images are resized to inside the model; None: the backbone's own.
            efficientnet_lite0 to 2 only.
        features: where the head taps the backbone: 'last_conv', behind its last convolution (1,280
            channels), or 'last_block', before it (320; lite2: 352). None: 'last_conv'.
            efficientnet_lite0 to 2 only.
        resizing: how images are: 'nearest' or 'bilinear'. None: 'bilinear'. efficientnet_lite0 to 2
            only.
        class_names: J names, kept in the model's last layer.
        dropout: rate in [0, 1) before the head's last BatchNorm. None: as published, 0.3 for images
            of 28x28x1 in 10 classes with a capsule head, else 0.
        capsule_dim: E of the capsule layer.
        routing_iterations: R of the capsule layer.
        scales: of XnODR's bits: 'channel', 'capsule' or 'none'; see `layers.XnODR`.
        quantizer: of XnODR and XnIDR: 'caps_sign', -1 at zero as published, or larq's 'ste_sign',
            +1, for comparisons: the fused ops know the former alone.
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
    shape = arguments.image_shape(input_shape)
    arguments.check(num_classes, upsampling, upsampling_factor, class_names, dropout, freeze_tail)
    _check_options(backbone, entry, resolution=resolution, features=features, resizing=resizing)
    arguments.check_sampling(resolution, features, resizing)
    arguments.check_capsules(head, routing_iterations, scales, quantizer)
    if dropout is None:
        published = shape == _MNIST and num_classes == 10 and is_capsule_head(head)
        dropout = _MNIST_DROPOUT if published else 0.0
    image = keras.Input(shape, name="image")
    chosen = BackboneOptions(
        upsampling,
        upsampling_factor,
        resolution,
        features or BackboneOptions.features,
        resizing or BackboneOptions.resizing,
    )
    body = entry.build(image, chosen)
    options = heads.HeadOptions(
        num_classes,
        dropout,
        entry.momentum,
        capsule_dim,
        routing_iterations,
        seed or 0,
        scales,
        quantizer,
    )
    scores = heads.attach(head, _for_head(body.tensor, entry, head), options)
    scores = ClassScores(class_names, name="scores")(scores)  # [B, J]
    model = keras.Model(image, scores, name=name or f"{backbone}_{head}")
    if seed is not None:
        seeding.initialize(model.layers, seed)
    if weights is not None:
        weight_files.load(body.core, weights, backbone)
    _freeze(body.core, entry, freeze_tail, weights is not None)
    return model


def trunk_end(model: Any, backbone: str | None = None) -> str:
    """The name of the last layer of a network's trunk; see `models.trunk`.

    Args:
        model: a functional Keras model.
        backbone: whose network `build` has just made it; None for a model of unknown origin.

    Raises:
        DataError: the network has no single GlobalAveragePooling2D in front of its head.
    """
    known = _entry(backbone).trunk_end if backbone else ""
    return known or trunk.find(model)


def with_head(
    model: Any,
    head: str,
    num_classes: int,
    *,
    features: str | None = None,
    class_names: Sequence[str] | None = None,
    dropout: float = 0.0,
    routing_iterations: int = 3,
    scales: str = "channel",
    quantizer: str = "caps_sign",
    seed: int = 0,
) -> Any:
    """Another head on the trunk of a network; its layers are shared, those of the head are new.

    A head of capsules keeps the linear 1x1 convolution in front of the old pooling; a dense head
    leaves it out where the backbone's own dense network has none. At another tap a head of capsules
    gets a linear convolution of its own.

    Args:
        model: a functional Keras model with one GlobalAveragePooling2D in front of its head.
        head: one of `models.HEADS`.
        num_classes: J, a positive int.
        features: where the head taps the trunk, as `build` has it; None: where the old one does.
        class_names: J names.
        dropout: rate in the head.
        routing_iterations: R of a capsule layer.
        scales: of XnODR's bits; see `layers.XnODR`.
        quantizer: of XnODR and XnIDR, as `build` has it.
        seed: of the new weights and the dropout.

    Raises:
        ValueError: an argument is out of its range.
        DataError: there is no such trunk, it has no such tap, or its channels are no capsules
            (multiples of 8).
    """
    name = next((known for known in registration.backbones() if _is_of(model, known)), None)
    entry = _entry(name) if name else _OTHER
    arguments.check(num_classes, "nearest", None, class_names, dropout, None)
    arguments.check_capsules(head, routing_iterations, scales, quantizer)
    end = trunk.find(model)
    tap = end if features is None else _tap(model, entry, features)
    linear = trunk.linear(model) if tap == end else None
    if linear is not None and (is_capsule_head(head) or not entry.capsule_features):
        tensor = linear.output
    else:
        tensor = _for_head(model.get_layer(tap).output, entry, head)
    if is_capsule_head(head) and tensor.shape[-1] % heads.PRIMARY_DIM:
        raise DataError(
            f"{model.name}: expected a trunk of a multiple of {heads.PRIMARY_DIM} channels for a "
            f"head of capsules. Received: {tensor.shape[-1]}."
        )
    before = {id(layer) for layer in model.layers}
    options = heads.HeadOptions(
        num_classes,
        dropout,
        entry.momentum,
        routing_iterations=routing_iterations,
        seed=seed,
        scales=scales,
        quantizer=quantizer,
    )
    scores = ClassScores(class_names, name="scores")(heads.attach(head, tensor, options))
    result = keras.Model(model.inputs, scores, name=f"{name or model.name}_{head}")
    seeding.initialize([layer for layer in result.layers if id(layer) not in before], seed)
    return result


def _tap(model: Any, entry: Backbone, features: str) -> str:
    """The name of the layer that a word of `names.FEATURES` means in a network."""
    found = efficientnet_lite.tap(model, features) if "features" in entry.options else None
    if found is None:
        raise DataError(
            f"{model.name}: expected features 'last_conv' with a network of "
            f"{', '.join(choices.RESIZING)} that has this convolution, 'last_block' with any of "
            f"them. Received: features={features!r}."
        )
    return found


def _is_of(model: Any, backbone: str) -> bool:
    """Whether `build` made the model, by its name."""
    return model.name in [f"{backbone}_{head}" for head in registration.heads()]


def imagenet_classifier(backbone: str) -> Any:
    """The network as it was trained on ImageNet: a backbone with its own 1,000-class top.

    Args:
        backbone: efficientnet_lite0, efficientnet_lite1 or efficientnet_lite2.

    Returns:
        A `keras.Model`: float32 `[B, S, S, 3]`, S of 224, 240, 260, pixels 0 to 255 -> softmax
        `[B, 1000]` in the order of ImageNet's classes (their WordNet numbers sorted).

    Raises:
        ValueError: the backbone is another one.
        DataError: the package with its weights is missing or damaged.
    """
    if backbone not in efficientnet_lite.SIZES:
        raise ValueError(
            f"imagenet_classifier: expected one of {', '.join(efficientnet_lite.SIZES)}. "
            f"Received: backbone={backbone!r}."
        )
    side = efficientnet_lite.SIZES[backbone].side
    model = build(backbone, "dense", (side, side, 3), 1000)
    weight_files.copy(efficientnet_weights.imagenet(backbone), model, f"the weights of {backbone}")
    return model


def _lookup(backbone: str, head: str) -> Backbone:
    if backbone not in registration.backbones():
        raise ValueError(
            f"build: expected backbone to be one of {', '.join(registration.backbones())}. "
            f"Received: backbone={backbone!r}; register_backbone adds others."
        )
    if head not in registration.heads():
        raise ValueError(
            f"build: expected head to be one of {', '.join(registration.heads())}. "
            f"Received: head={head!r}; register_head adds others."
        )
    return _entry(backbone)


def _entry(backbone: str) -> Backbone:
    """The entry of a name that is known."""
    return _BACKBONES.get(backbone) or _registered(backbone, registration.BACKBONES[backbone])


def _registered(name: str, entry: registration.OwnBackbone) -> Backbone:
    def build_own(image: Any, options: BackboneOptions) -> Features:
        tensor = entry.build(image)
        if not keras.backend.is_keras_tensor(tensor) or len(tensor.shape) != 4:
            raise ValueError(
                f"build: expected the backbone {name} to give a Keras tensor [B, h, w, c]. "
                f"Received: {tensor!r}."
            )
        return Features(tensor, keras.Model(image, tensor, name=name))

    return Backbone(build_own, entry.momentum)


def _check_options(backbone: str, entry: Backbone, **given: int | str | None) -> None:
    """Raises ValueError unless the backbone has the options that are given."""
    for name, value in given.items():
        if value is not None and name not in entry.options:
            able = ", ".join(key for key, known in _BACKBONES.items() if name in known.options)
            raise ValueError(
                f"build: expected {name} with one of {able} only. "
                f"Received: {name}={value!r}, backbone={backbone!r}."
            )


def _for_head(tensor: Any, entry: Backbone, head: str) -> Any:
    """The backbone's features with the channels that the head's capsules are made of."""
    if not entry.capsule_features or not is_capsule_head(head):
        return tensor
    return keras.layers.Conv2D(entry.capsule_features, 1, name="features")(tensor)


def _freeze(core: Any, entry: Backbone, freeze_tail: bool | int | None, loaded: bool) -> None:
    """Makes the backbone's last layers untrainable; their BatchNorms keep their averages."""
    if freeze_tail is None:
        freeze_tail = loaded
    count = entry.frozen_tail if freeze_tail is True else int(freeze_tail)
    if count:
        for layer in core.layers[-count:]:
            layer.trainable = False
