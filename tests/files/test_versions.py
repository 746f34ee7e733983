from __future__ import annotations

from typing import Any

import pytest

from xncaps_files.errors import DataError
from xncaps_files.versions import upgrade

STEPS = (lambda content: [*content, "to 2"], lambda content: [*content, "to 3"])


@pytest.mark.parametrize(("found", "walked"), [(1, ["to 2", "to 3"]), (2, ["to 3"]), (3, [])])
def test_an_old_content_walks_every_step_to_the_newest(found: int, walked: list[str]) -> None:
    assert upgrade([], found, STEPS, "x") == walked


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (4, "x: expected format_version 1 to 3. Received: 4; a newer xncaps wrote it"),
        (0, "x: expected a format_version of 1 or more. Received: 0"),
        ("2", "Received: '2'"),
        (True, "Received: True"),
        (1.0, "Received: 1.0"),
        (None, "Received: None"),
    ],
)
def test_what_is_no_known_version_is_refused(found: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        upgrade([], found, STEPS, "x")
