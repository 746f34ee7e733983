"""A process that was started without its standard streams has them."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import os, sys
from xncaps_files import streams
streams.open_closed()
print("words"); sys.stderr.write("words"); assert sys.stdin is not None
descriptor = os.open(os.devnull, os.O_RDONLY)
sys.exit(0 if descriptor > 2 else 3)
"""


@pytest.mark.parametrize("closed", ["", "<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["-c", CODE], 0),
        (["-m", "xncaps_runtime", "info"], 0),
        (["-m", "xncaps_benchmark", "report", "none.json", "-o", "page.html"], 1),
    ],
    ids=["streams", "runtime", "benchmark"],
)
def test_closed_streams_are_opened(arguments: list[str], code: int, closed: str) -> None:
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
