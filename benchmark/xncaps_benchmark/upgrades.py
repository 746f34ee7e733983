"""Results of older formats in the words of today's: one step a version, applied in a row.

A reader never refuses what an earlier version wrote; specimens lie in tests/golden/formats. A step
says of what was not recorded then that it is not known; it computes no new numbers.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from xncaps_benchmark.errors import ResultError
from xncaps_benchmark.json_values import Object, is_list, is_object
from xncaps_files import versions
from xncaps_files.errors import DataError


def upgraded(result: Any, where: str) -> Any:
    """The result in today's format; what is no result of ours is left to the schema.

    Raises:
        ResultError: a newer version wrote it, or its version is no number.
    """
    if not is_object(result) or "format_version" not in result:
        return result
    try:
        return versions.upgrade(result, result["format_version"], _STEPS, where)
    except DataError as error:
        raise ResultError(str(error)) from error


def _from_1(old: Object) -> Object:
    """Version 2: an id, the commit, valid or not, intervals that are too narrow."""
    text = json.dumps(old, sort_keys=True, default=str)
    new: Object = {**old, "format_version": 2, "id": str(uuid.uuid5(uuid.NAMESPACE_OID, text))}
    if is_object(tool := old.get("tool")):
        new["tool"] = {"commit": None, **tool}
    unknown: dict[str, Object] = {
        "models": {"valid": None, "invalid_because": [], "measured_seconds": None},
        "ratios": {"block_turns": None, "blocks": None, "narrow": None},
    }
    for key, fields in unknown.items():
        if is_list(rows := old.get(key)):
            new[key] = [{**fields, **row} if is_object(row) else row for row in rows]
    return new


_STEPS: tuple[Callable[[Object], Object], ...] = (_from_1,)
VERSION = len(_STEPS) + 1
