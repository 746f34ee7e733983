"""The built APK that several tests look into; whole builds take half a minute."""

from __future__ import annotations

import importlib.util
import pathlib
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "android_demo/tools"))


@pytest.fixture
def build_command() -> types.ModuleType:
    """tools/build.py as a module of its own."""
    file = ROOT / "android_demo/tools/build.py"
    spec = importlib.util.spec_from_file_location("android_build", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["android_build"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, list[str]]:
    """(folder with app.apk and the steps' files in work/, what the gates said)."""
    from xncaps_android import apk

    folder = tmp_path_factory.mktemp("apk")
    model = ROOT / "android_demo/models/digits.tflite"
    report = apk.build([model], folder / "app.apk", label="Tom's digits", work=folder / "work")
    return folder, report
