"""Checks of arguments that several classes take."""

from __future__ import annotations


def check_threads(who: str, num_threads: object) -> None:
    """ValueError unless it is an int of 1 or more; `who` takes it."""
    if isinstance(num_threads, bool) or not isinstance(num_threads, int) or num_threads < 1:
        raise ValueError(
            f"{who}: expected num_threads >= 1. Received: num_threads={num_threads!r}."
        )
