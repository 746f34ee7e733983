"""What `make board-result` writes, and the results that came in."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

from xncaps_benchmark.results import read_result

ROOT = pathlib.Path(__file__).resolve().parents[1]


def test_results_of_boards_are_of_the_schema() -> None:
    names = {path.name for path in (ROOT / "results/boards").iterdir()}
    assert "README.md" in names
    for name in sorted(names - {"README.md"}):
        assert name.endswith(".json")
        assert read_result(ROOT / "results/boards" / name)["models"]


def test_one_command_measures_a_board(tmp_path: pathlib.Path) -> None:
    out = tmp_path / "result.json"
    fast = ["--runs", "8", "--seconds", "1", "--warm-up", "0", "--cooldown", "0"]
    done = subprocess.run(
        [ROOT / "scripts/board_result.sh", out, *fast],
        env={**os.environ, "BOARD_PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    models = read_result(out)["models"]
    assert len(models) == 7
    assert all(model["status"] == "ok" for model in models)
    ours = [model for model in models if model["name"] != "tiny_float"]
    assert {model["runtime"]["name"] for model in ours} <= {"litert+xncaps", "lce"}
