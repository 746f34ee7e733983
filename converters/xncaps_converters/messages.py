"""A converter's pages of MLIR as the one line that says what is wrong."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps back what TensorFlow warns of while it saves a model that was never compiled."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def first_line(error: BaseException) -> str:
    """The line with 'error:' in it, else the first; at most 300 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = next((line for line in lines if "error:" in line), lines[0] if lines else "")
    return f"{type(error).__name__}: {useful[-300:]}"
