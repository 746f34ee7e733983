"""JSON of strangers."""

from __future__ import annotations

import pytest

from xncaps_files import strict_json


def test_json_is_read() -> None:
    assert strict_json.loads('{"a": [1, -2.5, null, "x", 18446744073709551615]}') == {
        "a": [1, -2.5, None, "x", 2**64 - 1]
    }
    assert strict_json.loads(b"true") is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Expecting property name"),
        ("NaN", "NaN is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        ("1e999", "1e999 is larger than any number"),
        ("-" + "9" * 400, "a number of 401 digits"),
        ("9" * 10_000, "a number of 10000 digits"),
        ("18446744073709551616", "a number of 20 digits"),
        ("[" * 200_000, "nested too deeply"),
    ],
    ids=lambda value: value[:12],
)
def test_what_numbers_cannot_hold_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        strict_json.loads(text)
