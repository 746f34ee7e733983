"""What the zoo knows of a model file, as the app's Models screen shows it."""

from __future__ import annotations

import json
import pathlib
from typing import TypedDict

from xncaps_android.commands import BuildError

_FORMAT_VERSION = 1


class Card(TypedDict):
    """What the app shows of a file's card."""

    title: str
    accuracy: float
    images: int
    licence: str
    source: str


def card(model_file: pathlib.Path) -> Card | None:
    """Of the card.json beside a file of the zoo: title, accuracy (0 to 1) on how many images,
    whose these are and their licence.

    None where there is none, or where it is another file's.

    Raises:
        BuildError: it is there, and is no card.
    """
    file = model_file.with_name("card.json")
    if not file.is_file():
        return None
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if told["name"] != model_file.stem:
            return None
        if told["format_version"] != _FORMAT_VERSION:
            raise ValueError(f"format_version {told['format_version']!r}, not {_FORMAT_VERSION}")
        data, right = told["data"], told["accuracy"]["file"]
        kept: Card = {
            "title": str(told["title"]),
            "accuracy": float(right["accuracy"]),
            "images": int(right["images"]),
            "licence": str(data["licence"]),
            "source": str(data["source"]),
        }
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BuildError(f"{file}: expected a card of the zoo, got {error!r}") from None
    if not 0 <= kept["accuracy"] <= 1:
        raise BuildError(f"{file}: accuracy: expected 0 to 1, got {kept['accuracy']}")
    return kept
