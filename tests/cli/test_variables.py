"""`xncaps info` lists every environment variable that anything here looks at."""

from __future__ import annotations

import pathlib
import re

import pytest

from xncaps import variables

ROOT = pathlib.Path(__file__).resolve().parents[2]
_READS = re.compile(r"(?:environ(?:\.get|\.setdefault|\.pop)?[\[(]|getenv\()\s*\"([A-Z][A-Z_]+)\"")
_FOLDERS = ("cli", "xncaps_tf", "converters", "benchmark", "files", "native/python")
_NATIVE = ("native/delegate", "native/kernels")


def _read() -> set[str]:
    files = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.py")]
    files += [path for folder in _NATIVE for path in (ROOT / folder).rglob("*.cc")]
    return {name for path in files for name in _READS.findall(path.read_text(encoding="utf-8"))}


def test_every_variable_that_is_read_is_listed() -> None:
    read = _read()
    assert {"XNCAPS_ISA", "XNCAPS_LOG_DIR"} <= read  # the pattern finds them
    assert read <= set(variables.VARIABLES)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(name in read or name in makefile for name in variables.VARIABLES)


def test_what_is_set_shows_its_value_and_the_rest_what_it_would_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XNCAPS_ISA", "scalar")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    found = variables.settings()
    assert found["XNCAPS_ISA"] == "scalar"
    assert found["SOURCE_DATE_EPOCH"].startswith("not set (seconds since 1970")
