"""Results of older formats in the words of today's: one step a version, applied in a row.

A reader never refuses what an earlier version wrote; specimens lie in tests/golden/formats. A step
says of what was not recorded then that it is not known; it computes no new numbers.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from xncaps_benchmark.errors import ResultError
from xncaps_benchmark.json_values import Object, is_list, is_object
from xncaps_files import versions
from xncaps_files.errors import DataError

Step = Callable[[Object], Object]


def upgraded(result: Any, where: str) -> Any:
    """The result in today's format; what is no result of ours is left to the schema.

    Raises:
        ResultError: a newer version wrote it, or its version is no number.
    """
    return _upgraded(result, _STEPS, where)


def upgraded_summary(summary: Any, where: str) -> Any:
    """The same of a FILE.summary.json."""
    return _upgraded(summary, _SUMMARY_STEPS, where)


def _upgraded(content: Any, steps: Sequence[Step], where: str) -> Any:
    if not is_object(content) or "format_version" not in content:
        return content
    try:
        return versions.upgrade(content, content["format_version"], steps, where)
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


_STEPS: tuple[Step, ...] = (_from_1,)
_SUMMARY_STEPS: tuple[Step, ...] = ()
VERSION = len(_STEPS) + 1
