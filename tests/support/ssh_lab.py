"""A real sshd on loopback, which tests change: this machine is the board."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from xncaps_benchmark import measure

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
        self.cut_at = 0  # cuts once, when so many bytes went to the board
        self.sent = 0
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
            for source, sink, count in ((near, far, self._count), (far, near, len)):
                arguments = (source, sink, count)
                threading.Thread(target=_copy, args=arguments, daemon=True).start()

    def _count(self, data: bytes) -> int:
        self.sent += len(data)
        if self.cut_at and self.sent > self.cut_at:
            self.cut_at = 0
            self.cut()
        return len(data)

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


def _copy(source: socket.socket, sink: socket.socket, count: Callable[[bytes], int]) -> None:
    try:
        source.settimeout(0.2)
        while source.fileno() >= 0:
            try:
                data = source.recv(65536)
            except TimeoutError:
                continue
            if not data:
                break
            count(data)
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
    keys: pathlib.Path  # folder with the keys host, client, walled, other
    root: pathlib.Path = HOME  # where the board's folders are made

    def wall(self, root: pathlib.Path, limits: str = "") -> Board:
        """The same board with another home, by a key whose command is forced."""
        (self.keys / "wall.sh").write_text(
            f"cd {root} && export HOME={root}\n{limits}\n"
            'case "$SSH_ORIGINAL_COMMAND" in\n'
            "  *sftp*) exec /usr/lib/openssh/sftp-server ;;\n"
            '  *) exec sh -c "$SSH_ORIGINAL_COMMAND" ;;\nesac\n'
        )
        settings = {**self.settings, "identity": self.keys / "walled"}
        return dataclasses.replace(self, settings=settings, root=root)

    def left(self) -> set[pathlib.Path]:
        return set(self.root.glob("xncaps-bench-*"))

    def measure(self, files: list[pathlib.Path], **options: Any) -> dict[str, Any]:
        ssh_options = {**self.settings, **options.pop("ssh", {})}
        return measure(files, f"ssh:{self.name}", ssh=ssh_options, **{**FAST, **options})


def running() -> set[str]:
    """Command lines of what was started for a measurement on the board."""
    found = set()
    for place in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # ended meanwhile
            text = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if text.startswith("sh -c echo $$ > pid") or "bench files/" in text:
                found.add(f"{place.parent.name} {text}")
    return found


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


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory, root: pathlib.Path) -> pathlib.Path:
    """The wheels that every board gets."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    for project in ("files", "benchmark"):
        subprocess.run(command, cwd=root / project, check=True, capture_output=True)
    return out


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, pathlib.Path]]:
    """A real sshd: (port, folder with its keys)."""
    folder = tmp_path_factory.mktemp("sshd")
    host, client, walled = (_key(folder / name) for name in ("host", "client", "walled"))
    _key(folder / "other")
    plain, forced = (key.with_suffix(".pub").read_text() for key in (client, walled))
    (folder / "authorised").write_text(f'{plain}command="sh {folder}/wall.sh" {forced}')
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    if os.getuid() == 0:
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {host}",
        f"AuthorizedKeysFile {folder}/authorised",
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
    before, processes = set(HOME.glob("xncaps-bench-*")), running()
    yield Board(proxy, settings, f"{USER}@127.0.0.1:{proxy.port}", folder)
    proxy.close()
    assert set(HOME.glob("xncaps-bench-*")) == before, "left on the board"
    end = time.monotonic() + 10
    while running() - processes and time.monotonic() < end:  # a shell outlives its folder a moment
        time.sleep(0.1)
    assert running() <= processes, "still runs on the board"
