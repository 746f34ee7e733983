"""What a training is: every choice that its result depends on, as one JSON file.

Imports no TensorFlow: the command line writes a run's config before it loads any.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xncaps_files import versions
from xncaps_tf import __version__
from xncaps_tf.data.names import NAMES as DATA
from xncaps_tf.data.names import PICTURES
from xncaps_tf.errors import DataError, TrainingError
from xncaps_tf.models.names import BACKBONES, HEADS, SCALES, UPSAMPLING

FORMAT_VERSION = 1
# From one version to the next; a field that is new with a default needs none.
_UPGRADES: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = ()
OPTIMIZERS = ("adam", "sgd")
LOSSES = ("margin", "squared_hinge", "crossentropy")
SCHEDULES = ("cosine", "constant", "triangular2")
STRATEGIES = ("none", "mirrored", "multi_worker")
AUGMENTATIONS = ("none", "shift", "affine", "affine_flip", "photo")
# What an image of each data set may go through and still be of its class.
_AUGMENT_OF = {"mnist": "shift", "fashion_mnist": "shift", "cifar10": "affine_flip"}


@dataclass(frozen=True)
class TrainConfig:
    """A training, in full: the same config gives the same weights.

    Attributes:
        backbone: one of `models.BACKBONES`.
        head: one of `models.HEADS`.
        data: name of a data set, one of `data.NAMES`.
        data_dir: folder with the data set's local files, or None.
        image_size: side of the square that a data set of pictures (`data.PICTURES`) is scaled to;
            None: that of the model to fine-tune, else as `data.load` chooses.
        download: whether the data set may be downloaded.
        init: a .keras or .h5 model to fine-tune; None builds backbone and head.
        weights: of the backbone: None, 'imagenet' or a file.
        freeze_tail: number of the backbone's last layers that are not trained; None: as published
            where `weights` is given, else none.
        upsampling: 'nearest' or 'bilinear'.
        dropout: rate of the head's dropout; None: as published.
        scales: of xnodr's bits: 'channel' (as published), 'capsule' or 'none'.
        epochs: number of passes over the training images.
        batch_size: images a step, over all replicas together.
        optimizer: 'adam' or 'sgd'.
        momentum: of sgd.
        learning_rate: the highest that the schedule reaches.
        loss: 'margin', 'squared_hinge' or 'crossentropy'.
        schedule: 'cosine' (linear warm-up, then half a cosine down to 0), 'constant' (after the
            warm-up) or 'triangular2'.
        warmup_steps: of linear warm-up, cosine and constant only; None: 150, but at most a tenth of
            all steps.
        cycle_steps: half a cycle of triangular2 in steps; None: two epochs.
        base_learning_rate: the lowest that triangular2 reaches; None: a tenth of `learning_rate`.
        augment: a word of `data.AUGMENTATIONS` or 'none'; None: 'shift' (up to 2 pixels) for mnist
            and fashion_mnist, 'affine_flip' for cifar10, 'none' for the others.
        validation: share of the training split that is held out, 0 <= share < 1; where the data
            set has a validation split of its own (`data.has_validation`), that split is the
            hold-out for any share above 0.
        patience: epochs without a better validation result before training ends; None: never.
        limit: train and validate on this many images of the training split only; None: all.
        drop_remainder: leave an epoch's last, smaller batch out (another one every epoch).
        seed: of weights, shuffling, augmentation, dropout and the hold-out.
        save_steps: state is saved every so many steps, besides at each epoch's end; 0: never.
        strategy: 'none', 'mirrored' or 'multi_worker'.
        threads: for TensorFlow's ops; 0 only before a run starts, which writes down the number.
    """

    backbone: str = "small_cnn"
    head: str = "xnodr"
    data: str = "digits"
    data_dir: str | None = None
    image_size: int | None = None
    download: bool = False
    init: str | None = None
    weights: str | None = None
    freeze_tail: int | None = None
    upsampling: str = "nearest"
    dropout: float | None = None
    scales: str = "channel"
    epochs: int = 6
    batch_size: int = 100
    optimizer: str = "adam"
    momentum: float = 0.9
    learning_rate: float = 2e-3
    loss: str = "margin"
    schedule: str = "cosine"
    warmup_steps: int | None = None
    cycle_steps: int | None = None
    base_learning_rate: float | None = None
    augment: str | None = None
    validation: float = 0.1
    patience: int | None = None
    limit: int | None = None
    drop_remainder: bool = True
    seed: int = 0
    save_steps: int = 0
    strategy: str = "none"
    threads: int = 0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            check, expected = _RULES[field.name]
            if not check(value):
                raise TrainingError(
                    f"TrainConfig: expected {field.name} to be {expected}. "
                    f"Received: {field.name}={value!r}."
                )
        if self.patience is not None and not self.validation:
            raise TrainingError(
                "TrainConfig: expected validation above 0 where patience is given, since early "
                f"stopping looks at the hold-out. Received: patience={self.patience}, validation=0."
            )
        if self.image_size is not None and self.data not in PICTURES:
            raise TrainingError(
                f"TrainConfig: expected image_size with one of {', '.join(PICTURES)}, the others "
                f"have one of their own. Received: image_size={self.image_size}, "
                f"data={self.data!r}."
            )
        if self.scales != "channel" and (self.head != "xnodr" or self.init is not None):
            raise TrainingError(
                "TrainConfig: expected scales with a new head xnodr, whose bits have them. "
                f"Received: scales={self.scales!r}, head={self.head!r}, init={self.init!r}."
            )
        if self.strategy != "none" and not self.drop_remainder:
            raise TrainingError(
                "TrainConfig: expected drop_remainder under a strategy, whose replicas get equal "
                f"shares. Received: strategy={self.strategy!r}, drop_remainder=False."
            )

    def resolved(self) -> TrainConfig:
        """The same with absolute paths, and the augmentation and number of threads filled in."""
        return dataclasses.replace(
            self,
            data_dir=_absolute(self.data_dir),
            init=_absolute(self.init),
            weights=self.weights if self.weights == "imagenet" else _absolute(self.weights),
            augment=self.augment or _AUGMENT_OF.get(self.data, "none"),
            threads=self.threads or _cores(),
        )

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
            document = json.loads(text)
        except ValueError as error:
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


Rule = tuple[Callable[[Any], bool], str]


def _one_of(names: tuple[str, ...]) -> Rule:
    return lambda value: isinstance(value, str) and value in names, "one of " + ", ".join(names)


def _integer(least: int, optional: bool = False) -> Rule:
    def check(value: Any) -> bool:
        if value is None:
            return optional
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    return check, f"an int of {least} or more" + (" or null" if optional else "")


def _number(test: Callable[[float], bool], text: str, optional: bool = False) -> Rule:
    def check(value: Any) -> bool:
        if value is None:
            return optional
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and test(value)

    return check, f"a number {text}" + (" or null" if optional else "")


_PATH: Rule = (
    lambda value: value is None or (isinstance(value, str) and bool(value) and "\0" not in value),
    "a path or null",
)
_BOOL: Rule = (lambda value: isinstance(value, bool), "true or false")
_SHARE = (lambda value: 0 <= value < 1, "with 0 <= number < 1")

_RULES: dict[str, Rule] = {
    "backbone": _one_of(BACKBONES),
    "head": _one_of(HEADS),
    "data": _one_of(DATA),
    "data_dir": _PATH,
    "image_size": _integer(8, optional=True),
    "download": _BOOL,
    "init": _PATH,
    "weights": _PATH,
    "freeze_tail": _integer(0, optional=True),
    "upsampling": _one_of(UPSAMPLING),
    "dropout": _number(*_SHARE, optional=True),
    "scales": _one_of(SCALES),
    "epochs": _integer(1),
    "batch_size": _integer(1),
    "optimizer": _one_of(OPTIMIZERS),
    "momentum": _number(*_SHARE),
    "learning_rate": _number(lambda value: value > 0, "above 0"),
    "loss": _one_of(LOSSES),
    "schedule": _one_of(SCHEDULES),
    "warmup_steps": _integer(0, optional=True),
    "cycle_steps": _integer(1, optional=True),
    "base_learning_rate": _number(lambda value: value >= 0, "of 0 or more", optional=True),
    "augment": (
        lambda value: value is None or (isinstance(value, str) and value in AUGMENTATIONS),
        f"one of {', '.join(AUGMENTATIONS)} or null",
    ),
    "validation": _number(*_SHARE),
    "patience": _integer(1, optional=True),
    "limit": _integer(1, optional=True),
    "drop_remainder": _BOOL,
    "seed": (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31,
        "an int from 0 to 2147483647",
    ),
    "save_steps": _integer(0),
    "strategy": _one_of(STRATEGIES),
    "threads": _integer(0),
}
