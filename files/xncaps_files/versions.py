"""Versions of formats: a reader looks at the number first, and brings old contents up to date.

Every format of ours counts from 1. Its reader has a tuple of steps, the first from version 1 to 2,
the second from 2 to 3, so that contents of any version that was ever released are read by one piece
of code: the newest's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from xncaps_files.errors import DataError

Content = TypeVar("Content")


def upgrade(
    content: Content, found: object, steps: Sequence[Callable[[Content], Content]], where: str
) -> Content:
    """The content in the newest version, which is one more than there are steps.

    Args:
        content: as it was read.
        found: the version that it states.
        steps: each from one version to the next.
        where: what the error begins with.

    Raises:
        DataError: no version, or one that is newer than this reader.
    """
    newest = len(steps) + 1
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise DataError(
            f"{where}: expected a format_version of 1 or more. Received: {found!r:.50}."
        )
    if found > newest:
        raise DataError(
            f"{where}: expected format_version {_range(newest)}. Received: {found}; a newer xncaps "
            "wrote it and can read it."
        )
    for step in steps[found - 1 :]:
        content = step(content)
    return content


def _range(newest: int) -> str:
    return "1" if newest == 1 else f"1 to {newest}"
