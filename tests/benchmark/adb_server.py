"""A stand-in for an adb server with phones behind it: the wire protocol that the client library
speaks, a file system in a folder, a shell, and the demo app's benchmark screen (docs/android.md),
which runs jobs for real with LiteRT."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
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

import numpy as np

APP = "org.xncaps.demo"
SDCARD = f"/sdcard/Android/data/{APP}/files/bench"
TMP = "/data/local/tmp"


@dataclass
class Phone:
    """One device: its state, its files and how its app behaves."""

    root: pathlib.Path
    state: str = "device"
    app: bool = True
    alive: bool = False
    full: bool = False
    full_after: int | None = None  # so many files that are pushed
    gone_after: int | None = None  # likewise
    facts: dict[str, Any] = field(default_factory=dict)  # where not the app's usual ones
    end_facts: dict[str, Any] = field(default_factory=dict)  # where others at the end
    delegate: str | None = None
    slowness: float = 1.0
    on_run: Callable[[Phone, str, int], None] = field(default=lambda phone, state, done: None)
    on_command: Callable[[Phone, str], None] = field(default=lambda phone, command: None)
    commands: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    pushed: int = 0
    installed: str = ""  # SHA-256 of the APK
    jobs: list[dict[str, Any]] = field(default_factory=list)

    def path(self, name: str) -> pathlib.Path:
        """A path on the phone -> its place in our folder."""
        clean = pathlib.PurePosixPath(name)
        if ".." in clean.parts:
            raise ValueError(name)
        return self.root / str(clean).lstrip("/")

    def left(self) -> list[str]:
        """Files that are still there."""
        paths = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return [str(path) for path in paths if path.parts[0] not in ("sys", "dumpsys")]

    def tell(self, name: str, text: str) -> None:
        """A file of /sys, or what `dumpsys NAME` prints."""
        place = self.path(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

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
        }
        if words[0] in known:
            code, text = known[words[0]](words[1:])
            return f"{text}\nX4EXIT:{code}\n".encode()
        mapped = command
        for prefix in (SDCARD, TMP, "/sys/devices", "/sys/class"):
            mapped = mapped.replace(prefix, f"{self.root}{prefix}")
        if "dumpsys" in inner:
            mapped = f'dumpsys() {{ cat "{self.root}/dumpsys/$1" 2>&1; }}; {mapped}'
        if "getprop" in inner:
            mapped = f'getprop() {{ echo "value of $1"; }}; {mapped}'
        return subprocess.run(["sh", "-c", mapped], capture_output=True, check=False).stdout

    def _plain(self, words: list[str]) -> bytes:
        if words[0] in ("pm", "am"):
            return {"pm": self._pm, "am": self._am}[words[0]](words[1:])[1].encode()
        for name in words[1:]:
            if words[0] == "rm" and name.startswith(TMP):
                self.path(name).unlink(missing_ok=True)
        return b""

    def _free(self) -> int:
        return 1 if self.full else 50_000_000

    def _pm(self, rest: list[str]) -> tuple[int, str]:
        if rest[0] == "install":
            self.installed = hashlib.sha256(self.path(rest[-1]).read_bytes()).hexdigest()
            self.app = True
            return 0, "Success\n"
        return (0, f"package:/data/app/{APP}/base.apk") if self.app else (1, "")

    def _am(self, rest: list[str]) -> tuple[int, str]:
        if rest[0] == "force-stop":
            self.alive = False
            return 0, ""
        self.alive = True
        self.path(SDCARD).mkdir(parents=True, exist_ok=True)
        if "job_base64" in rest:
            text = base64.urlsafe_b64decode(rest[rest.index("job_base64") + 1]).decode()
            job = json.loads(text)
            self.jobs.append(job)
            threading.Thread(target=App(self, job).run, daemon=True).start()
        return 0, f"Starting: Intent {{ cmp={APP}/.measure.BenchmarkActivity }}"


class App:
    """What BenchmarkRunner does with a job."""

    def __init__(self, phone: Phone, job: dict[str, Any]) -> None:
        self.phone, self.job = phone, job
        self.folder = phone.path(SDCARD) / job["id"]

    def run(self) -> None:
        try:
            self._run()
        except FileNotFoundError:
            pass  # the host removed the folder

    def _run(self) -> None:
        status = {"version": 1, "id": self.job["id"], "total": self.job["runs"], "model": ""}
        self._write("status.json", {**status, "state": "loading", "done": 0, "error": None})
        models = [_Model(self, entry) for entry in self.job["models"]]
        for model in models:
            model.compute()
        done = 0
        while any(model.wants_more() for model in models):
            for model in models:
                if model.wants_more():
                    model.time()
            done += 1
            self._write(
                "status.json", {**status, "state": "measuring", "done": done, "error": None}
            )
            if done == 20:
                self._result(models, "partial")
            self.phone.on_run(self.phone, "measuring", done)
            if not self.phone.alive:
                return  # killed
        self._result(models, "done")
        self._write("status.json", {**status, "state": "done", "done": done, "error": None})

    def _result(self, models: list[_Model], state: str) -> None:
        facts = self.phone.facts or {
            "battery_percent": 80,
            "battery_celsius": 31.5,
            "charging": True,
            "thermal": "none",
            "cpus": [{"id": 0, "khz": 1_800_000, "max_khz": 2_000_000, "governor": "schedutil"}],
            "temperatures": {"cpu-0": 40.5},
        }
        self._write(
            "result.json",
            {
                "version": 1,
                "id": self.job["id"],
                "state": state,
                "error": None,
                "app": {"id": APP, "version": "0.1.0"},
                "device": {
                    "manufacturer": "Maker",
                    "model": "Phone 1",
                    "hardware": "hw",
                    "soc": "SoC 9",
                    "android": "14",
                    "sdk": 34,
                    "fingerprint": "maker/phone/1",
                    "abis": ["arm64-v8a"],
                    "cores": 8,
                },
                "runtime": {"tflite": "2.16.1", "delegate": self.phone.delegate},
                "method": {"warmup": self.job["warmup"], "cpus": self.job.get("cpus", [])},
                "start": facts,
                "end": self.phone.end_facts or facts,
                "models": [model.result() for model in models],
            },
        )

    def _write(self, name: str, content: dict[str, Any]) -> None:
        part = self.folder / f"{name}.part"
        part.write_text(json.dumps(content))
        part.rename(self.folder / name)


class _Model:
    def __init__(self, app: App, entry: dict[str, str]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        folder, self.phone = app.folder, app.phone
        self.folder, self.entry, self.job = folder, entry, app.job
        self.samples: list[int] = []
        self.error: str | None = None
        path = folder / entry["file"]
        self.sha = hashlib.sha256(path.read_bytes()).hexdigest()
        try:
            self.interpreter = Interpreter(model_path=str(path), num_threads=1)
            self.interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            self.error = str(error)

    def compute(self) -> None:
        if self.error or "inputs" not in self.entry:
            return
        (given,) = self.interpreter.get_input_details()
        (gives,) = self.interpreter.get_output_details()
        rows = np.fromfile(self.folder / self.entry["inputs"], given["dtype"])
        outputs = []
        for row in rows.reshape(-1, *given["shape"]):
            self.interpreter.set_tensor(given["index"], row)
            self.interpreter.invoke()
            outputs.append(self.interpreter.get_tensor(gives["index"]))
        np.concatenate(outputs).tofile(self.folder / f"{self.entry['name']}.outputs.bin")

    def wants_more(self) -> bool:
        spent = sum(self.samples) / 1e9
        if self.error or spent >= self.job["seconds"]:
            return False
        return len(self.samples) < self.job["runs"]

    def time(self) -> None:
        start = time.perf_counter_ns()
        self.interpreter.invoke()
        spent = time.perf_counter_ns() - start
        self.samples.append(int(spent if self.phone.slowness == 1 else 1e5 * self.phone.slowness))

    def result(self) -> dict[str, Any]:
        return {
            "name": self.entry["name"],
            "error": self.error,
            "sha256": self.sha,
            "load_ns": 5_000_000,
            "first_run_ns": 90_000,
            "pss_kb_added": 700,
            "runtime": "TensorFlow Lite 2.16.1"
            + (f" + {self.phone.delegate}" if self.phone.delegate else ""),
            "samples_ns": [] if self.error else self.samples,
        }


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
            path = phone.path(name)
            told = path.stat() if path.exists() else None
            numbers = (told.st_mode, told.st_size, int(told.st_mtime)) if told else (0, 0, 0)
            end.sendall(b"STAT" + struct.pack("<III", *numbers))
        elif kind == b"RECV":
            _send(phone.path(name), end)
            phone.fetched.append(name)
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
    phone.pushed += 1
    if phone.gone_after is not None and phone.pushed > phone.gone_after:
        phone.state = "offline"
        raise ConnectionAbortedError
    if phone.full_after is not None and phone.pushed > phone.full_after:
        phone.full = True
    place, _, mode = name.rpartition(",")
    content = b""
    while True:
        kind, size = stream.read(4), struct.unpack("<I", stream.read(4))[0]
        if kind == b"DONE":
            break
        content += stream.read(size)
    if phone.full:
        text = b"No space left on device"
        end.sendall(b"FAIL" + struct.pack("<I", len(text)) + text)
        return
    path = phone.path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.chmod(path, int(mode) & 0o777)
    end.sendall(b"OKAY" + struct.pack("<I", 0))
