"""The programs of examples/ do what they say."""

from __future__ import annotations

import pathlib
import re
import runpy

import numpy as np
import pytest
from PIL import Image

import xncaps
from xncaps_tf import models

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def test_own_network(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "own_network.py"))["main"](str(tmp_path))
    printed = capsys.readouterr().out
    assert "samples of digits/test, run by litert+xncaps" in printed
    found = re.search(r"accuracy +Keras ([0-9.]+)%", printed)
    assert found and float(found[1]) > 85, printed  # it learns: at chance it would be 10
    assert (tmp_path / "own_network.tflite").stat().st_size > 10_000
    assert (tmp_path / "own_network.tflite.expected.npz").is_file()


def test_distillation(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "distillation.py"))["main"](str(tmp_path), "3")
    *scores, last = capsys.readouterr().out.splitlines()[-4:]
    names = ["teacher", "student alone", "student taught"]
    assert [line.split("  ")[0].strip() for line in scores] == names
    accuracies = [float(line.rsplit(" ", 1)[1]) for line in scores]
    assert accuracies[0] > 0.9 and min(accuracies[1:]) > 0.5, scores
    assert "checked against Keras" in last
    assert (tmp_path / "student.tflite").stat().st_size < 20_000
    assert (tmp_path / "taught" / "teacher.npz").is_file()


def test_every_example_is_run_by_a_test() -> None:
    here = pathlib.Path(__file__).read_text(encoding="utf-8")
    cpp = (EXAMPLES.parent / "tests/runtime/test_install.py").read_text(encoding="utf-8")
    for file in sorted(EXAMPLES.rglob("*.*")):
        if "__pycache__" not in file.parts:
            assert file.name in here or "examples" in cpp and file.parent.name == "cpp", file


def test_board(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = models.build("small_cnn", "dense", (8, 8, 1), 3, class_names=("a", "b", "c"), seed=1)
    xncaps.convert(model, to="float", out=tmp_path / "m.tflite", verify=False)
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(tmp_path / "one.png")
    board = runpy.run_path(str(EXAMPLES / "board.py"))["main"]
    board(str(tmp_path / "m.tflite"), *[str(tmp_path / "one.png")] * 2)
    first, second, timing = capsys.readouterr().out.splitlines()
    assert first == second and set(first.split()[1::2]) == {"a", "b", "c"}
    assert "ms a picture" in timing


def test_photos_to_apk_without_a_jdk(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda word: None)
    runpy.run_path(str(EXAMPLES / "photos_to_apk.py"))["main"](str(tmp_path))
    printed = capsys.readouterr().out
    assert "no JDK, so no app" in printed and "accuracy" in printed
    assert (tmp_path / "photos.tflite").stat().st_size > 10_000
