"""Text of strangers on a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text without control characters, which could move the cursor or turn what follows round.

    Names come from files of strangers; what is no text becomes '?', a line break too.
    """
    return "".join(char if char.isprintable() else "?" for char in text)
