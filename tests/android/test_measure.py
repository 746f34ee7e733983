"""What the app's Measure screen shares, taken by `xncaps report`."""

from __future__ import annotations

import pathlib

import pytest
from click.testing import CliRunner

from xncaps.main import cli
from xncaps_benchmark import measuring, results

SHARED = pathlib.Path(__file__).resolve().parents[2] / "android_demo/build/app-result.json"


@pytest.mark.slow
def test_the_shared_file_is_a_result_and_makes_a_page(tmp_path: pathlib.Path) -> None:
    """MeasureActivityTest keeps what another app was given; `make android-test` runs both."""
    assert SHARED.is_file(), f"expected {SHARED}: make android-test"
    found = measuring.judged(results.read_result(SHARED))
    digits, bad, mine = found["models"]
    assert digits["verification"]["status"] == "verified" and digits["custom_ops"]
    assert "its outputs are not verified" not in digits["invalid_because"]
    assert digits["runtime_us"] <= digits["latency"]["median_us"]
    assert digits["runtime"]["delegate_nodes"] == 1 and mine["runtime"]["delegate_nodes"] == 0
    assert bad["status"] == "failed" and "bad.tflite" in bad["error"]
    assert mine["invalid_because"][-1] == "its outputs are not verified"
    assert [row["model"] for row in found["ratios"]] == ["digits"]
    page = tmp_path / "page.html"
    done = CliRunner().invoke(cli, ["report", str(SHARED), "-o", str(page)])
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    for words in ("in the app", "on its own screen", "digits", "Android 14", "one process for all"):
        assert words in text, words
