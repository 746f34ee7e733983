"""Every example in a docstring of ours gives what it says."""

from __future__ import annotations

import doctest
import importlib
import pathlib
import shutil
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDERS = {
    "xncaps": "cli",
    "xncaps_tf": ".",
    "xncaps_converters": "converters",
    "xncaps_benchmark": "benchmark",
    "xncaps_runtime": "native/python",
    "xncaps_files": "files",
    "xncaps_zoo": "zoo",
}


def _modules() -> list[str]:
    """The modules with an example; a `model.tflite` lies where they run."""
    found = []
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder / package).rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8"):
                parts = path.relative_to(ROOT / folder).with_suffix("").parts
                found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


@pytest.mark.parametrize("name", _modules())
def test_examples_give_what_they_say(
    name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import xncaps_tf
    from xncaps_tf._keras import keras, tf

    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "android_demo" / "models" / "digits.tflite", tmp_path / "model.tflite")
    module = importlib.import_module(name)
    names = {"np": np, "tf": tf, "keras": keras, "xncaps_tf": xncaps_tf}
    for submodule in ("accounting", "data", "layers", "losses", "models", "ops"):
        names[submodule] = getattr(xncaps_tf, submodule)
    result = doctest.testmod(
        sys.modules[module.__name__],
        extraglobs=names,
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
    )
    assert not result.failed


def test_there_are_examples() -> None:
    assert len(_modules()) >= 10
