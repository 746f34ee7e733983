"""Errors that a user can mend; the command line prints them in one line and exits with 1."""

from __future__ import annotations

from xncaps_files.errors import DataError as DataError
from xncaps_files.errors import XncapsError as XncapsError


class ConversionError(XncapsError, RuntimeError):
    """A model cannot be converted as asked, or the converter's result is not what was promised."""


class VerificationError(XncapsError, RuntimeError):
    """A converted file does not compute what the Keras model computes, within the stated bounds."""


class TrainingError(XncapsError, RuntimeError):
    """A run cannot be started, resumed or finished as asked."""
