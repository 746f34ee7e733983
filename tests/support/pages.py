"""The code that a page of the documentation shows."""

from __future__ import annotations


def blocks(text: str) -> list[str]:
    """The fenced and the indented blocks of a page, in order, without fences and indentation.

    An indented block begins behind an empty line; empty lines do not end it.
    """
    found, block, is_fenced, is_free = list[str](), list[str](), False, True
    for line in [*text.splitlines(), "end"]:
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif is_fenced or (line.startswith("    ") and (block or is_free)) or not line.strip():
            block.append(line if is_fenced else line[4:])
        elif block:
            found.append("\n".join(block).strip())
            block = []
        is_free = not line.strip()
    return [code for code in found if code]


def block_after(text: str, words: str) -> str:
    """The first block behind the first place of some words."""
    before, there, after = text.partition(words)
    assert there, f"the page does not say {words!r}"
    return blocks(after.partition("\n")[2])[0]
