"""Bad states of a board: each one clear line, nothing left there, partial results kept."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ssh_lab import HOME, Board
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.targets import ssh

Make = Callable[..., pathlib.Path]
LONG: dict[str, Any] = {"runs": 1_000_000, "seconds": 30.0, "cooldown": 0.0}


def fails(board: Board, files: list[pathlib.Path], message: str, **options: Any) -> str:
    """The one line that measuring ends with; nothing is left on the board."""
    before = board.left()
    with pytest.raises(BenchmarkError, match=message) as caught:
        board.measure(files, **options)
    assert "\n" not in str(caught.value)
    assert board.left() == before, "left on the board"
    return str(caught.value)


# -- not there, not allowed, no Python ------------------------------------------------------


def _unknown(board: Board) -> dict[str, Any]:
    pathlib.Path(board.settings["known_hosts"]).write_text("")
    return {}


def _changed(board: Board) -> dict[str, Any]:
    key = (board.keys / "other.pub").read_text().split()[:2]
    path = pathlib.Path(board.settings["known_hosts"])
    path.write_text(f"[127.0.0.1]:{board.proxy.port} {' '.join(key)}\n")
    return {}


def _locked(board: Board) -> dict[str, Any]:
    path = pathlib.Path(board.settings["known_hosts"]).with_name("locked")
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "a secret", "-f", str(path)]
    subprocess.run(command, check=True)
    return {"identity": path}


def _damaged(board: Board) -> dict[str, Any]:
    path = pathlib.Path(board.settings["known_hosts"]).with_name("damaged")
    path.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nno key\n")
    return {"identity": path}


def _python(text: str) -> Callable[[Board], dict[str, Any]]:
    def make(board: Board) -> dict[str, Any]:
        path = pathlib.Path(board.settings["known_hosts"]).with_name("python")
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return {"python": path}

    return make


def _older(version: tuple[int, int]) -> Callable[[Board], dict[str, Any]]:
    """A Python that runs all of it and says that it is of another version."""
    patch = f"import sys; sys.version_info = {version}; exec(sys.stdin.read())"
    return _python(f"exec {sys.executable} -c '{patch}'")


STATES: dict[str, tuple[Callable[[Board], dict[str, Any]], str]] = {
    "unknown key": (_unknown, "its host key is not in .*known_hosts: connect once with ssh"),
    "changed key": (_changed, "its host key is not the one in .*: somebody may be in between"),
    "denied": (lambda board: {"identity": board.keys / "other"}, "permission denied: no key"),
    "locked key": (_locked, "keys or configuration: .*[Pp]assphrase"),
    "damaged key": (_damaged, "keys or configuration: "),
    "no key": (lambda board: {"identity": board.keys / "nowhere"}, "No such file"),
    "no python": (
        lambda board: {"python": "no-such-python"},
        "expected Python 3.10 or newer. Received: no no-such-python. See --python",
    ),
    "python 3.7": (_older((3, 7)), "expected Python 3.10 or newer. Received: 3.7. See --python"),
    "python 2.7": (_older((2, 7)), "expected Python 3.10 or newer. Received: 2.7. See --python"),
    "no answer": (lambda board: {"python": "/bin/true"}, "its Python answered: ''"),
    "broken python": (_python("echo 'cannot load libpython' >&2; exit 1"), "cannot load libpython"),
    "no wheel": (lambda board: {"wheels": board.keys}, "expected xncaps_files-0.1.0"),
    "setting": (lambda board: {"moon": 1}, "Received: .'moon'"),
}


@pytest.mark.parametrize(("state", "message"), STATES.values(), ids=STATES)
def test_bad_states_are_one_line(
    board: Board, model: Make, state: Callable[[Board], dict[str, Any]], message: str
) -> None:
    fails(board, [model("first")], message, ssh=state(board))


def test_nobody_there_is_one_line(board: Board, model: Make) -> None:
    board.proxy.close()
    fails(board, [model("first")], f"^{board.name}: cannot connect: .*refused")


def test_a_board_that_hangs_is_one_line(board: Board, model: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        name = f"127.0.0.1:{deaf.getsockname()[1]}"
        hangs = dataclasses.replace(board, name=name)
        fails(
            hangs, [model("first")], "cannot connect: no answer within 0.5 s", ssh={"timeout": 0.5}
        )


def test_the_command_ends_with_1_and_one_line(
    board: Board, model: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    from xncaps_benchmark import cli

    options = [
        f"--{name.replace('_', '-')}={board.settings[name]}" for name in ("wheels", "python")
    ]
    options += [f"--known-hosts={board.settings['known_hosts']}"]
    options += [f"--identity={_damaged(board)['identity']}", "--target", f"ssh:{board.name}"]
    with pytest.raises(SystemExit) as ended:
        cli.main([str(model("first")), *options])
    out, error = capfd.readouterr()
    assert ended.value.code == 1 and not out
    assert error.count("\n") == 1 and error.startswith(f"xncaps-benchmark: {board.name}: keys or")


# -- storage --------------------------------------------------------------------------------


@pytest.fixture
def disk(board: Board, tmp_path: pathlib.Path) -> Iterator[Callable[[str], Board]]:
    """disk('64k'): the board with a home of that size, a file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()

    def make(size: str) -> Board:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        ran = subprocess.run(mount, capture_output=True, text=True)
        if ran.returncode:
            pytest.skip(f"this user may not mount a tmpfs: {ran.stderr.strip()}")
        return board.wall(place)

    yield make
    subprocess.run(["umount", "-l", str(place)], capture_output=True)


