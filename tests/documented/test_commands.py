"""Every command that the README and the other pages show is run, or listed with the reason why not.

What a page shows is run from top to bottom in a folder of its own, with small data and by the rules
of tests/support/command_rules.py: what is quick here, all of it in `make test-all`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import click
import pytest

import command_rules
import pages
import shown_commands
import tiny_experiments
import xncaps_zoo
from reader import Lent, Reader
from shown_commands import ROOT, Command
from xncaps.main import cli as toolkit
from xncaps.reproduce import experiments
from xncaps_benchmark.cli import bench, report

ALL = shown_commands.all_commands()
BENCHMARK = click.Group("xncaps-benchmark", commands={"bench": bench, "report": report})
GROUPS: dict[str, click.Group] = {"xncaps": toolkit, "xncaps-benchmark": BENCHMARK}


@functools.cache
def made_by_make_test() -> set[str]:
    """The targets that `make test` and `make test-all` bring along, which run as this test does."""
    files = [ROOT / "Makefile", ROOT / "native/native.mk", ROOT / "android_demo/android.mk"]
    rules = re.findall(
        r"^([a-z-]+):([^=#\n]*)", "\n".join(file.read_text("utf-8") for file in files), re.M
    )
    found, more = set[str](), {"test", "test-all"}
    while more:
        wanted = {word for name, needs in rules if name in more for word in needs.split()}
        found, more = found | wanted, wanted - found
    return {name for name in found if name.isidentifier() or "-" in name}


def is_name(command: Command) -> bool:
    """In the prose, a part of a command: `xncaps bench` has no files, and no rule of its own."""
    program, *words = shlex.split(command.text)
    if not command.is_inline or program not in GROUPS:
        return False
    context, words = _resolve(GROUPS[program], words)
    given, _, _ = context.command.make_parser(context).parse_args(list(words))
    wanted = [each.name or "" for each in context.command.params if each.required]
    is_whole = all(isinstance(given.get(name), (str, tuple)) and given[name] for name in wanted)
    if command_rules.rule_of(command.text) is None:
        return not words or isinstance(context.command, click.Group)
    return not is_whole


def is_of_make_test(command: Command) -> bool:
    return command.text.removeprefix("make ") in made_by_make_test()


def to_run(shown: Sequence[Command] = ALL) -> list[Command]:
    return [
        command
        for command in shown
        if not (
            command_rules.reason_of(command.text) or is_of_make_test(command) or is_name(command)
        )
    ]


def _pages(*, slow: bool) -> list[str]:
    """Those with a command that is run so."""
    return list(dict.fromkeys(each.page for each in to_run() if _is_slow(each) == slow))


def _is_slow(command: Command) -> bool:
    rule = command_rules.rule_of(command.text)
    return rule is not None and rule.slow


def _resolve(command: Any, words: list[str]) -> tuple[click.Context, list[str]]:
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(context, words[0])
        if inner is None and command is BENCHMARK:  # FILE...: what it does without a command
            inner, words = bench, ["bench", *words]
        assert inner is not None, f"no command {words[0]}"
        command, words, context = inner, words[1:], click.Context(inner, parent=context)
    return context, words


SHOWN = [command for command in ALL if command.text.split()[0] in GROUPS]


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: f"{shown.page}:{shown.text}")
def test_a_command_of_ours_exists_as_shown(shown: Command) -> None:
    program, *words = shlex.split(shown.text)
    context, words = _resolve(GROUPS[program], words)
    command = context.command
    values, _, _ = command.make_parser(context).parse_args(list(words))
    for parameter in command.params:
        value = values.get(parameter.name or "")
        if "--plugin" in words and parameter.name in ("backbone", "head"):
            continue  # a word of the plugin's
        if isinstance(parameter.type, (click.Choice, click.IntRange)) and isinstance(value, str):
            parameter.type.convert(value, parameter, context)


def test_every_command_has_a_rule_or_a_reason() -> None:
    lost = [command for command in to_run() if command_rules.rule_of(command.text) is None]
    assert not lost, "\n".join(f"{page}: {text}" for page, text, _ in lost)


def test_every_rule_and_every_reason_has_a_command() -> None:
    texts = [command.text for command in ALL]
    reasons = {
        words for words in command_rules.NOT_RUN if not any(re.match(words, t) for t in texts)
    }
    used = {rule.command for command in to_run() if (rule := command_rules.rule_of(command.text))}
    assert not reasons and not {rule.command for rule in command_rules.RUN} - used


def test_every_block_of_code_is_of_a_known_language() -> None:
    """One that is neither commands nor Python nor JSON says by its fence what it is."""
    for name in shown_commands.page_names():
        for part in pages.parts((ROOT / name).read_text("utf-8")):
            assert not part.is_code or shown_commands.kind(part), f"{name}:\n{part.text}"


def test_what_pip_is_asked_for_is_ours() -> None:
    extras = dict[str, set[str]]()
    for name in ("tf", "files", "zoo", "benchmark", "runtime"):
        about = importlib.metadata.metadata(f"xncaps-{name}")
        extras[f"xncaps-{name}"] = set(about.get_all("Provides-Extra", []))
    asked = [text for _, text, _ in ALL if re.match(r"pip install (?!\./)", text)]
    assert len(asked) >= 5
    for text in asked:
        for wanted in shlex.split(text)[2:]:
            name, extra = re.fullmatch(r"([\w-]+)(?:\[(\w+)\])?", wanted).groups()  # type: ignore
            assert name in extras and (extra is None or extra in extras[name]), text


def test_the_readme_lists_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = {n for n in toolkit.list_commands(click.Context(toolkit)) if f"`{n}`" not in readme}
    assert not missing - {text.split()[1] for page, text, _ in SHOWN if page == "README.md"}


def test_a_file_of_the_zoo_is_made_by_the_commands_of_its_card() -> None:
    """`zoo make` times it beside its twins, which the command above has to have made."""
    made = [c for c in SHOWN if re.match(r"xncaps zoo make (?!NAME)", c.text)]
    assert len(made) > len(xncaps_zoo.names())  # on its card, and on docs/zoo.md
    for page, text, _ in made:
        card = xncaps_zoo.card(text.split()[3])
        assert set(card["experiment"]["commands"]) <= {c.text for c in SHOWN if c.page == page}


class Lender:
    """Starts a stand-in when the first command asks for it."""

    def __init__(self, request: pytest.FixtureRequest, folder: pathlib.Path) -> None:
        self._request, self._folder = request, folder
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]

    def __call__(self, name: str) -> Lent:
        return getattr(self, f"_{name or 'nothing'}")()

    def _nothing(self) -> Lent:
        return {"port": str(self._port)}, {}

    def _phone(self) -> Lent:
        import adbutils

        lab = self._request.getfixturevalue("lab")
        self._request.addfinalizer(lambda: setattr(lab.phone, "alive", False))
        place = self._folder / "adb"
        if not place.exists():
            place.mkdir()
            (place / "adb").symlink_to(adbutils.adb_path())
        path = f"{place}:{pathlib.Path(sys.executable).parent}:/usr/bin:/bin"
        return {}, {"PATH": path, "ANDROID_ADB_SERVER_PORT": str(lab.server.port)}

    def _board(self) -> Lent:
        board = self._request.getfixturevalue("board")
        told = {"known": "known_hosts", "key": "identity", "wheels": "wheels", "python": "python"}
        values = {ours: str(board.settings[theirs]) for ours, theirs in told.items()}
        return {"board": board.name, **values}, {}

    def _wheel(self) -> Lent:
        """The runtime's, built as pip builds it."""
        place = self._folder / "wheels"
        if not place.exists():
            words = "wheel --quiet --no-deps --no-index --no-build-isolation --wheel-dir".split()
            command = [sys.executable, "-m", "pip", *words, place, ROOT / "native"]
            subprocess.run(command, check=True)
        [wheel] = place.glob("xncaps_runtime-*.whl")
        return {"wheel": str(wheel)}, {}

    def _cluster(self) -> Lent:
        """A Ray cluster of one machine, by the page's own command, and small experiments."""
        [shown, *_] = [text for _, text, _ in ALL if text.startswith("ray start --head")]
        words = shown.replace("6379", str(self._port)).split()
        ray = pathlib.Path(sys.executable).with_name(words[0])
        settings = {"RAY_AUTH_MODE": "disabled"}  # no token is made in the home of whoever tests
        folder = tempfile.mkdtemp(prefix="ray")  # short: sockets lie in it
        log = self._folder / "ray.log"
        with open(log, "w", encoding="utf-8") as said:
            head = subprocess.Popen(
                [ray, *words[1:], "--block", f"--temp-dir={folder}"],
                stdout=said,
                stderr=said,
                start_new_session=True,
                env={**os.environ, **settings},
            )
        self._request.addfinalizer(lambda: _end(head, folder))
        while "Ray runtime started" not in log.read_text("utf-8"):
            assert head.poll() is None, log.read_text("utf-8")
            time.sleep(0.2)
        self._experiments()
        return {"port": str(self._port)}, settings

    def _experiments(self) -> Lent:
        folder = self._folder / "experiments"
        if not folder.exists():
            tiny_experiments.shrink(ROOT / "experiments", folder)
        patch = self._request.getfixturevalue("monkeypatch")
        patch.setattr(experiments, "folder", lambda: folder)
        return {}, {}


