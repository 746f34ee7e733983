"""The scripts in bench/ as modules."""

from __future__ import annotations

import importlib
import pathlib
from types import ModuleType

import pytest

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "bench"


def load(name: str) -> ModuleType:
    """bench/NAME.py; what it puts into the environment for its own process is undone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        patch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")  # what the package sets where it is unset
        return importlib.import_module(name)
