"""The checks of the arguments of `models.build`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xncaps_tf.models import choices

_LEAST_RESOLUTION = 32  # one position of features


def image_shape(input_shape: Sequence[int]) -> tuple[int, int, int]:
    """`input_shape` as a tuple; ValueError unless it is three positive ints."""
    shape: tuple[Any, ...] = tuple(input_shape)
    if len(shape) != 3 or not all(isinstance(side, int) and side > 0 for side in shape):
        raise ValueError(
            "build: expected input_shape to be (H, W, C), three positive ints. "
            f"Received: input_shape={input_shape!r}."
        )
    return shape[0], shape[1], shape[2]


def is_count(value: Any, least: int) -> bool:
    """Whether it is an int of `least` or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check(
    num_classes: int,
    upsampling: str,
    upsampling_factor: int | None,
    class_names: Sequence[str] | None,
    dropout: float | None,
    freeze_tail: bool | int | None,
) -> None:
    """Raises ValueError for the first argument that is out of its range."""
    _check_positive("num_classes", num_classes)
    _check_word("upsampling", upsampling, choices.UPSAMPLING)
    if upsampling_factor is not None and not is_count(upsampling_factor, 1):
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
    if not (freeze_tail is None or isinstance(freeze_tail, bool) or is_count(freeze_tail, 0)):
        raise ValueError(
            "build: expected freeze_tail to be a bool, an int of 0 or more, or None. "
            f"Received: freeze_tail={freeze_tail!r}."
        )


def check_sampling(resolution: int | None, features: str | None, resizing: str | None) -> None:
    """Raises ValueError for what no backbone can resize its images to, or tap."""
    if resolution is not None and not is_count(resolution, _LEAST_RESOLUTION):
        raise ValueError(
            f"build: expected resolution to be an int of {_LEAST_RESOLUTION} or more, or None. "
            f"Received: resolution={resolution!r}."
        )
    if features is not None:
        _check_word("features", features, choices.FEATURES)
    if resizing is not None:
        _check_word("resizing", resizing, choices.UPSAMPLING)


def check_capsules(head: str, routing_iterations: int, scales: str, quantizer: str) -> None:
    """Raises ValueError for what a head of that name does not have."""
    _check_positive("routing_iterations", routing_iterations)
    _check_word("quantizer", quantizer, choices.QUANTIZERS)
    if quantizer != "caps_sign" and head not in choices.BINARY_HEADS:
        raise ValueError(
            f"build: expected quantizer with one of the heads {', '.join(choices.BINARY_HEADS)}. "
            f"Received: quantizer={quantizer!r}, head={head!r}."
        )
    if scales != "channel" and head != "xnodr":
        raise ValueError(
            "build: expected scales with the head xnodr, whose bits have them. "
            f"Received: scales={scales!r}, head={head!r}."
        )


def _check_positive(name: str, value: Any) -> None:
    if not is_count(value, 1):
        raise ValueError(
            f"build: expected {name} to be a positive int. Received: {name}={value!r}."
        )


def _check_word(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(
            f"build: expected {name} to be one of {', '.join(known)}. Received: {name}={value!r}."
        )
