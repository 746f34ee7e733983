"""JSON of strangers: what `json` alone lets through and numbers cannot hold is refused."""

from __future__ import annotations

import json
import math
from typing import Any

_MOST = 1 << 64  # of whole numbers: nothing that is counted or measured here comes near


def loads(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is no JSON, nested too deeply, or holds NaN, an infinity or a whole number
            that no float64 and no array holds.
    """
    try:
        return json.loads(text, parse_constant=_constant, parse_int=_whole, parse_float=_real)
    except RecursionError as error:
        raise ValueError("objects or lists nested too deeply") from error


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _whole(digits: str) -> int:
    value = int(digits) if len(digits) < 30 else _MOST
    if abs(value) >= _MOST:
        raise ValueError(f"a number of {len(digits)} digits")
    return value


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:30]} is larger than any number")
    return value
