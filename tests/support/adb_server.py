"""A stand-in for an adb server with phones behind it: the wire protocol that the client library
speaks, files by Android's rules, a shell, and the demo app."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import pathlib
import shlex
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from adb_app import App
from android_files import ADBD, SHELL, Storage
from android_files import APP as APP_PROCESS
from xncaps_benchmark.targets.channel import ACTIVITY
from xncaps_benchmark.targets.wire import PROTOCOL

APP = "org.xncaps.demo"
CAMERA = "org.xncaps.demo.camera.CameraActivity"
TMP = "/data/local/tmp"


@dataclass
class Phone:
    """One device: its state, its files and how its app behaves."""

    root: pathlib.Path
    state: str = "device"
    api: int = 34
    app: bool = True
    app_id: str = APP
    alive: bool = False
    full: bool = False
    full_after: int | None = None  # so many files that are pushed
    gone_after: int | None = None  # likewise
    socket_refused: bool = False  # by its SELinux policy
    protocol: int = PROTOCOL
    refuse: str = ""  # what the app says to a job
    facts: dict[str, Any] = field(default_factory=dict)  # where not the app's usual ones
    end_facts: dict[str, Any] = field(default_factory=dict)  # where others at the end
    delegate: str | None = None
    slowness: float = 1.0
    clocks_at: Callable[[int], dict[str, Any]] = field(default=lambda done: {})
    on_run: Callable[[Phone, str, int], None] = field(default=lambda phone, state, done: None)
    on_command: Callable[[Phone, str], None] = field(default=lambda phone, command: None)
    commands: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)  # services: sockets, commands' outputs
    pushed: int = 0
    installed: str = ""  # SHA-256 of the APK
    jobs: list[dict[str, Any]] = field(default_factory=list)
    started: dict[str, App] = field(default_factory=dict)  # by the name of its socket
    waiting: App | None = None  # with a job of a folder

    def __post_init__(self) -> None:
        self.storage = Storage(self.root, self.app_id, self.api)

    def left(self) -> list[str]:
        """Files that are still there."""
        return self.storage.files()

    def tell(self, name: str, text: str) -> None:
        """A file of /sys, or what `dumpsys NAME` prints."""
        place = self.storage.place(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def count_push(self) -> None:
        """A file comes: the device may go away, or be full."""
        self.pushed += 1
        if self.gone_after is not None and self.pushed > self.gone_after:
            self.state = "offline"
            raise ConnectionAbortedError
        if self.full_after is not None and self.pushed > self.full_after:
            self.full = True

    # -- the shell --------------------------------------------------------------------------

    def shell(self, command: str) -> bytes:
        """Runs a line: commands of Android here, the rest by /bin/sh on our folder."""
        self.commands.append(command)
        self.on_command(self, command)
        inner = command.partition("{ ")[2].rpartition("; } 2>&1; echo X4EXIT:$?")[0]
        if not inner:  # adb's own commands
            return self._plain(shlex.split(command))
        words = shlex.split(inner) if "$" not in inner else inner.split()
        known = {
            "pm": self._pm,
            "am": self._am,
            "pidof": lambda rest: (0, "4711") if self.alive else (1, ""),
            "df": lambda rest: (0, f"Filesystem 1K-blocks\nx 1000 10 {self._free()} 1%"),
            "input": lambda rest: (0, ""),
            "mkdir": self._files,
            "chmod": self._files,
            "rm": self._files,
        }
        if words[0] in known:
            code, text = known[words[0]](
                words if words[0] in ("mkdir", "chmod", "rm") else words[1:]
            )
            return f"{text}\nX4EXIT:{code}\n".encode()
        mapped = command
        for prefix in (TMP, "/sys/devices", "/sys/class"):
            mapped = mapped.replace(prefix, f"{self.root}{prefix}")
        if "dumpsys" in inner:
            mapped = f'dumpsys() {{ cat "{self.root}/dumpsys/$1" 2>&1; }}; {mapped}'
        if "getprop" in inner:
            mapped = (
                f"getprop() {{ case $1 in ro.build.version.sdk) echo {self.api};; "
                f'*) echo "value of $1";; esac; }}; {mapped}'
            )
        return subprocess.run(["sh", "-c", mapped], capture_output=True, check=False).stdout

    def _plain(self, words: list[str]) -> bytes:
        if words[0] in ("pm", "am"):
            return {"pm": self._pm, "am": self._am}[words[0]](words[1:])[1].encode()
        for name in words[1:]:
            if words[0] == "rm" and name.startswith(TMP):
                self.storage.remove(SHELL, name)
        return b""

    def _files(self, words: list[str]) -> tuple[int, str]:
        """mkdir, chmod and rm by Android's rules."""
        paths = [word for word in words[1:] if word.startswith("/")]
        modes = [int(word, 8) for word in words[1:] if word.isdigit()]
        try:
            for path in paths:
                if words[0] == "mkdir":
                    mode = modes[0] if modes else 0o777
                    self.storage.make_folder(SHELL, path, mode, parents="-p" in words)
                elif words[0] == "chmod":
                    self.storage.change_mode(SHELL, path, modes[0])
                else:
                    self.storage.remove(SHELL, path)
        except OSError as error:
            return 1, f"{words[0]}: {error}"
        return 0, ""

    def _free(self) -> int:
        return 1 if self.full else 50_000_000

    def _pm(self, rest: list[str]) -> tuple[int, str]:
        if rest[0] == "install":
            self.installed = hashlib.sha256(self.storage.read(SHELL, rest[-1])).hexdigest()
            self.app = True
            return 0, "Success\n"
        there = self.app and rest[-1] == self.app_id
        return (0, f"package:/data/app/{self.app_id}/base.apk") if there else (1, "")

    def _am(self, rest: list[str]) -> tuple[int, str]:
        if rest[0] == "force-stop":
            self.alive = False
            self.started.clear()
            return 0, ""
        component = rest[rest.index("-n") + 1]
        package, _, name = component.partition("/")
        if package == self.app_id and (package + name if name[0] == "." else name) == CAMERA:
            self.alive = True
            return 0, f"Starting: Intent {{ cmp={component} }}"
        if component != f"{self.app_id}/{ACTIVITY}":
            return 0, f"Error: Activity class {{{component}}} does not exist."
        self.alive = True
        extras = {rest[at + 1]: rest[at + 2] for at, word in enumerate(rest) if word == "--es"}
        started = App(self, extras)
        if "socket" in extras:
            self.started[extras["socket"]] = started
        if "folder" in extras:
            self.waiting = started
            if extras.get("out") == "files":
                threading.Thread(target=self._to_file, args=(started,), daemon=True).start()
        return 0, f"Starting: Intent {{ cmp={component} }}"

    def _to_file(self, started: App) -> None:
        frames = f"{self.storage.external}/files/measure/frames"
        self.storage.make_folder(
            APP_PROCESS, str(pathlib.PurePosixPath(frames).parent), 0o777, True
        )
        ours, theirs = socket.socketpair()
        threading.Thread(target=started.from_folder, args=(theirs,), daemon=True).start()
        content = b""
        with ours:
            while chunk := ours.recv(65536):  # as the frames come
                content += chunk
                self.storage.write(APP_PROCESS, frames, content)

    # -- services ---------------------------------------------------------------------------

    def connect(self, name: str, end: socket.socket) -> None:
        """localabstract:NAME: adbd may connect to sockets of apps, unless its policy forbids it."""
        self.opened.append(f"localabstract:{name}")
        started = self.started.get(name)
        if self.socket_refused or started is None:
            end.sendall(b"FAIL" + _block("closed"))
            return
        end.sendall(b"OKAY")
        started.serve(end)

    def output(self, command: str, end: socket.socket) -> None:
        """exec:COMMAND: what it prints, as it comes."""
        self.opened.append(f"exec:{command}")
        end.sendall(b"OKAY")
        words = shlex.split(command)
        if words[:2] == ["content", "read"]:
            if self.api < 28:
                end.sendall(b"[ERROR] Unsupported operation: read")
            elif (
                self.waiting is not None and words[-1] == f"content://{self.app_id}.measure/frames"
            ):
                self.waiting.from_folder(end)
            return
        self._follow(words, end)

    def _follow(self, words: list[str], end: socket.socket) -> None:
        """sh -c SCRIPT follow FOLDER FILE APP: by the machine's own sh, with the phone's rights."""
        assert words[0] == "sh", f"no command of Android 8: {words[0]}"
        path, running = words[5], self.root / "running"
        running.touch()
        script = f'pidof() {{ [ -e "{running}" ]; }}; sleep() {{ command sleep 0.02; }}; {words[2]}'
        places = [str(self.storage.place(name)) for name in words[4:6]]
        process = subprocess.Popen(["sh", "-c", script, *words[3:4], *places, words[6]], stdout=-1)
        threading.Thread(target=self._until_stopped, args=(process, running), daemon=True).start()
        assert process.stdout is not None
        with process, contextlib.suppress(OSError):  # the host closes it
            while content := process.stdout.read1():
                self.storage.read(SHELL, path)  # a real shell may not, where this raises
                end.sendall(content)

    def _until_stopped(self, process: subprocess.Popen[bytes], running: pathlib.Path) -> None:
        while process.poll() is None:
            if not self.alive:
                running.unlink(missing_ok=True)
            time.sleep(0.01)


