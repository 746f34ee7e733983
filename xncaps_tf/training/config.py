"""What a training is: every choice that its result depends on, as one JSON file.

Imports no TensorFlow: the command line writes a run's config before it loads any.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xncaps_files import versions
from xncaps_tf import __version__
from xncaps_tf.data.catalogue import NAMES as DATA
from xncaps_tf.data.catalogue import PICTURES
from xncaps_tf.errors import DataError, TrainingError
from xncaps_tf.models import registration
from xncaps_tf.models.choices import BACKBONES, FEATURES, HEADS, QUANTIZERS, SCALES, UPSAMPLING
from xncaps_tf.training import options
from xncaps_tf.training.conflicts import conflicts
from xncaps_tf.training.options import choice, flag, integer, number, path, share
from xncaps_tf.training.options import phases as phases_field
from xncaps_tf.training.options import seed as seed_field

FORMAT_VERSION = 1
# From one version to the next; a field that is new with a default needs none.
_UPGRADES: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = ()
OPTIMIZERS = ("adam", "sgd")
LOSSES = ("margin", "squared_hinge", "crossentropy")
SCHEDULES = ("cosine", "constant", "triangular2")
STRATEGIES = ("none", "mirrored", "multi_worker")
AUGMENTATIONS = ("none", "shift", "affine", "affine_flip", "flip", "photo", "photo_strong")
# What an image of each data set may go through and still be of its class.
_AUGMENT_OF = {"mnist": "shift", "fashion_mnist": "shift", "cifar10": "affine_flip"}
_PLUGIN = "--plugin MODULE imports a module that adds it by models.{}"


def _is_positive(value: float) -> bool:
    return value > 0


@dataclass(frozen=True)
class TrainConfig:
    """A training, in full: the same config gives the same weights.

    Each field is described where it stands; `xncaps train --help` shows the same words. A training
    is one phase, or as many as `phases` has; each has this config's values but for its own.
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
    phases: tuple[Mapping[str, Any], ...] = phases_field(
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
    seed: int = seed_field("Of weights, order, augmentation, dropout and the hold-out.")
    save_steps: int = integer(0, 0, "Save inside epochs, too; 0: never.")
    feature_cache: str | None = path(
        "Folder for the features of frozen backbones, which runs may share.", empty="in the run"
    )
    strategy: str = choice("none", STRATEGIES, "Of tf.distribute.")
    threads: int = integer(0, 0, "Of TensorFlow's ops; 0: one a core.")

    def __post_init__(self) -> None:
        if isinstance(self.phases, list):  # as JSON has it
            object.__setattr__(self, "phases", tuple(self.phases))
        for name, option in options.of(type(self)).items():
            value = getattr(self, name)
            if not option.check(value):
                raise TrainingError(
                    f"TrainConfig: expected {name} to be {option.expected}. "
                    f"Received: {name}={value!r}" + (f"; {option.hint}." if option.hint else ".")
                )
        for conflict in conflicts(self):
            raise TrainingError(f"TrainConfig: {conflict}")
        self.phase_configs()

    def phase_configs(self) -> list[TrainConfig]:
        """The config of each phase, without phases of its own.

        Raises:
            TrainingError: a phase has a key that is no field, or is one of the whole training.
        """
        own = [name for name, option in options.of(type(self)).items() if option.in_phase]
        for index, phase in enumerate(self.phases, 1):
            if unknown := sorted(set(phase) - set(own)):
                raise TrainingError(
                    f"TrainConfig: expected keys of phase {index} among {', '.join(own)}. "
                    f"Received: {', '.join(map(repr, unknown))}."
                )
        if not self.phases:
            return [self]
        return [dataclasses.replace(self, phases=(), **phase) for phase in self.phases]

    def resolved(self) -> TrainConfig:
        """The same with absolute paths, and the augmentation and number of threads filled in.

        Of a run's folder, as --init or --teacher, its best model is meant.
        """
        return dataclasses.replace(
            self,
            data_dir=_absolute(self.data_dir),
            init=_model_file(self.init),
            teacher=_model_file(self.teacher),
            weights=self.weights if self.weights == "imagenet" else _absolute(self.weights),
            feature_cache=_absolute(self.feature_cache),
            augment=self.augment or self._usual_augment(),
            threads=self.threads or _cores(),
        )

    def _usual_augment(self) -> str:
        is_photographs = self.data in PICTURES and self.weights == "imagenet"
        return _AUGMENT_OF.get(self.data, "flip" if is_photographs else "none")

    def to_json(self) -> str:
        """A JSON text that `from_json` reads back as an equal config."""
        document = {
            "format_version": FORMAT_VERSION,
            "xncaps_version": __version__,
            **dataclasses.asdict(self),
        }
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str = "config") -> TrainConfig:
        """Reads a config; `source` names it in errors.

        Raises:
            TrainingError: not JSON, another format version, an unknown key or a value out of range.
        """
        try:
            # NaN is named by the field that has it.
            document: dict[str, Any] | None = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise TrainingError(f"{source}: expected a JSON object. Received: {error}.") from error
        if not isinstance(document, dict):
            raise TrainingError(
                f"{source}: expected a JSON object. Received: {type(document).__name__}."
            )
        found = document.pop("format_version", FORMAT_VERSION)
        try:
            document = versions.upgrade(document, found, _UPGRADES, source)
        except DataError as error:
            raise TrainingError(str(error)) from error
        document.pop("xncaps_version", None)
        return cls.from_mapping(document, source)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str = "config") -> TrainConfig:
        """A config of these values, defaults elsewhere; unknown names are errors."""
        names = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - names):
            raise TrainingError(
                f"{source}: expected keys among {', '.join(sorted(names))}. "
                f"Received: {', '.join(map(repr, unknown))}."
            )
        try:
            return cls(**values)
        except TrainingError as error:
            raise TrainingError(f"{source}: {error}") from None

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> TrainConfig:
        """Reads a config file."""
        try:
            text = pathlib.Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise TrainingError(f"{path}: expected a JSON text. Received: {error}.") from error
        return cls.from_json(text, str(path))


def _cores() -> int:
    """Cores this process may use (macOS and Windows cannot be asked for its affinity)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _absolute(path: str | None) -> str | None:
    return None if path is None else os.path.abspath(path)


def _model_file(path: str | None) -> str | None:
    """The path of a model file; of a run's folder that of its best model."""
    found = _absolute(path)
    is_run = found is not None and os.path.isfile(os.path.join(found, "config.json"))
    return os.path.join(str(found), "best.keras") if is_run else found
