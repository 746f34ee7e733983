"""Numbers as people read them."""

from __future__ import annotations


def time_text(microseconds: float | None) -> str:
    """3.21 µs, 321 µs, 3.21 ms, 321 ms, 3.21 s: three digits; a dash for what is not known."""
    if microseconds is None:
        return "–"
    for unit, size in (("µs", 1.0), ("ms", 1e3), ("s", 1e6)):
        value = microseconds / size
        if value < 999.5 or unit == "s":
            return f"{digits(value)} {unit}"
    raise ValueError(f"time_text: expected a number. Received: {microseconds}.")


def bytes_text(count: float) -> str:
    """1 KB is 1,000 bytes."""
    for unit, size in (("B", 1.0), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        value = count / size
        if value < 999.5 or unit == "GB":
            return f"{value:.0f} B" if unit == "B" else f"{digits(value)} {unit}"
    raise ValueError(f"bytes_text: expected a number. Received: {count}.")


def count_text(count: float) -> str:
    """1,234; 12.3 k; 3.75 M."""
    if count < 10_000:
        return f"{count:,.0f}"
    for unit, size in (("k", 1e3), ("M", 1e6), ("G", 1e9)):
        if count / size < 999.5 or unit == "G":
            return f"{digits(count / size)} {unit}"
    raise ValueError(f"count_text: expected a number. Received: {count}.")


def ratio_text(ratio: float) -> str:
    """'2.31x'."""
    return f"{digits(ratio)}x"


def digits(value: float) -> str:
    """Three digits that count."""
    if value >= 99.95:
        return f"{value:,.0f}"
    if value >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}"
