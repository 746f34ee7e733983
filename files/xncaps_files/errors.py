"""Errors that a user can mend; the command line prints them in one line and exits with 1."""

from __future__ import annotations


class XncapsError(Exception):
    """A user's mistake: '<who>: expected <what>. Received: <what came>. <fix>'."""


def one_line(error: BaseException) -> str:
    """What somebody else's error says, without line breaks; its kind where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def error_text(error: BaseException) -> str:
    """What an error says to a person; the system's own by the file's name, without its number."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: cannot be read or written: {error.strerror}."
    return str(error)


class DataError(XncapsError, ValueError):
    """A data set, file or folder is missing, damaged or of another kind than was expected."""
