"""The README's examples do what they say, in a fresh process and an empty folder."""

from __future__ import annotations

import pathlib
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


@pytest.mark.parametrize("link", ["docs/guide.md", "docs/maths.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(root: pathlib.Path, link: str) -> None:
    assert f"({link})" in (root / "README.md").read_text(encoding="utf-8")
    assert (root / link).is_file()
