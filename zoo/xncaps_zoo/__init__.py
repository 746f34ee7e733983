"""Trained TFLite files, each with its card. Data only: this package imports the standard library.

>>> import xncaps_zoo
>>> all(xncaps_zoo.path(name).is_file() for name in xncaps_zoo.names())
True
"""

from __future__ import annotations

import json
import pathlib

from xncaps_zoo.card_types import Card

__version__ = "0.1.0"
__all__ = ["Card", "__version__", "card", "names", "path"]

FORMAT_VERSION = 1  # of card.json
_HERE = pathlib.Path(__file__).resolve().parent
_PLACES = (_HERE, _HERE.parent)  # as installed, in a checkout


def names() -> tuple[str, ...]:
    """Names of the files, sorted."""
    return tuple(sorted(_folders()))


def path(name: str) -> pathlib.Path:
    """The TFLite file of that name; NAME.expected.npz, labels.txt and card.json lie beside it.

    Raises:
        KeyError: there is none of that name.
    """
    return _folder(name) / f"{name}.tflite"


def card(name: str) -> Card:
    """What is known of the file: the object in its card.json.

    Raises:
        KeyError: there is none of that name.
        ValueError: the card is damaged, or of another version than this package reads.
    """
    file = _folder(name) / "card.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        version = found["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file}: expected a card. Received: {type(error).__name__}: {error}; install "
            "xncaps-zoo anew."
        ) from error
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{file}: expected format_version {FORMAT_VERSION}. Received: {version!r}; "
            "an xncaps-zoo of the card's own version reads it (pip install --upgrade xncaps-zoo)."
        )
    return found


def _folder(name: str) -> pathlib.Path:
    found = _folders()
    if name not in found:
        raise KeyError(
            f"xncaps_zoo: expected one of {', '.join(sorted(found)) or 'no files'}. "
            f"Received: {name!r}."
        )
    return found[name]


def _folders() -> dict[str, pathlib.Path]:
    return {
        card.parent.name: card.parent for place in _PLACES for card in place.glob("*/card.json")
    }