def _end(head: subprocess.Popen[bytes], folder: str) -> None:
    """Ends all that a process in a session of its own has started."""
    os.killpg(head.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        head.wait(30)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(head.pid, signal.SIGKILL)
    head.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _keep_the_registry(patch: pytest.MonkeyPatch) -> None:
    """What a page's plugin registers goes with the test."""
    from xncaps_tf.models import registration

    for name in ("BACKBONES", "HEADS"):
        patch.setattr(registration, name, dict(getattr(registration, name)))


def _read(
    commands: Sequence[Command], request: pytest.FixtureRequest, tmp_path: pathlib.Path
) -> None:
    """Types the commands of a page, one after another."""
    folder = tmp_path / "reader"
    folder.mkdir()
    (tmp_path / "things").mkdir()
    _keep_the_registry(request.getfixturevalue("monkeypatch"))
    reader = Reader(commands[0].page, commands, folder, Lender(request, tmp_path / "things"))
    for command in commands:
        reader.run(command.text)


@pytest.mark.parametrize("page", _pages(slow=False))
def test_the_quick_commands_of_a_page_run(
    page: str, request: pytest.FixtureRequest, tmp_path: pathlib.Path
) -> None:
    quick = [each for each in to_run() if each.page == page and not _is_slow(each)]
    _read(quick, request, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", _pages(slow=True))
def test_all_commands_of_a_page_run(
    page: str, request: pytest.FixtureRequest, tmp_path: pathlib.Path
) -> None:
    _read([each for each in to_run() if each.page == page], request, tmp_path)


@pytest.mark.parametrize(
    ("page", "right", "wrong", "fails"),
    [
        ("docs/zoo.md", "xncaps zoo show ", "xncaps zoo shows ", "zoo shows"),
        (
            "docs/zoo.md",
            "zoo:mnist-cnn-xnodr digit.png",
            "zoo:mnist-cnn-xnodr digit.jpg",
            "digit.jpg",
        ),
        ("docs/native.md", "xncaps_runtime info", "xncaps_runtime information", "information"),
        (
            "benchmark/README.md",
            "xnodr.tflite -o result.json",
            "xnodr.tflite -o other.json",
            "report result",
        ),
        (
            "benchmark/README.md",
            "xnodr.tflite -o result",
            "xnodr.tflite --output-file result",
            "--output-file",
        ),
    ],
)
def test_a_page_with_a_wrong_command_fails(
    page: str,
    right: str,
    wrong: str,
    fails: str,
    request: pytest.FixtureRequest,
    tmp_path: pathlib.Path,
) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert right in text
    shown = shown_commands.of_page(page, text.replace(right, wrong))
    quick = [each for each in to_run(shown) if not _is_slow(each)]
    with pytest.raises(AssertionError, match=f"^.*{fails}"):
        _read(quick, request, tmp_path)


def test_a_new_command_is_seen() -> None:
    [before] = shown_commands.of_page("a.md", "Type `make help`, and see `x`.\n")
    text = (
        "```sh\n$ frobnicate --all  # it\n```\n\n    xncaps zoo \\\n      list\n\n`pip install x`"
    )
    found = shown_commands.of_page("a.md", text)
    assert before == Command("a.md", "make help", True)
    assert found == [
        Command("a.md", "frobnicate --all", False),
        Command("a.md", "xncaps zoo list", False),
        Command("a.md", "pip install x", True),
    ]
    assert command_rules.rule_of("frobnicate --all") is None
