"""Bad states of a phone, by the app and by benchmark_model: one line each, nothing left there."""

from __future__ import annotations

import pathlib
import re
import socket
import struct
import threading
import types
from collections.abc import Callable
from typing import Any

import pytest

from adb_app import App
from adb_lab import Lab
from adb_server import Phone
from android_files import SHELL, Storage, Who
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.targets import adb, channel, phonerun
from xncaps_benchmark.targets.wire import Frame

Make = Callable[..., pathlib.Path]
# The client library leaves a refused connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(params=["app", "benchmark_model"])
def how(request: pytest.FixtureRequest, tool: pathlib.Path) -> dict[str, Any]:
    """What `adb=` says for each of the two ways to measure."""
    return {} if request.param == "app" else {"benchmark_model": tool}


def fails(lab: Lab, files: list[pathlib.Path], message: str, **options: Any) -> str:
    """The one line that measuring ends with."""
    target = options.pop("target", "adb")
    with pytest.raises(BenchmarkError, match=message) as caught:
        lab.measure(files, target, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "target", "message"),
    [
        ({"state": "offline"}, "adb", "serial1 is offline: replug it, or adb reconnect"),
        ({"state": "unauthorized"}, "adb:serial1", "serial1 is unauthorised: accept"),
        ({"state": "no permissions; see"}, "adb", "serial1 is not accessible: add a udev rule"),
        ({"state": "recovery"}, "adb", "serial1 is in recovery: start Android"),
        ({"full": True}, "adb", "serial1: storage is full: 0 MiB free"),
        ({"full_after": 1}, "adb", "serial1: .*storage is full"),
        ({}, "adb:nobody", "no device nobody; there are: serial1"),
    ],
    ids=["offline", "unauthorised", "permissions", "recovery", "full", "fills up", "serial"],
)
def test_bad_states_are_one_line(
    lab: Lab,
    model: Make,
    how: dict[str, Any],
    change: dict[str, Any],
    target: str,
    message: str,
) -> None:
    for name, value in change.items():
        setattr(lab.phone, name, value)
    fails(lab, [model("a")], message, target=target, adb=how)


def test_no_device_and_several_are_one_line(lab: Lab, model: Make, how: dict[str, Any]) -> None:
    lab.server.phones["serial2"] = Phone(lab.phone.root)
    message = "several devices; choose with --target adb:SERIAL: serial1, serial2"
    fails(lab, [model("a")], message, adb=how)
    lab.server.phones.clear()
    fails(lab, [model("a")], "no device: plug one in", adb=how)


def test_no_server_is_one_line(lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # no adb that could start one
    fails(lab, [model("a")], "adb: no server answers, and none could be started", adb={"port": 1})


def test_an_app_that_is_missing_is_one_line(lab: Lab, model: Make) -> None:
    lab.phone.app = False
    message = "serial1: the app org.xncaps.demo is not installed: xncaps android install"
    fails(lab, [model("a")], message)


def test_an_app_that_does_not_start_is_one_line(
    lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(lab, [model("a")], "the app org.other.app is not installed", adb={"app": "org.other.app"})
    error = "Error: Activity class does not exist."
    monkeypatch.setattr(Phone, "_am", lambda self, rest: (0, f"Starting: Intent\n{error}"))
    fails(lab, [model("a")], f"serial1: {error}")


def test_an_app_that_ends_at_its_start_is_one_line(
    lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "_REFUSED_AFTER", 3.0)
    seconds = iter(range(1000))
    clock = types.SimpleNamespace(monotonic=lambda: next(seconds), sleep=lambda seconds: None)
    monkeypatch.setattr(channel, "time", clock)
    monkeypatch.setattr(Phone, "_am", lambda self, rest: (0, "Starting: Intent"))
    fails(lab, [model("a")], "serial1: org.xncaps.demo ended at its start")


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"GET / HTTP/1.1\r\n" + bytes(48), "expected a frame. Received: b'GET '"),
        (b"HELO" + struct.pack(">IQ", 0, 1 << 40) + bytes(32), "HELO: expected at most 4096 bytes"),
        (
            b"HELO" + struct.pack(">IQ", 1 << 30, 0) + bytes(32),
            "HELO: expected at most 4096 bytes and a name of 100",
        ),
        (b"HELO" + struct.pack(">IQ", 0, 2) + bytes(32) + b"{}", "HELO : its SHA-256 is another"),
        (b"HELO", "the connection ended"),
    ],
    ids=["another", "long", "name", "digest", "short"],
)
def test_an_app_that_speaks_something_else_is_one_line(
    lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch, sent: bytes, message: str
) -> None:
    def serve(self: App, end: socket.socket) -> None:
        end.sendall(sent)
        end.shutdown(socket.SHUT_WR)

    monkeypatch.setattr(App, "serve", serve)
    fails(lab, [model("a")], f"serial1: org.xncaps.demo: {re.escape(message)}")


