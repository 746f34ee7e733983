"""The ssh target against a real sshd on loopback: this machine is the board."""

from __future__ import annotations

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from benchmark_files import ROWS, Digits

from xncaps_benchmark import measure
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.targets import ssh, wheels

Make = Callable[..., pathlib.Path]
FAST: dict[str, Any] = {"runs": 128, "seconds": 5.0, "warm_up": 0.02}
HOME = pathlib.Path(pwd.getpwuid(os.getuid()).pw_dir)
USER = pwd.getpwuid(os.getuid()).pw_name


class Proxy:
    """Forwards loopback connections to sshd, and cuts them when told."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._open: list[socket.socket] = []
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            self.accepted += 1
            far = socket.create_connection(("127.0.0.1", self._to))
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()

    def cut(self) -> None:
        for end in self._open:
            with contextlib.suppress(OSError):  # close() alone does not wake a thread that reads
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        source.settimeout(0.2)
        while source.fileno() >= 0:
            try:
                data = source.recv(65536)
            except TimeoutError:
                continue
            if not data:
                break
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        end.close()


@dataclass
class Board:
    proxy: Proxy
    settings: dict[str, Any]
    name: str
    other_key: pathlib.Path
    extra: dict[str, Any] = field(default_factory=dict)

    def measure(self, files: list[pathlib.Path], **options: Any) -> dict[str, Any]:
        ssh_options = {**self.settings, **options.pop("ssh", {})}
        return measure(files, f"ssh:{self.name}", ssh=ssh_options, **{**FAST, **options})


def _tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        pytest.fail(
            f"{name} is not installed: apt-get install openssh-server (as `make test` does)"
        )
    return found


def _key(path: pathlib.Path) -> pathlib.Path:
    subprocess.run(
        [_tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True
    )
    return path


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory, root: pathlib.Path) -> pathlib.Path:
    """xncaps-benchmark's wheel."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=root / "benchmark", check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, pathlib.Path]]:
    """A real sshd: (port, folder with its keys)."""
    folder = tmp_path_factory.mktemp("sshd")
    host, client = _key(folder / "host"), _key(folder / "client")
    _key(folder / "other")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    if os.getuid() == 0:
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {host}",
        f"AuthorizedKeysFile {client}.pub",
        "PidFile none",
        "UsePAM no",
        "StrictModes no",
        "PermitRootLogin yes",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "Subsystem sftp internal-sftp",
    ]
    (folder / "config").write_text("\n".join(lines) + "\n")
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [_tool("sshd"), "-D", "-e", "-f", str(folder / "config")], stderr=log
    )
    for _ in range(100):
        with socket.socket() as end:
            if end.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.05)
    yield port, folder
    process.terminate()
    process.wait()
    log.close()


@pytest.fixture
def board(
    sshd: tuple[int, pathlib.Path], dist: pathlib.Path, tmp_path: pathlib.Path
) -> Iterator[Board]:
    port, folder = sshd
    proxy = Proxy(port)
    known = tmp_path / "known_hosts"
    key = (folder / "host.pub").read_text().split()[:2]
    known.write_text(f"[127.0.0.1]:{proxy.port} {' '.join(key)}\n")
    empty = tmp_path / "ssh_config"
    empty.write_text("")
    settings = {
        "wheels": dist,
        "python": sys.executable,
        "known_hosts": known,
        "identity": folder / "client",
        "config": empty,
    }
    before = set(HOME.glob("xncaps-bench-*"))
    yield Board(proxy, settings, f"{USER}@127.0.0.1:{proxy.port}", folder / "other")
    proxy.close()
    assert set(HOME.glob("xncaps-bench-*")) == before, "left on the board"


def test_measures_on_the_board(board: Board, model: Make) -> None:
    told = board.measure([model("first"), model("second", hidden=4)])
    assert told["complete"] and told["target"] == {"kind": "ssh", "name": f"ssh:{board.name}"}
    assert [entry["status"] for entry in told["models"]] == ["ok", "ok"]
    assert [entry["name"] for entry in told["models"]] == ["first", "second"]
    assert all(entry["verification"]["status"] == "verified" for entry in told["models"])
    assert told["models"][0]["latency"]["n"] == 128
    assert told["ratios"][0]["baseline"] == "first"
    assert told["machine"]["runtimes"]["ai-edge-litert"]


def test_predictions_are_compared_with_the_hosts(
    board: Board, model: Make, digits: Digits, tmp_path: pathlib.Path
) -> None:
    images = tmp_path / "images.npz"
    np.savez(images, inputs=digits.images.astype(np.uint8), labels=digits.labels)
    (entry,) = board.measure([model("first")], accuracy=images)["models"]
    assert entry["agreement"] == {"rows": ROWS, "equal": ROWS, "data": "images.npz"}
    assert entry["accuracy"]["rows"] == ROWS and entry["accuracy"]["source"] == "images.npz"
    assert "predictions" not in entry


