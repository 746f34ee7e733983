"""Errors that a user can mend; the command line prints them in one line and exits with 1."""

from __future__ import annotations


class XncapsError(Exception):
    """A user's mistake: '<who>: expected <what>. Received: <what came>. <fix>'."""


def one_line(error: BaseException) -> str:
    """What somebody else's error says, without line breaks; its kind where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


class DataError(XncapsError, ValueError):
    """A data set, file or folder is missing, damaged or of another kind than was expected."""