def test_an_app_that_hangs_is_one_line(
    lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    monkeypatch.setattr(adb, "SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(channel, "_CONNECT_SECONDS", 0.3)
    lab.phone.on_run = lambda phone, state, done: held.wait(20) and None
    message = "the app hung or ended the job: serial1: org.xncaps.demo: no word within"
    fails(lab, [model("a")], message, warm_up=0.0)
    held.set()


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000], ids=["cut", "list", "bytes", "deep"]
)
def test_json_of_a_device_is_looked_at(content: bytes) -> None:
    with pytest.raises(BenchmarkError, match="the app's RSLT: expected"):
        Frame(b"RSLT", "", content).json()


def test_an_app_that_is_killed_at_once_is_one_line(lab: Lab, model: Make) -> None:
    def kill(phone: Phone, state: str, done: int) -> None:
        phone.alive = False

    lab.phone.on_run = kill
    fails(lab, [model("a")], "the app was killed half-way: serial1: .*the connection ended")


@pytest.mark.parametrize("api", [27, 34], ids=["the app's own file", "provider"])
def test_an_app_that_is_killed_leaves_what_it_had_sent_by_files(
    lab: Lab, model: Make, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, api: int
) -> None:
    """Where the socket is refused: what was sent between the turns is there, as over the socket."""

    def kill(phone: Phone, state: str, done: int) -> None:
        phone.alive = phone.alive and done < 25

    monkeypatch.setattr(adb, "SILENCE_SECONDS", 0.5)
    lab.phone = Phone(tmp_path / f"api{api}", api=api, socket_refused=True)
    lab.server.phones["serial1"] = lab.phone
    lab.phone.on_run = kill
    told = lab.measure([model("a")], warm_up=0.0)
    assert not told["complete"] and "the app was killed half-way" in " ".join(told["notes"])
    (entry,) = told["models"]  # the stand-in sends what it has at its 20th turn
    assert entry["status"] == "partial" and entry["latency"]["n"] == 20


def test_the_file_of_frames_is_followed_no_longer_than_the_app_lives(
    lab: Lab, model: Make, tmp_path: pathlib.Path
) -> None:
    """Android 8, where the socket is refused: what ends is seen, not waited for."""

    def kill(phone: Phone, state: str, done: int) -> None:
        phone.alive = phone.alive and done < 25

    lab.phone = Phone(tmp_path / "api26", api=26, socket_refused=True)
    lab.server.phones["serial1"] = lab.phone
    lab.phone.on_run = kill
    told = lab.measure([model("a")], warm_up=0.0)  # with the usual silence of minutes
    assert "the connection ended" in " ".join(told["notes"])
    assert told["models"][0]["status"] == "partial"
    assert not [command for command in lab.phone.opened if "tail" in command]


def test_frames_that_the_shell_may_not_read_are_never_seen(
    lab: Lab, model: Make, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adb, "_LOAD_SECONDS", 0.5)
    lab.phone = Phone(tmp_path / "api27", api=27, socket_refused=True)
    lab.server.phones["serial1"] = lab.phone
    read = Storage.read

    def refuse(self: Storage, who: Who, path: str) -> bytes:
        if path.startswith("/sdcard") and who is SHELL:
            raise PermissionError(path)
        return read(self, who, path)

    monkeypatch.setattr(Storage, "read", refuse)
    fails(lab, [model("a")], "serial1: org.xncaps.demo: no word within")