class Server:
    """Listens on loopback; each connection is one exchange of the host protocol."""

    def __init__(self, phones: dict[str, Phone], version: int = 41) -> None:
        self.phones, self._version = phones, version
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                end, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(end,), daemon=True).start()

    def _serve(self, end: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):  # a phone that goes away ends the exchange
            self._exchange(end)

    def _exchange(self, end: socket.socket) -> None:
        with end, end.makefile("rb") as stream:
            phone: Phone | None = None
            while head := stream.read(4):
                command = stream.read(int(head, 16)).decode()
                if command == "host:version":
                    end.sendall(b"OKAY" + _block(f"{self._version:04x}"))
                    return
                if command == "host:devices":
                    rows = (f"{serial}\t{phone.state}\n" for serial, phone in self.phones.items())
                    end.sendall(b"OKAY" + _block("".join(rows)))
                    return
                if command.endswith(":features"):
                    end.sendall(b"OKAY" + _block(""))  # the protocol's first version, no more
                    return
                if command.startswith(("host:tport:", "host:transport")):
                    name = command.rpartition(":")[2]
                    any_of = list(self.phones)[:1] if name.endswith("any") else [name]
                    phone = self.phones.get(any_of[0]) if any_of else None
                    if problem := _problem(phone):
                        end.sendall(b"FAIL" + _block(problem))
                        return
                    end.sendall(b"OKAY" + (bytes(8) if "tport" in command else b""))
                elif phone is not None and command.startswith("shell:"):
                    told = phone.shell(command[6:])
                    if phone.state == "device":  # else it went away meanwhile
                        end.sendall(b"OKAY" + told)
                    return
                elif phone is not None and command.startswith("localabstract:"):
                    phone.connect(command.partition(":")[2], end)
                    return
                elif phone is not None and command.startswith("exec:"):
                    phone.output(command[5:], end)
                    return
                elif phone is not None and command == "sync:":
                    end.sendall(b"OKAY")
                    _sync(phone, stream, end)
                    return
                else:
                    end.sendall(b"FAIL" + _block(f"unknown host service: {command}"))
                    return


