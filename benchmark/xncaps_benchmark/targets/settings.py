"""Settings of a target out of what the caller gave by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TypeVar

from xncaps_benchmark.errors import BenchmarkError

_S = TypeVar("_S")


def settings(kind: type[_S], target: str, given: Mapping[str, object]) -> _S:
    """The dataclass `kind`; what is None keeps its default.

    Raises:
        BenchmarkError: a name that it does not have; `target` is what the error begins with.
    """
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if odd := sorted(set(given) - known):
        raise BenchmarkError(f"{target}: expected some of {sorted(known)}. Received: {odd}.")
    return kind(**{name: value for name, value in given.items() if value is not None})