def test_files_that_fail_here_or_there_are_reported(
    board: Board, model: Make, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    files = [tmp_path / "bad.tflite", model("wrong", wrong=1.0), model("good")]
    bad, wrong, good = board.measure(files)["models"]
    assert bad["status"] == "failed" and "TFL3" in bad["error"]
    assert wrong["status"] == "failed" and "wrong outputs" in wrong["error"]
    assert good["status"] == "ok" and good["latency"]["n"] == 128


def test_a_lost_connection_is_taken_up_again(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow, push = ssh.Session._look, ssh.Session._push
    cuts = {"push": 0, "look": 0}

    async def cut_push(self: ssh.Session, files: Any) -> None:
        if not cuts["push"]:
            cuts["push"] += 1
            board.proxy.cut()
        await push(self, files)

    async def cut_look(self: ssh.Session) -> str:
        cuts["look"] += 1
        if cuts["look"] in (2, 4):
            board.proxy.cut()
        return await follow(self)

    monkeypatch.setattr(ssh.Session, "_push", cut_push)
    monkeypatch.setattr(ssh.Session, "_look", cut_look)
    told = board.measure([model("first", hidden=150)], runs=1_000_000, seconds=3.0)
    assert told["complete"] and told["models"][0]["status"] == "ok"
    assert board.proxy.accepted >= 4  # the first and one after each cut


def test_a_run_that_is_killed_keeps_what_it_had(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = ssh.Session._look

    async def kill(self: ssh.Session) -> str:
        if (HOME / self._folder / "result.json").exists():  # the first checkpoint
            os.killpg(self._pid, signal.SIGKILL)
        return await look(self)

    monkeypatch.setattr(ssh.Session, "_look", kill)
    told = board.measure([model("first", hidden=150)], runs=1_000_000, seconds=30.0)
    assert not told["complete"] and "killed half-way" in " ".join(told["notes"])
    (entry,) = told["models"]
    assert entry["status"] == "partial" and 0 < entry["latency"]["n"] < 1_000_000


def test_ctrl_c_leaves_nothing_on_the_board(
    board: Board, model: Make, tmp_path: pathlib.Path
) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in board.settings.items()]
    options = [option for option in options if not option.startswith("--config")]
    command = [sys.executable, "-m", "xncaps_benchmark", str(model("first", hidden=150))]
    command += ["--target", f"ssh:{board.name}", "--runs", "1000000", "--seconds", "60", *options]
    before = set(HOME.glob("xncaps-bench-*"))
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, and so all it starts, ignores SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        for _ in range(600):
            if {path.parent for path in HOME.glob("xncaps-bench-*/progress")} - before:
                break
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and "interrupted" in error, error
    assert set(HOME.glob("xncaps-bench-*")) == before


def _unknown(board: Board) -> dict[str, Any]:
    path = pathlib.Path(board.settings["known_hosts"])
    path.write_text("")
    return {}


def _changed(board: Board) -> dict[str, Any]:
    path = pathlib.Path(board.settings["known_hosts"])
    key = board.other_key.with_suffix(".pub").read_text().split()[:2]
    path.write_text(f"[127.0.0.1]:{board.proxy.port} {' '.join(key)}\n")
    return {}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (_unknown, "its host key is not in known_hosts, or another one is"),
        (_changed, "its host key is not in known_hosts, or another one is"),
        (lambda board: {"identity": board.other_key}, "permission denied"),
        (lambda board: {"python": "no-such-python"}, "no-such-python"),
        (lambda board: {"python": "/bin/true"}, "its Python answered"),
        (lambda board: {"wheels": board.other_key.parent}, "expected xncaps_benchmark-0.1.0"),
        (lambda board: {"moon": 1}, "Received: .'moon'"),
    ],
    ids=["unknown", "changed", "denied", "no-python", "no-answer", "no-wheel", "setting"],
)
def test_bad_states_are_one_line(
    board: Board, model: Make, state: Callable[[Board], dict[str, Any]], message: str
) -> None:
    with pytest.raises(BenchmarkError, match=message) as caught:
        board.measure([model("first")], ssh=state(board))
    assert "\n" not in str(caught.value)


def test_nobody_there_is_one_line(board: Board, model: Make) -> None:
    board.proxy.close()
    with pytest.raises(BenchmarkError, match="cannot connect"):
        board.measure([model("first")])


def test_a_full_disk_is_said_before_anything_is_pushed(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = wheels.board

    def full(answer: dict[str, Any], host: str) -> wheels.Board:
        return told({**answer, "free": 1000}, host)

    monkeypatch.setattr(wheels, "board", full)
    with pytest.raises(BenchmarkError, match="storage is full: 0 MiB free"):
        board.measure([model("first")])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("pi", ("pi", None)),
        ("pi:2222", ("pi", 2222)),
        ("::1", ("::1", None)),
        ("[::1]:2222", ("::1", 2222)),
    ],
)
def test_hosts_have_ports(text: str, place: tuple[str, int | None]) -> None:
    assert ssh._port(text) == place


def test_a_port_that_is_none_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="expected HOST or HOST:PORT"):
        ssh._port("pi:ssh")
