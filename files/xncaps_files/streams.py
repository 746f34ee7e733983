"""The standard streams of a process."""

from __future__ import annotations

import os
import sys


def open_closed() -> None:
    """Gives a process that was started without them (`>&-`, a daemon) its three streams.

    The next files that it opens would take their descriptors, and its sys.stdout is None.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))
