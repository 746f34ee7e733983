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
from xncaps_tf.data.catalogue import PICTURES
from xncaps_tf.errors import DataError, TrainingError
from xncaps_tf.model_files import model_of
from xncaps_tf.training import options
from xncaps_tf.training.conflicts import conflicts
from xncaps_tf.training.fields import TrainFields

FORMAT_VERSION = 1
# From one version to the next; a field that is new with a default needs none.
_UPGRADES: tuple[Callable[[dict[str, object]], dict[str, object]], ...] = ()
# What an image of each data set may go through and still be of its class.
_AUGMENT_OF = {"mnist": "shift", "fashion_mnist": "shift", "cifar10": "affine_flip"}


@dataclass(frozen=True)
class TrainConfig(TrainFields):
    """A training, in full: the same config gives the same weights.

    Its fields are those of `TrainFields`, which describes them. A training is one phase, or as
    many as `phases` has; each has this config's values but for its own.

    Raises:
        TrainingError: a value is out of its range, or two exclude each other.
    """

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
            document: dict[str, object] | None = json.loads(text)
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
    return None if found is None else str(model_of(pathlib.Path(found)))
