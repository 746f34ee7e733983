"""Small real TFLite files, written without TensorFlow: a classifier of scikit-learn's digits."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest

from adb_lab import lab, tool  # noqa: F401 (fixtures)
from benchmark_files import Digits, train
from ssh_lab import board, dist, sshd  # noqa: F401 (fixtures)


@pytest.fixture(scope="session")
def digits() -> Digits:
    """A linear classifier of 8x8 digits with its test rows."""
    return train()


@pytest.fixture
def model(tmp_path: pathlib.Path, digits: Digits) -> Callable[..., pathlib.Path]:
    """model('name', expected=True, classes=..., ...) -> path of a .tflite in tmp_path."""

    def make(
        name: str = "linear",
        *,
        expected: bool = True,
        wrong: float = 0.0,
        custom: str | None = None,
        hidden: int = 0,
        batch: int = 1,
    ) -> pathlib.Path:
        path = tmp_path / f"{name}.tflite"
        digits.write(path, custom=custom, hidden=hidden, batch=batch)
        if expected:
            digits.write_expected(path.with_suffix(".expected.npz"), shift=wrong)
        return path

    return make
