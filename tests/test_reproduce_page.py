"""docs/reproduce.md names what there is."""

from __future__ import annotations

import json
import pathlib
import re

import pytest

from xncaps.commands.reproduce import reproduce
from xncaps.reproduce import experiments, jobs


@pytest.fixture(scope="module")
def text(root: pathlib.Path) -> str:
    return (root / "docs" / "reproduce.md").read_text(encoding="utf-8")


def first_cells(text: str, head: str) -> set[str]:
    """Each `word` in the first column of the table whose head begins so."""
    rows = text.split(f"\n| {head} |", 1)[1].split("\n\n", 1)[0].split("\n")[2:]
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row.split(" | ")[0])}


def test_every_field_of_a_line_is_there(text: str, root: pathlib.Path) -> None:
    schema = root / "cli" / "xncaps" / "reproduce" / "experiment.schema.json"
    assert str(schema.relative_to(root)) in text
    assert first_cells(text, "field") == set(json.loads(schema.read_text())["properties"])


def test_every_key_of_a_row_and_its_words_are_there(text: str, root: pathlib.Path) -> None:
    rows = json.loads((root / "experiments" / "index.json").read_text())["experiments"]
    keys = first_cells(text, "key")
    assert keys == {key for row in rows for key in row} | {"seeds", "init", "teacher"}
    for word in (*experiments.TABLES, *experiments.FILES):
        assert f"`{word}`" in text


def test_every_option_is_there(text: str) -> None:
    options = {name for each in reproduce.params for name in each.opts if name.startswith("--")}
    told = {option.split()[0] for option in first_cells(text, "option")}
    assert told | {"--list"} == options - {"--help"}
    assert "xncaps reproduce --list" in text


def test_as_many_tries_are_named_as_there_are(text: str) -> None:
    assert jobs._RETRIES == 10 and "up to ten times" in text  # pyright: ignore[reportPrivateUsage]
