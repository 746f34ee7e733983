"""A converter's pages of MLIR as the one line that says what is wrong."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """The line with 'error:' in it, else the first; at most 300 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = next((line for line in lines if "error:" in line), lines[0] if lines else "")
    return f"{type(error).__name__}: {useful[-300:]}"
