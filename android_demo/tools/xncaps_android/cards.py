"""What the zoo knows of a model file, as the app's Models screen shows it."""

from __future__ import annotations

import json
import pathlib
from typing import Any

from xncaps_android.common import BuildError

_TEXTS = ("data", "licence", "notice")


def card(model_file: pathlib.Path) -> dict[str, Any] | None:
    """NAME.card.json beside NAME.tflite: accuracy (0 to 1), data, licence, notice.

    None where there is none.

    Raises:
        BuildError: it is there, and says something else.
    """
    file = model_file.with_suffix(".card.json")
    if not file.is_file():
        return None
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BuildError(f"{file}: expected JSON, got {error}") from None
    if not isinstance(told, dict):
        raise BuildError(f"{file}: expected an object")
    kept = {name: told[name] for name in _TEXTS if isinstance(told.get(name), str)}
    accuracy = told.get("accuracy")
    if isinstance(accuracy, (int, float)) and not isinstance(accuracy, bool):
        if not 0 <= accuracy <= 1:
            raise BuildError(f"{file}: accuracy: expected 0 to 1, got {accuracy}")
        kept["accuracy"] = accuracy
    return kept
