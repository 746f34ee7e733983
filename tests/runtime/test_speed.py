"""The speed table, at 0.8 of its figures; run by `make test-all` on an idle machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "native/bench"


@pytest.mark.slow
@pytest.mark.parametrize(
    "script", ["bench_native.py", "bench_lce.py", "bench_threads.py", "bench_compiled.py"]
)
def test_no_row_is_below_its_floor(script: str) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH / script), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
