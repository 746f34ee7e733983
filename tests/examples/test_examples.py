"""The programs of examples/ do what they say."""

from __future__ import annotations

import pathlib
import runpy

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def test_own_network(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "own_network.py"))["main"](str(tmp_path))
    printed = capsys.readouterr().out
    assert "samples of digits/test, run by litert+xncaps" in printed and "accuracy" in printed
    assert (tmp_path / "own_network.tflite").stat().st_size > 10_000
    assert (tmp_path / "own_network.tflite.expected.npz").is_file()
