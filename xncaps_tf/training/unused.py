"""Options that somebody has given and that a training would not look at. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from xncaps_tf.data.catalogue import PICTURES

if TYPE_CHECKING:
    from xncaps_tf.training.config import TrainConfig

_OF_A_NEW_BACKBONE = ("backbone", "weights", "freeze_tail", "upsampling", "resizing")
_OF_A_NEW_HEAD = ("head", "dropout", "scales", "quantizer", "routing_iterations")
_UPSAMPLED = ("mobilenet_v2", "resnet50")
_OF_A_TEACHER = ("teacher_weight", "teacher_temperature")
_OF_CYCLES = ("cycle_steps", "base_learning_rate")


def unused(config: TrainConfig, given: Collection[str]) -> Iterator[str]:
    """A sentence for each option that changes nothing, the first of them first.

    Args:
        config: of the training, with what was given in it.
        given: names of the fields that were given; a default that goes unused is no fault.
    """
    for name in given:
        reason = _why(config, name)
        if reason:
            yield f"expected no --{name.replace('_', '-')} here: {reason}"


def _why(config: TrainConfig, name: str) -> str:
    """Why a field is not looked at; '' where it is."""
    if config.init is not None:
        if name in _OF_A_NEW_BACKBONE:
            return "the model of --init brings its backbone along."
        if name in _OF_A_NEW_HEAD and not config.new_head:
            return "the model of --init keeps its head; --new-head replaces it."
    if name == "upsampling" and config.backbone not in _UPSAMPLED:
        return f"it is inside {' and '.join(_UPSAMPLED)}, not {config.backbone}."
    if name in _OF_A_TEACHER and config.teacher is None:
        return "there is no --teacher."
    if name == "data_dir" and config.data == "digits":
        return "the digits come along; --data names the data set in the folder (folder: your own)."
    if name == "download" and config.download and config.data in (*PICTURES, "digits"):
        return f"nothing downloads {config.data}; docs/data.md says where its files are from."
    return _why_in_phases(config, name)


def _why_in_phases(config: TrainConfig, name: str) -> str:
    if config.phases and all(name in phase for phase in config.phases):
        return "each phase has a value of its own."
    phases = config.phase_configs()
    if name == "feature_cache" and not any(phase.freeze_backbone for phase in phases):
        return "it keeps what --freeze-backbone computes."
    if name == "backbone_learning_rate" and all(phase.freeze_backbone for phase in phases):
        return "--freeze-backbone keeps those weights as they are."
    if name == "momentum" and not any(phase.optimizer == "sgd" for phase in phases):
        return "it is of --optimizer sgd."
    if name in _OF_CYCLES and not any(phase.schedule == "triangular2" for phase in phases):
        return "it is of --schedule triangular2."
    if name == "warmup_steps" and all(phase.schedule == "triangular2" for phase in phases):
        return "--schedule triangular2 has no warm-up."
    return ""
