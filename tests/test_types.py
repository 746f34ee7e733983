"""Every module of ours is checked by pyright in strict mode: `make types` runs it."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGES = (
    "xncaps_tf",
    "cli/xncaps",
    "converters/xncaps_converters",
    "benchmark/xncaps_benchmark",
    "native/python/xncaps_runtime",
    "files/xncaps_files",
    "zoo/xncaps_zoo",
)
# A package that is not installed here has no stubs either; anything else is an error.
SWITCHED_OFF = {"reportMissingModuleSource", "reportMissingImports"}


_LOOSE = re.compile(r"#\s*pyright:\s*(basic|standard|report)|#\s*(pyright|type): ignore(?!\[)")


def _rule() -> dict[str, Any]:
    """[tool.pyright]; its values are on one line each, and JSON."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    section = text.split("[tool.pyright]\n")[1].split("\n[")[0]
    lines = [line.split("  #")[0].split(" = ", 1) for line in section.splitlines() if line]
    return {name: json.loads(value) for name, value in lines}


def test_strict_mode_holds_for_every_package() -> None:
    rule = _rule()
    assert rule["typeCheckingMode"] == "strict"
    assert set(rule["include"]) == set(PACKAGES)
    assert not {"exclude", "ignore", "strict", "executionEnvironments"} & set(rule)
    off = {name for name, value in rule.items() if name.startswith("report") and value != "error"}
    assert off == SWITCHED_OFF


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_leaves_strict_mode(package: str) -> None:
    """Neither as a whole nor in a line that does not say which rule it breaks."""
    loose = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / package).rglob("*.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if _LOOSE.search(line)
    ]
    assert not loose, "\n".join(loose)
