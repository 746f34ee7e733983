"""The choices of a training: each with its default, its range and its words, in one place.

Imports no TensorFlow: the command line makes its options of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xncaps_tf.data.catalogue import NAMES as DATA
from xncaps_tf.models import registration
from xncaps_tf.models.choices import BACKBONES, FEATURES, HEADS, QUANTIZERS, SCALES, UPSAMPLING
from xncaps_tf.training.options import choice, flag, integer, number, path, phases, seed, share

OPTIMIZERS = ("adam", "sgd")
LOSSES = ("margin", "squared_hinge", "crossentropy")
SCHEDULES = ("cosine", "constant", "triangular2")
STRATEGIES = ("none", "mirrored", "multi_worker")
AUGMENTATIONS = ("none", "shift", "affine", "affine_flip", "flip", "photo", "photo_strong")
_PLUGIN = "--plugin MODULE imports a module that adds it by models.{}"


def _is_positive(value: float) -> bool:
    return value > 0


@dataclass(frozen=True)
class TrainFields:
    """Every choice that a training's result depends on; `TrainConfig` checks them.

    Each field is described where it stands; `xncaps train --help` shows the same words.
    """

    backbone: str = choice(
        "small_cnn",
        BACKBONES,
        "What comes before the head.",
        known=registration.backbones,
        hint=_PLUGIN.format("register_backbone"),
    )
    head: str = choice(
        "xnodr",
        HEADS,
        "From the backbone's features to one score a class.",
        known=registration.heads,
        hint=_PLUGIN.format("register_head"),
    )
    data: str = choice("digits", DATA, "The data set.")
    data_dir: str | None = path("Folder with the data set's files.")
    image_size: int | None = integer(
        None,
        8,
        "Side of the square that pictures are scaled to.",
        empty="that of --init, else 224, or the size that all of a folder have",
    )
    download: bool = flag(False, "Download the data set if it is not there.")
    init: str | None = path("Train this model (.keras, .h5 or a run's folder) further.")
    new_head: bool = flag(False, "Replace the head of --init by a new --head.")
    weights: str | None = path(
        "Of the backbone: 'imagenet' or a file.", kind="text", empty="random"
    )
    freeze_tail: int | None = integer(
        None,
        0,
        "Last backbone layers not trained.",
        empty="as published where --weights are given, else 0",
    )
    features: str | None = choice(
        None,
        FEATURES,
        "Where the head taps efficientnet_lite0 to 2.",
        empty="last_conv; of --init its own",
    )
    resolution: int | None = integer(
        None,
        32,
        "Side that images are resized to inside efficientnet_lite0 to 2.",
        empty="224, 240, 260; of --init its own",
        in_phase=True,
    )
    resizing: str | None = choice(
        None,
        UPSAMPLING,
        "How images are resized inside efficientnet_lite0 to 2.",
        empty="bilinear; of --init its own",
    )
    upsampling: str = choice("nearest", UPSAMPLING, "Inside mobilenet_v2 and resnet50.")
    dropout: float | None = share(None, "Rate in the head.", empty="as published")
    scales: str = choice(
        "channel",
        SCALES,
        "Magnitudes beside xnodr's bits: one an output value (as published), a pair of capsules, "
        "or one in all.",
    )
    routing_iterations: int = integer(3, 1, "Turns of a capsule head's routing.")
    quantizer: str = choice(
        "caps_sign",
        QUANTIZERS,
        "Signs of xnodr and xnidr: -1 at zero (as published), or larq's +1, which cannot be fused.",
    )
    decoder: bool = flag(
        False,
        "Learn to draw the image again from its class's capsule, too; of images of up to 64x64x3. "
        "What is converted is the classifier alone.",
    )
    teacher: str | None = path("Learn the answers of this model (.keras, .h5, a run's folder) too.")
    teacher_weight: float = number(
        0.5,
        lambda value: 0 < value <= 1,
        "above 0 and at most 1",
        "Of its part of the loss; 1: its answers alone.",
    )
    teacher_temperature: float = number(
        2.0, _is_positive, "above 0", "The higher, the more its lesser scores count."
    )
    phases: tuple[Mapping[str, Any], ...] = phases(
        "A phase of the training with values of its own, such as epochs=3,freeze-backbone=true; "
        "give one option a phase."
    )
    freeze_backbone: bool = flag(
        False,
        "Train the head alone, on the backbone's features, which are computed once: of each "
        "picture and, where --augment mirrors, of its mirror image.",
        in_phase=True,
    )
    freeze_norms: bool = flag(
        False,
        "Let the backbone's BatchNorms use and keep the averages that they come with.",
        in_phase=True,
    )
    epochs: int = integer(6, 1, "Passes over the training images.", in_phase=True)
    batch_size: int = integer(100, 1, "Images a step, of all replicas together.", in_phase=True)
    optimizer: str = choice("adam", OPTIMIZERS, "How weights move.", in_phase=True)
    momentum: float = share(0.9, "Of sgd.", in_phase=True)
    learning_rate: float = number(
        2e-3, _is_positive, "above 0", "The highest of the schedule.", in_phase=True
    )
    backbone_learning_rate: float | None = number(
        None,
        _is_positive,
        "above 0",
        "The highest for the backbone's weights.",
        empty="--learning-rate",
        in_phase=True,
    )
    ema: float = share(
        0.0,
        "Average the weights over the steps with this decay (0.999, say): what is validated and "
        "saved are the averages. 0: none.",
        in_phase=True,
    )
    loss: str = choice("margin", LOSSES, "What is minimised.", in_phase=True)
    schedule: str = choice(
        "cosine", SCHEDULES, "Of the learning rate over a phase's steps.", in_phase=True
    )
    warmup_steps: int | None = integer(
        None,
        0,
        "Linear warm-up.",
        empty="cosine: 150 or a tenth of all steps; else 0",
        in_phase=True,
    )
    cycle_steps: int | None = integer(
        None, 1, "Half a cycle of triangular2.", empty="two epochs", in_phase=True
    )
    base_learning_rate: float | None = number(
        None,
        lambda value: value >= 0,
        "of 0 or more",
        "The lowest of triangular2.",
        empty="a tenth of --learning-rate",
        in_phase=True,
    )
    augment: str | None = choice(
        None,
        AUGMENTATIONS,
        "Random changes of the training images.",
        empty="shift for mnist and fashion_mnist, affine_flip for cifar10, flip for other "
        "photographs with ImageNet's weights, else none",
        in_phase=True,
    )
    validation: float = share(
        0.1,
        "Share of the training split held out: for best.keras and --patience; where the data set "
        "has a validation split of its own, any share above 0 stands for that one.",
    )
    patience: int | None = integer(
        None, 1, "Epochs without a new best to stop a phase after.", in_phase=True
    )
    limit: int | None = integer(None, 1, "Use so many training images only.")
    drop_remainder: bool = flag(
        True,
        "Leave out an epoch's last, smaller batch (other images each epoch).",
        off="keep-remainder",
    )
    seed: int = seed("Of weights, order, augmentation, dropout and the hold-out.")
    save_steps: int = integer(0, 0, "Save inside epochs, too; 0: never.")
    feature_cache: str | None = path(
        "Folder for the features of frozen backbones, which runs may share.", empty="in the run"
    )
    strategy: str = choice("none", STRATEGIES, "Of tf.distribute.")
    threads: int = integer(0, 0, "Of TensorFlow's ops; 0: one a core.")
