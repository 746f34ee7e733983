"""What a page of the documentation is made of: prose, and blocks of code."""

from __future__ import annotations

import re
from typing import NamedTuple

_FENCE = re.compile(r" {0,3}```(\w*)")


class Part(NamedTuple):
    """A run of lines of one kind; code comes without its fences and its indentation."""

    is_code: bool
    language: str  # of a fenced block that names one
    text: str


def parts(text: str) -> list[Part]:
    """A page from top to bottom.

    An indented block begins behind an empty line; empty lines do not end it.
    """
    found = list[Part]()
    lines = list[str]()
    fenced: str | None = None  # the language of the fence that is open
    indented, free = False, True

    def close(is_code: bool, language: str = "") -> None:
        if joined := "\n".join(lines).strip("\n"):
            found.append(Part(is_code, language, joined))
        lines.clear()

    for line in text.splitlines():
        fence = _FENCE.match(line)
        if fenced is not None:
            if fence:
                close(True, fenced)
                fenced = None
            else:
                lines.append(line)
        elif fence:
            close(indented)
            fenced, indented = fence[1], False
        elif line.strip() and line.startswith("    ") == indented:
            lines.append(line[4:] if indented else line)
        elif line.strip() and (indented or free and line.startswith("    ")):
            close(indented)
            indented = not indented
            lines.append(line[4:] if indented else line)
        else:
            lines.append(line[4:] if indented else line)
        free = not line.strip()
    close(indented)
    return found


def blocks(text: str) -> list[str]:
    """The blocks of code alone, in order."""
    return [part.text.strip() for part in parts(text) if part.is_code and part.text.strip()]


def block_after(text: str, words: str) -> str:
    """The first block behind the first place of some words."""
    before, there, after = text.partition(words)
    assert there, f"the page does not say {words!r}"
    return blocks(after.partition("\n")[2])[0]