def fill(board: Board, spare: int = 0) -> None:
    """Fills the board's disk but for some bytes."""
    free = os.statvfs(board.root)
    with contextlib.suppress(OSError), open(board.root / "filler", "ab") as file:
        file.write(bytes(max(free.f_bavail * free.f_frsize - spare, 0)))


def filling(monkeypatch: pytest.MonkeyPatch, step: str, board: Board, spare: int = 0) -> None:
    """Fills the disk before a step of the session is made."""
    made = getattr(ssh.Session, step)

    async def then(self: ssh.Session, *arguments: Any) -> Any:
        fill(board, spare)
        return await made(self, *arguments)

    monkeypatch.setattr(ssh.Session, step, then)


def test_a_full_disk_is_said_before_anything_is_pushed(
    disk: Callable[[str], Board], model: Make
) -> None:
    fails(disk("64k"), [model("first")], "storage is full: 0 MiB free, [0-9]+ MiB needed")


@pytest.mark.parametrize(("step", "spare"), [("_push", 0), ("_push", 20_000), ("_start", 20_000)])
def test_a_disk_that_fills_up_is_one_line(
    disk: Callable[[str], Board],
    model: Make,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    spare: int,
) -> None:
    small = disk("8m")
    filling(monkeypatch, step, small, spare)
    fails(small, [model("first")], r"storage is full \(.*No space left on device")


