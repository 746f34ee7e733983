"""What can go wrong with the runtime itself; a bad model raises the interpreter's own errors."""

from __future__ import annotations

from xncaps_files.errors import XncapsError


class RuntimeLibraryError(XncapsError):
    """The delegate's library is missing, cannot be loaded or refuses an option."""
