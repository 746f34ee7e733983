"""docs/models.md: its table of costs is what accounting says."""

from __future__ import annotations

import pathlib
import re

import pytest

from xncaps_tf import models
from xncaps_tf.accounting import account

FIGURES = ("parameters", "binary", "macs", "binary_macs", "bytes_trained", "bytes_packed")
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "models.md"
ROWS = [
    [cell.strip(" `") for cell in line.strip("|").split("|")]
    for line in DOCUMENT.read_text().splitlines()
    if re.match(r"\| `\w+` \| `\w+` \| [\dx]+ \|", line)
]


def test_the_table_is_there() -> None:
    assert len(ROWS) == 18 and {row[0] for row in ROWS} == set(models.BACKBONES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row[:3]))
def test_row(row: list[str]) -> None:
    backbone, head, shape, *figures = row
    result = account(models.build(backbone, head, tuple(map(int, shape.split("x"))), 10))
    assert [f"{result.total(figure):,}" for figure in FIGURES] == figures
