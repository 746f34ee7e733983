"""Options: fields of a config that carry their range and their words. No TensorFlow.

A field made here is checked when a config is made, explained in `xncaps train --help` and turned
into an option of the command line, all from this one description.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

_KEY = "option"


@dataclass(frozen=True)
class Option:
    """What a field may be and what it is for.

    Attributes:
        help: a sentence or two for a person.
        kind: 'choice', 'int', 'float', 'flag', 'path', 'text' or 'phases'.
        check: whether a value is in the range.
        expected: the range in words, for errors.
        choices: of a 'choice'.
        least, most: of an 'int'.
        empty: what the default of None stands for, in words.
        off: of a 'flag' that is on by default: the word that turns it off.
        in_phase: whether a phase of a training may have a value of its own.
        hint: what to do about a value out of the range, for errors.
    """

    help: str
    kind: str
    check: Callable[[Any], bool]
    expected: str
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    empty: str = ""
    off: str = ""
    in_phase: bool = False
    hint: str = ""


def of(config: type) -> dict[str, Option]:
    """The options of a config's class, by the names of its fields."""
    return {field.name: field.metadata[_KEY] for field in dataclasses.fields(config)}


def _field(default: Any, option: Option) -> Any:
    return dataclasses.field(default=default, metadata={_KEY: option})


def choice(
    default: str | None,
    choices: tuple[str, ...],
    help: str,
    *,
    known: Callable[[], tuple[str, ...]] | None = None,
    **more: Any,
) -> Any:
    """One of some words, or of those that `known` gives; or None where that is the default."""

    def check(value: Any) -> bool:
        words = known() if known else choices
        return (value is None and default is None) or (isinstance(value, str) and value in words)

    expected = f"one of {', '.join(choices)}" + _or_null(default)
    return _field(default, Option(help, "choice", check, expected, choices=choices, **more))


def integer(default: int | None, least: int, help: str, **more: Any) -> Any:
    """An int of `least` or more; or None where that is the default."""

    def check(value: Any) -> bool:
        if value is None:
            return default is None
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    expected = f"an int of {least} or more" + _or_null(default)
    return _field(default, Option(help, "int", check, expected, least=least, **more))


def number(
    default: float | None, test: Callable[[float], bool], text: str, help: str, **more: Any
) -> Any:
    """A finite number that passes `test`; or None where that is the default."""

    def check(value: Any) -> bool:
        if value is None:
            return default is None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and test(value)

    return _field(
        default, Option(help, "float", check, f"a number {text}" + _or_null(default), **more)
    )


def share(default: float | None, help: str, **more: Any) -> Any:
    """A number from 0 on and below 1."""
    return number(default, lambda value: 0 <= value < 1, "with 0 <= number < 1", help, **more)


def flag(default: bool, help: str, **more: Any) -> Any:
    """True or False."""
    return _field(
        default,
        Option(help, "flag", lambda value: isinstance(value, bool), "true or false", **more),
    )


def path(help: str, *, kind: str = "path", **more: Any) -> Any:
    """A path (or, of the kind 'text', a word in its place) or None."""

    def check(value: Any) -> bool:
        return value is None or (isinstance(value, str) and bool(value) and "\0" not in value)

    return _field(None, Option(help, kind, check, "a path or null", **more))


def seed(help: str) -> Any:
    """An int of 31 bits."""

    def check(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31

    expected = "an int from 0 to 2147483647"
    return _field(0, Option(help, "int", check, expected, least=0, most=2**31 - 1))


def phases(help: str) -> Any:
    """A tuple of mappings, each of values that a phase has for itself."""

    def check(value: Any) -> bool:
        return isinstance(value, tuple) and all(map(_is_object, cast("tuple[Any, ...]", value)))

    return _field((), Option(help, "phases", check, "a list of objects"))


def _is_object(value: Any) -> bool:
    keys = cast("Mapping[Any, Any]", value) if isinstance(value, Mapping) else (None,)
    return all(isinstance(key, str) for key in keys)


def parse_phase(text: str) -> dict[str, object]:
    """'epochs=3,freeze-backbone=true' as values: JSON where it is any, else a word.

    Raises:
        ValueError: a part is not NAME=VALUE.
    """
    values: dict[str, object] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not (name and equals and value):
            raise ValueError(f"expected NAME=VALUE,NAME=VALUE. Received: {part!r}")
        try:
            values[name.replace("-", "_")] = json.loads(value)
        except ValueError:
            values[name.replace("-", "_")] = value
    return values


def _or_null(default: Any) -> str:
    return " or null" if default is None else ""
