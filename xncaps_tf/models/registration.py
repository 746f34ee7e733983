"""Backbones and heads of people's own, beside the built-in ones. Imports no TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from xncaps_tf.models import choices
from xncaps_tf.models.interfaces import HeadOptions

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class OwnBackbone:
    """What `register_backbone` was given."""

    build: Callable[[Any], Any]
    momentum: float


@dataclass(frozen=True)
class OwnHead:
    """What `register_head` was given."""

    build: Callable[[Any, HeadOptions], Any]
    is_capsules: bool


_Entry = TypeVar("_Entry", OwnBackbone, OwnHead)

BACKBONES: dict[str, OwnBackbone] = {}
HEADS: dict[str, OwnHead] = {}


def register_backbone(name: str, build: Callable[[Any], Any], *, momentum: float = 0.9) -> None:
    """Adds a backbone of your own, for `build`, `TrainConfig` and the command line.

    The command line knows it where `--plugin MODULE` imports the module that calls this.

    Args:
        name: small letters, digits and `_`; no built-in backbone's.
        build: a function of the image, a Keras tensor `[B, H, W, C]` of pixels 0 to 255, to the
            features, a Keras tensor `[B, h, w, c]`; c a multiple of 8 for the capsule heads.
            Layers of your own have to be registered with Keras, or saved models cannot be read.
        momentum: of the head's BatchNorms.

    Raises:
        ValueError: the name is no such word or taken by another function, `build` is no function
            or the momentum is not in [0, 1).
    """
    _check("register_backbone", name, build, choices.BACKBONES, BACKBONES)
    if not 0 <= momentum < 1:
        raise ValueError(
            f"register_backbone: expected momentum in [0, 1). Received: momentum={momentum!r}."
        )
    BACKBONES[name] = OwnBackbone(build, momentum)


def register_head(
    name: str, build: Callable[[Any, HeadOptions], Any], *, is_capsules: bool = False
) -> None:
    """Adds a head of your own, for `build`, `TrainConfig` and the command line.

    Args:
        name: small letters, digits and `_`; no built-in head's.
        build: a function of the features, a Keras tensor `[B, h, w, c]`, and a
            `models.HeadOptions` to the scores, a Keras tensor `[B, J]`. With a
            GlobalAveragePooling2D in it the backbone can be frozen (`freeze_backbone`) and the head
            be replaced (`new_head`).
        is_capsules: whether it is made of capsules: the backbone's channels are then a multiple
            of 8, as for the built-in ones.

    Raises:
        ValueError: the name is no such word or taken by another function, or `build` is no
            function.
    """
    _check("register_head", name, build, choices.HEADS, HEADS)
    HEADS[name] = OwnHead(build, is_capsules)


def backbones() -> tuple[str, ...]:
    """The names of all backbones, the built-in ones first."""
    return (*choices.BACKBONES, *BACKBONES)


def heads() -> tuple[str, ...]:
    """The names of all heads, the built-in ones first."""
    return (*choices.HEADS, *HEADS)


def _check(
    who: str, name: Any, build: Any, built_in: tuple[str, ...], known: dict[str, _Entry]
) -> None:
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise ValueError(
            f"{who}: expected a name of small letters, digits and _. Received: name={name!r}."
        )
    if not callable(build):
        raise ValueError(f"{who}: expected build to be a function. Received: build={build!r}.")
    # The same function again is a module that is run again, in a notebook.
    is_other = name in known and _origin(known[name].build) != _origin(build)
    if name in built_in or is_other:
        raise ValueError(
            f"{who}: expected a name that is not taken. Received: name={name!r}; choose another."
        )


def _origin(function: Any) -> tuple[Any, Any]:
    return getattr(function, "__module__", None), getattr(function, "__qualname__", function)
