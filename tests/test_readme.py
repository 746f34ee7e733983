"""The README's examples do what they say, in a fresh process and an empty folder."""

from __future__ import annotations

import importlib.util
import pathlib
import shlex
import subprocess
import sys

import pytest

import pages


def _example(root: pathlib.Path) -> str:
    return pages.block_after((root / "README.md").read_text("utf-8"), "<!-- example: ")


def test_the_example_is_short(root: pathlib.Path) -> None:
    lines = [line for line in _example(root).splitlines() if line.strip()]
    assert len(lines) <= 20


def test_the_example_trains_and_converts(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _example(root)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "test:" in done.stdout
    assert (tmp_path / "xnodr.tflite").read_bytes()[4:8] == b"TFL3"


def _commands(root: pathlib.Path) -> list[list[str]]:
    block = pages.block_after((root / "README.md").read_text("utf-8"), "<!-- photographs: ")
    return [shlex.split(line) for line in block.replace("\\\n", " ").splitlines()]


def test_photographs_become_an_int8_file(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The README's commands, on 24 drawn pictures and two passes over them."""
    spec = importlib.util.spec_from_file_location("photos", root / "bench" / "photos.py")
    assert spec and spec.loader
    photos = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(photos)
    photos.draw(tmp_path / "photos", 2, 12)
    install, train, convert, build = _commands(root)
    assert install[:2] == ["pip", "install"]
    assert [train[:2], convert[:2], build[:3]] == [
        ["xncaps", "train"],
        ["xncaps", "convert"],
        ["xncaps", "android", "build"],
    ]
    small = [*train[1:], "--epochs", "12", "--batch-size", "8", "--threads", "2"]
    for arguments in (small, convert[1:], [*build[1:], "--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "xncaps", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=1500,
        )
        assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "photos.tflite").read_bytes()[4:8] == b"TFL3"
    assert (tmp_path / "photos.tflite").stat().st_size < 6.5e6


@pytest.mark.parametrize("link", ["docs/guide.md", "docs/maths.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(root: pathlib.Path, link: str) -> None:
    assert f"({link})" in (root / "README.md").read_text(encoding="utf-8")
    assert (root / link).is_file()
