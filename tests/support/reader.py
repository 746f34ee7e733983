"""Somebody who types a page's commands, one after another, and looks at what they promise."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

import pytest
from click.testing import CliRunner

import command_rules
import reader_things
from shown_commands import ROOT, Command
from xncaps.main import cli

_PROMISED = re.compile(r"(?:^|\s)(?:(?:-o|--out|--output)[ =]|OUT=)(\S+)")
# What a stand-in lends: (values for the rule's words, settings of the environment).
Lent = tuple[Mapping[str, str], Mapping[str, str]]


def copy_of_the_checkout(folder: pathlib.Path) -> None:
    """The sources in a folder, set up as the checkout is: nothing there is installed again."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".make").mkdir()
    for done in ("venv", "test-tools", "android"):
        (folder / ".make" / done).touch()


class Reader:
    """In a folder with what a page takes for granted.

    Args:
        page: its name.
        commands: those of it that are run.
        folder: new; it becomes a copy of the checkout where one of them changes sources.
        lend: starts the stand-in of a name.
    """

    def __init__(
        self,
        page: str,
        commands: Sequence[Command],
        folder: pathlib.Path,
        lend: Callable[[str], Lent],
    ) -> None:
        self.folder, self._lend = folder, lend
        self._environment = {
            **os.environ,
            "PATH": f"{pathlib.Path(sys.prefix, 'bin')}{os.pathsep}{os.environ['PATH']}",
            "XNCAPS_LOG_DIR": str(folder / "logs"),
            "XNCAPS_DATA_DIR": "",
        }
        texts = [command.text for command in commands]
        if any(_rule(text).place == "copy" for text in texts):
            copy_of_the_checkout(folder)
        named = [*texts, *(words for text in texts for words in _rule(text).instead.values())]
        reader_things.provide(page, named, folder, reader_things.toolkit)

    def run(self, text: str) -> None:
        """Runs a command by its rule.

        Raises:
            AssertionError: its exit code, what it prints or what it leaves is not as promised.
        """
        rule = _rule(text)
        values, settings = self._lend(rule.needs)
        values = {**values, "page": str(self.folder), "tree": str(ROOT), "python": sys.executable}
        line = f"{text} {rule.small}".strip()
        for shown, meant in rule.instead.items():
            line = re.sub(shown, meant, line)
        for name, value in values.items():
            line = line.replace(f"{{{name}}}", value)
        if line.startswith("export "):
            name, _, value = self._words(line)[1].partition("=")
            self._environment[name] = value
            return
        environment = {**self._environment, **settings}
        for name, value in rule.settings.items():
            environment[name] = values[value.strip("{}")]
        promised = [self.folder / path for path in (*_PROMISED.findall(line), *rule.makes)]
        self._forget(line, promised)
        if line.startswith("xncaps ") and not rule.apart:
            code, said = self._inside(self._words(line)[1:], environment)
        else:
            code, said = self._beside(
                line, ROOT if rule.place == "tree" else self.folder, environment
            )
        assert code in rule.codes, f"{text}\n{line}\n{code}: {said[-3000:]}"
        for path in promised:
            assert _is_filled(path), f"{text}\n{line}\nno {path}: {said[-1000:]}"
        assert re.search(rule.says, said), f"{text}\n{line}\nno {rule.says!r} in {said[-3000:]}"

    def _forget(self, line: str, promised: list[pathlib.Path]) -> None:
        """A page may write one name twice; each time the file, or the new run, has to come."""
        for path in promised:
            if path.is_file() and str(path.name) in line:
                path.unlink()
            elif " train " in line and path.is_dir():
                shutil.rmtree(path)

    def _words(self, line: str) -> list[str]:
        """As a shell makes them of the line: quotes, settings and patterns of files."""
        printed = subprocess.run(
            ["bash", "-c", f"printf '%s\\0' {line}"],
            cwd=self.folder,
            capture_output=True,
            check=True,
        )
        return printed.stdout.decode().split("\0")[:-1]

    def _inside(self, arguments: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            for name, value in environment.items():
                patch.setenv(name, value)
            done = CliRunner().invoke(cli, arguments, prog_name="xncaps")
        return done.exit_code, f"{done.output}{done.exception or ''}"

    def _beside(
        self, line: str, folder: pathlib.Path, environment: Mapping[str, str]
    ) -> tuple[int, str]:
        if line.startswith("xncaps "):
            line = f"{shlex.quote(sys.executable)} -m {line}"
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(environment),
        )
        return done.returncode, done.stdout


def _rule(text: str) -> command_rules.Rule:
    rule = command_rules.rule_of(text)
    assert rule is not None, f"no rule in tests/support/command_rules.py for: {text}"
    return rule


def _is_filled(path: pathlib.Path) -> bool:
    """A file with something in it; of a run's folder its best model, of another anything."""
    if path.is_dir():
        best = path / "best.keras"
        return best.is_file() if (path / "config.json").exists() else any(path.iterdir())
    return path.is_file() and path.stat().st_size > 0