def _problem(phone: Phone | None) -> str:
    """What adb's server says of a device that is not ready."""
    if phone is None:
        return "no devices/emulators found"
    return "" if phone.state == "device" else f"device {phone.state}"


def _block(text: str) -> bytes:
    return f"{len(text.encode()):04x}{text}".encode()


def _sync(phone: Phone, stream: Any, end: socket.socket) -> None:
    while head := stream.read(8):
        kind, size = head[:4], struct.unpack("<I", head[4:])[0]
        if kind == b"QUIT":
            return
        name = stream.read(size).decode()
        if kind == b"STAT":
            path = phone.storage.place(name)
            told = path.stat() if path.exists() else None
            numbers = (told.st_mode, told.st_size, int(told.st_mtime)) if told else (0, 0, 0)
            end.sendall(b"STAT" + struct.pack("<III", *numbers))
        elif kind == b"RECV":
            _send(phone.storage.place(name), end)
        elif kind == b"SEND":
            _receive(phone, name, stream, end)


def _send(path: pathlib.Path, end: socket.socket) -> None:
    if not path.is_file():
        text = b"No such file or directory"
        end.sendall(b"FAIL" + struct.pack("<I", len(text)) + text)
        return
    content = path.read_bytes()
    for at in range(0, len(content), 65536):
        chunk = content[at : at + 65536]
        end.sendall(b"DATA" + struct.pack("<I", len(chunk)) + chunk)
    end.sendall(b"DONE" + struct.pack("<I", 0))


def _receive(phone: Phone, name: str, stream: Any, end: socket.socket) -> None:
    phone.count_push()
    place, _, mode = name.rpartition(",")
    content = b""
    while True:
        kind, size = stream.read(4), struct.unpack("<I", stream.read(4))[0]
        if kind == b"DONE":
            break
        content += stream.read(size)
    try:
        if phone.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        phone.storage.write(ADBD, place, content, int(mode) & 0o777)
    except OSError as error:
        text = str(error).encode()
        end.sendall(b"FAIL" + struct.pack("<I", len(text)) + text)
        return
    os.chmod(phone.storage.place(place), int(mode) & 0o777)
    end.sendall(b"OKAY" + struct.pack("<I", 0))
