"""A process that was started without its standard streams has them."""

from __future__ import annotations

import pathlib
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

BENCHMARK = """
import os
from xncaps_benchmark import cli
try:
    cli.main(["--help"])
finally:
    for descriptor in range(3):
        os.fstat(descriptor)
"""


@pytest.mark.parametrize("closed", ["", "<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    "arguments",
    [["-c", CODE], ["-m", "xncaps_runtime", "info"], ["-c", BENCHMARK]],
    ids=["streams", "runtime", "benchmark"],
)
def test_closed_streams_are_opened(
    arguments: list[str], closed: str, tmp_path: pathlib.Path
) -> None:
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
