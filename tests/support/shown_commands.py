"""Every command that the README and the other pages show a reader, in the order of the page."""

from __future__ import annotations

import ast
import functools
import json
import pathlib
import re
import subprocess
from typing import NamedTuple

import pages

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHELLS = ("sh", "console")
# What a shell's line begins with, and a piece of `code` in the prose that is a command.
PROGRAMS = (
    "xncaps xncaps-benchmark python python3 pip make git tfds tensorboard cmake ctest mvn gradle "
    "adb am content sha256sum source export ray"
).split()
_PROGRAM = re.compile(rf"(?:{'|'.join(PROGRAMS)}|(?:native/)?build/\S+|/usr/bin/time -v .*)(?: |$)")
_SETTING = re.compile(r"(?:[A-Z][A-Z_]*=\S+ )+")


class Command(NamedTuple):
    """As it stands on the page, but in one line, without prompt and comment."""

    page: str  # relative to the checkout
    text: str
    is_inline: bool  # in the prose, where `xncaps bench` may be but a name


def page_names() -> list[str]:
    """The pages of the checkout but for the history: that is of commands that were."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.splitlines() if name != "CHANGELOG.md"]


def is_command(line: str) -> bool:
    return bool(_PROGRAM.match(_SETTING.sub("", line, count=1)))


def plain(line: str) -> list[str]:
    """The commands of a line; `FILE...`, several files, is one here."""
    line = re.sub(r"\s+#.*", "", " ".join(line.split()).removeprefix("$ "))
    return [re.sub(r"\.\.\.(?= |$)", "", part).strip() for part in line.split(" && ")]


def _lines(block: str) -> list[str]:
    return [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def kind(part: pages.Part) -> str:
    """'shell', 'python', another language, or '': a block that a fence should name."""
    if part.language in SHELLS:
        return "shell"
    if part.language:
        return part.language
    if all(is_command(command) for line in _lines(part.text) for command in plain(line)):
        return "shell"
    for name, read in (("json", json.loads), ("python", ast.parse)):
        try:
            read(part.text)
        except (SyntaxError, ValueError):
            continue
        return name
    return ""


def of_page(name: str, text: str) -> list[Command]:
    """All commands of a page's text."""
    found = list[Command]()
    for part in pages.parts(text):
        if not part.is_code:
            spans = re.findall(r"(?<!`)`([^`]+)`(?!`)", part.text)
            said = [command for span in spans for command in plain(span)]
            names = [command for command in said if is_command(command) and " " in command]
            found += [Command(name, command, True) for command in names]
        elif kind(part) == "shell":
            said = [command for line in _lines(part.text) for command in plain(line)]
            found += [Command(name, command, False) for command in said]
    in_blocks = {command.text for command in found if not command.is_inline}
    return [
        each for each in dict.fromkeys(found) if not (each.is_inline and each.text in in_blocks)
    ]


@functools.cache
def all_commands() -> tuple[Command, ...]:
    texts = {name: (ROOT / name).read_text("utf-8") for name in page_names()}
    return tuple(command for name, text in texts.items() for command in of_page(name, text))