def test_a_device_that_goes_away_while_files_are_pushed_says_what_is_left(
    lab: Lab, model: Make, how: dict[str, Any]
) -> None:
    lab.phone.gone_after = 1
    if how:
        said = fails(lab, [model("a")], "serial1: the device does not answer any more", adb=how)
        assert "(/data/local/tmp/" in said and "is left on serial1)" in said
    else:  # the app deletes its files when its host is gone
        said = fails(lab, [model("a")], "serial1: org.xncaps.demo: the connection ended", adb=how)
        assert "is left" not in said


def test_a_tool_that_is_killed_half_way_has_no_time(
    lab: Lab, model: Make, tool: pathlib.Path
) -> None:
    """One file's third round dies; the other file is measured on."""
    text = tool.read_text()
    mark = tool.with_name("rounds")
    kill = (
        f"import signal\nopen({str(mark)!r}, 'a').write('x')\n"
        f"if 'bad' in given['graph'] and len(open({str(mark)!r}).read()) > 5:\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    tool.write_text(text.replace("print('''", kill + "print('''", 1))
    told = lab.measure([model("bad"), model("good")], adb={"benchmark_model": tool})
    bad, good = told["models"]
    assert bad["status"] == "failed" and bad["latency"] is None
    assert "benchmark_model: " in bad["error"] and "Killed" in bad["error"]
    assert (good["status"], good["error"]) == ("ok", None)
    assert good["latency"]["n"] == 1024


def test_a_device_that_goes_away_leaves_the_rounds_of_the_tool(
    lab: Lab, model: Make, tool: pathlib.Path
) -> None:
    def unplug(phone: Phone, command: str) -> None:
        ran = [text for text in phone.commands if "--graph=" in text]
        phone.state = "offline" if len(ran) > 3 else phone.state

    lab.phone.on_command = unplug
    told = lab.measure([model("a")], adb={"benchmark_model": tool})
    notes = " ".join(told["notes"])
    assert not told["complete"] and "does not answer any more" in notes
    assert "is left on serial1" in notes
    (entry,) = told["models"]
    assert entry["status"] == "partial" and len(entry["latency"]["samples_us"]) == 3


@pytest.mark.parametrize("rounds", [25, 3], ids=["with times", "without"])
def test_ctrl_c_keeps_what_the_app_had_sent(
    lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    follow = adb.AppRun._follow

    def interrupt(self: adb.AppRun, frame: Frame, found: dict[int, list[Any]]) -> None:
        follow(self, frame, found)
        if frame.kind == b"STAT" and frame.json()["done"] >= rounds:
            raise KeyboardInterrupt

    monkeypatch.setattr(adb.AppRun, "_follow", interrupt)
    told = lab.measure([model("a")])
    assert not told["complete"] and "interrupted" in " ".join(told["notes"])
    (entry,) = told["models"]
    if rounds == 25:  # the stand-in sends what it has at its 20th turn
        assert entry["status"] == "partial" and entry["latency"]["n"] == 20
    else:
        assert entry["status"] == "failed" and entry["latency"] is None


def test_ctrl_c_keeps_the_rounds_of_the_tool(
    lab: Lab, model: Make, tool: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def progress(what: str, share: float) -> None:
        seen.append(what)
        if len([what for what in seen if what.startswith("measuring")]) == 4:
            raise KeyboardInterrupt

    made = phonerun.PhoneRun.__init__

    def init(self: Any, *arguments: Any) -> None:
        made(self, *arguments)
        self.progress = progress

    monkeypatch.setattr(phonerun.PhoneRun, "__init__", init)
    told = lab.measure([model("a")], adb={"benchmark_model": tool})
    assert not told["complete"] and "interrupted" in " ".join(told["notes"])
    assert told["models"][0]["status"] == "partial"
    assert len(told["models"][0]["latency"]["samples_us"]) == 3