def test_a_disk_that_fills_up_during_the_run_leaves_a_partial_result(
    disk: Callable[[str], Board], model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = disk("40m")
    look = ssh.Session._look

    async def fill_up(self: ssh.Session) -> str:
        if (small.root / self._folder / "result.json").exists():  # the first checkpoint
            fill(small)
        return await look(self)

    monkeypatch.setattr(ssh.Session, "_look", fill_up)
    told = small.measure([model("first", hidden=20)], **LONG)
    assert not told["complete"] and "storage is full" in " ".join(told["notes"])
    (entry,) = told["models"]
    assert entry["status"] == "partial" and 0 < entry["latency"]["n"] < 1_000_000
    assert not small.left()


def test_files_that_may_not_grow_are_one_line(
    board: Board, model: Make, tmp_path: pathlib.Path
) -> None:
    """A limit on the size of files, which every system can set, stands for a quota."""
    (tmp_path / "home").mkdir()
    limited = board.wall(tmp_path / "home", "ulimit -f 40")  # blocks of 512 bytes
    fails(limited, [model("first")], "storage is full|[Ff]ile size limit|File too large")


def test_a_board_without_sftp_is_one_line(
    board: Board, model: Make, tmp_path: pathlib.Path
) -> None:
    refuse = 'case "$SSH_ORIGINAL_COMMAND" in *sftp*) exit 1 ;; esac'
    fails(board.wall(tmp_path, refuse), [model("first")], f"^{board.name}: it ended sftp: ")


# -- killed, lost ---------------------------------------------------------------------------


def looking(monkeypatch: pytest.MonkeyPatch, act: Callable[[ssh.Session], None]) -> None:
    """Acts before each look at the run."""
    look = ssh.Session._look

    async def then(self: ssh.Session) -> str:
        act(self)
        return await look(self)

    monkeypatch.setattr(ssh.Session, "_look", then)


def has_times(session: ssh.Session) -> bool:
    return (HOME / session._folder / "result.json").exists()  # the first checkpoint


def test_a_run_that_is_killed_keeps_what_it_had(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(session: ssh.Session) -> None:
        if has_times(session):
            os.killpg(session._pid, signal.SIGKILL)

    looking(monkeypatch, kill)
    told = board.measure([model("first", hidden=150)], **LONG)
    assert not told["complete"] and "killed half-way" in " ".join(told["notes"])
    (entry,) = told["models"]
    assert entry["status"] == "partial" and 0 < entry["latency"]["n"] < 1_000_000


def test_a_run_that_is_killed_at_once_is_one_line(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking(monkeypatch, lambda session: os.killpg(session._pid, signal.SIGKILL))
    fails(board, [model("first")], "the run failed: killed before it had a time", **LONG)


def test_a_run_that_is_ended_by_its_board_is_marked(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM, as a shutdown sends it: the run writes what it has."""

    def end(session: ssh.Session) -> None:
        if has_times(session):
            os.killpg(session._pid, signal.SIGTERM)

    looking(monkeypatch, end)
    told = board.measure([model("first", hidden=150)], **LONG)
    assert not told["complete"] and told["models"][0]["status"] == "partial"


def test_a_number_that_is_another_process_now_is_left_alone(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart of the board the run's number may be anybody's."""
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True, cwd="/")

    def restart(session: ssh.Session) -> None:
        if has_times(session) and session._pid != bystander.pid:
            os.killpg(session._pid, signal.SIGKILL)
            session._pid = bystander.pid
            (HOME / session._folder / "pid").write_text(f"{bystander.pid}\n")

    try:
        looking(monkeypatch, restart)
        told = board.measure([model("first", hidden=150)], **LONG)
        assert not told["complete"] and "killed half-way" in " ".join(told["notes"])
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_lost_connection_is_taken_up_again(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    push, looks, cuts = ssh.Session._push, [], []

    async def cut_push(self: ssh.Session, files: Any) -> None:
        if not cuts:
            cuts.append(self)
            board.proxy.cut()
        await push(self, files)

    def cut(session: ssh.Session) -> None:
        looks.append(session)
        if len(looks) in (2, 4):
            board.proxy.cut()

    monkeypatch.setattr(ssh.Session, "_push", cut_push)
    looking(monkeypatch, cut)
    told = board.measure([model("first", hidden=150)], runs=1_000_000, seconds=3.0)
    assert told["complete"] and told["models"][0]["status"] == "ok"
    assert board.proxy.accepted >= 4  # the first and one after each cut


def test_a_connection_that_is_lost_within_a_file_goes_on_with_that_file(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncssh

    puts: list[str] = []
    put = asyncssh.SFTPClient.put

    async def spy(self: Any, here: str, there: str, **more: Any) -> None:
        puts.append(pathlib.Path(there).name)
        await put(self, here, there, **more)

    monkeypatch.setattr(asyncssh.SFTPClient, "put", spy)
    path = model("first", hidden=150)
    board.proxy.cut_at = path.stat().st_size // 2
    told = board.measure([path])
    assert told["complete"] and told["models"][0]["verification"]["status"] == "verified"
    assert board.proxy.accepted == 2
    again = [name for name in puts if puts.count(name) > 1]
    assert again == ["00_first.tflite.part"] * 2  # the wheel before it went once


def test_a_connection_that_is_lost_for_good_keeps_what_was_fetched(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends by itself and removes its folder."""
    monkeypatch.setattr(ssh, "_PARTIAL_SECONDS", 0.5)
    monkeypatch.setattr(ssh, "_LINGER_SECONDS", 1)
    looking(monkeypatch, lambda session: board.proxy.close() if session._partial else None)
    before = board.left()
    told = board.measure([model("first", hidden=150)], runs=1_000_000, seconds=9.0,
                         cooldown=0.0, ssh={"patience": 1.0})  # fmt: skip
    notes = " ".join(told["notes"])
    assert not told["complete"] and "connection lost" in notes
    assert told["models"][0]["status"] == "partial" and told["models"][0]["latency"]["n"] > 0
    (left,) = board.left() - before
    assert f"~/{left.name} is left on {board.name}" in notes
    end = time.monotonic() + 40
    while left.exists() and time.monotonic() < end:
        time.sleep(0.2)
    assert not left.exists()


def test_a_connection_that_is_lost_for_good_before_a_time_says_what_is_left(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "_LINGER_SECONDS", 1)
    looking(monkeypatch, lambda session: board.proxy.close())
    before = board.left()
    with pytest.raises(BenchmarkError, match="connection lost: .* is left on ") as caught:
        board.measure([model("first")], ssh={"patience": 1.0})
    assert "\n" not in str(caught.value)
    end = time.monotonic() + 40
    while board.left() != before and time.monotonic() < end:
        time.sleep(0.2)
