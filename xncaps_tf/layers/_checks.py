"""Checks of layer arguments, with messages of one form."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import larq as lq


def positive_int(owner: str, name: str, value: Any) -> int:
    """`value` as an int; TypeError if it is none, ValueError if it is below 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{owner}: expected a positive int. Received: {name}={value!r}.")
    if value < 1:
        raise ValueError(f"{owner}: expected a positive int. Received: {name}={value!r}.")
    return int(value)


def one_of(owner: str, name: str, value: Any, words: Iterable[str]) -> str:
    """`value`, one of the words; TypeError if it is no str, ValueError if it is another one."""
    known = ", ".join(words)
    kind = TypeError if not isinstance(value, str) else ValueError
    if not isinstance(value, str) or value not in words:
        raise kind(f"{owner}: expected one of {known}. Received: {name}={value!r}.")
    return value


def quantizer(owner: str, name: str, value: Any) -> Any:
    """A quantizer from None, an object, a config or a registered name such as "caps_sign"."""
    if isinstance(value, type) or not (
        value is None or isinstance(value, (str, dict)) or callable(value)
    ):
        raise TypeError(
            f"{owner}: expected a quantizer (an instance, its config, a name such as 'caps_sign' "
            f"or None). Received: {name}={value!r}."
        )
    try:
        return lq.quantizers.get(value)
    except ValueError as error:
        raise ValueError(
            f"{owner}: expected a registered quantizer such as 'caps_sign', or None. "
            f"Received: {name}={value!r}; {error}"
        ) from error
