"""Errors that a user can mend; the command line prints them in one line and exits with 1."""

from __future__ import annotations

from xncaps_files.errors import XncapsError


class BenchmarkError(XncapsError):
    """Something does not fit: '<who>: expected <what>. Received: <what came>.'"""


class ModelError(BenchmarkError):
    """A model file, or what lies beside it, cannot be used."""


class ResultError(BenchmarkError):
    """A result file is not what the schema says."""


class TargetError(BenchmarkError):
    """The machine that should measure cannot be reached or is in no state to measure."""
