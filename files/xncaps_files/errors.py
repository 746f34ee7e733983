"""Errors that a user can mend; the command line prints them in one line and exits with 1."""

from __future__ import annotations


class XncapsError(Exception):
    """A user's mistake: '<who>: expected <what>. Received: <what came>. <fix>'."""


class DataError(XncapsError, ValueError):
    """A data set, file or folder is missing, damaged or of another kind than was expected."""
