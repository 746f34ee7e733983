"""What must be said of a converted model, in words: `convert`, `inspect` and the report do."""

from __future__ import annotations

from typing import Any

from xncaps_converters.clone import flat_layers

XNIDR = "XnIDR: nothing bitpacked, its binarisation is of activations"


def notes_of(model: Any) -> list[str]:
    """The lines for a model, each once."""
    kinds = {type(layer).__name__ for layer in flat_layers(model)}
    return [XNIDR] if "XnIDR" in kinds else []
