"""Every command that the README and the documentation show exists as shown, and runs in a test.

The guide's commands are run here, one after another. What needs a phone, a board, a data set or
minutes is run, with a stand-in, by the test that `ELSEWHERE` names.
"""

from __future__ import annotations

import pathlib
import re
import shlex
from typing import Any

import click
import pytest
from click.testing import CliRunner

import pages
from xncaps.main import cli

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# The first words of a command, the longest match rules -> the file of the test that runs it.
ELSEWHERE = {
    "train": "tests/cli/test_train.py",
    "train --plugin": "tests/cli/test_plugins.py",
    "train --strategy multi_worker": "tests/training/test_cluster.py",
    "evaluate": "tests/cli/test_evaluate.py",
    "predict": "tests/cli/test_predict.py",
    "summary": "tests/cli/test_summary.py",
    "convert": "tests/cli/test_convert.py",
    "verify": "tests/cli/test_convert.py",
    "inspect": "tests/cli/test_convert.py",
    "fuse": "tests/cli/test_fuse.py",
    "bench": "tests/cli/test_bench.py",
    "bench --target ssh": "tests/benchmark/test_ssh.py",
    "bench --target adb": "tests/benchmark/test_phone_commands.py",
    "report": "tests/cli/test_bench.py",
    "android": "tests/benchmark/test_phone_commands.py",
    "demo": "tests/test_demo.py",
    "info": "tests/cli/test_main.py",
    "reproduce": "tests/cli/test_reproduce.py",
    "zoo": "tests/cli/test_zoo.py",
}


def _commands(page: pathlib.Path) -> list[str]:
    """Lines of code that call `xncaps`, without comments; joined lines are one."""
    found: list[str] = []
    for block in pages.blocks(page.read_text("utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            plain = re.sub(r"\s+#.*", "", line.removeprefix("$ "))
            parts = [part.strip() for part in re.split(r"&&|\|", plain)]
            if plain.startswith("xncaps "):
                found += [part for part in parts if part.startswith("xncaps ")]
    return found


ALL = [(page.name, command) for page in PAGES for command in _commands(page)]


def _resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    command: Any = cli
    while isinstance(command, click.Group) and words:
        context = click.Context(command)
        inner = command.get_command(context, words[0])
        assert inner is not None, f"no command {words[0]}"
        command, words = inner, words[1:]
    return command, words


@pytest.mark.parametrize(("page", "text"), ALL, ids=[f"{page}:{text}" for page, text in ALL])
def test_a_documented_command_exists_as_shown(page: str, text: str) -> None:
    command, words = _resolve(shlex.split(text)[1:])
    context = click.Context(command)
    values, _, _ = command.make_parser(context).parse_args(list(words))
    for parameter in command.params:
        value = values.get(parameter.name or "")
        if "--plugin" in words and parameter.name in ("backbone", "head"):
            continue  # a word of the plugin's
        if isinstance(parameter.type, (click.Choice, click.IntRange)) and isinstance(value, str):
            parameter.type.convert(value, parameter, context)


@pytest.mark.parametrize(("page", "text"), ALL, ids=[f"{page}:{text}" for page, text in ALL])
def test_a_documented_command_runs_in_a_test(page: str, text: str) -> None:
    words = text.removeprefix("xncaps ")
    known = [start for start in ELSEWHERE if words.startswith(start)]
    assert known, f"{page}: no test is named for: {text}"
    assert (ROOT / ELSEWHERE[max(known, key=len)]).is_file()


def test_the_guide_runs_from_top_to_bottom(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = _commands(ROOT / "docs" / "guide.md")
    assert len(commands) >= 8
    for command in commands:
        done = CliRunner().invoke(cli, shlex.split(command)[1:])
        assert done.exit_code == 0, f"{command}: {done.output} {done.exception!r}"
    assert (tmp_path / "page.html").stat().st_size > 10_000


def test_the_readme_lists_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name for name in cli.list_commands(click.Context(cli)) if f"`{name}`" not in readme]
    shown = {words.split()[1] for words in _commands(ROOT / "README.md")}
    assert not set(missing) - shown
