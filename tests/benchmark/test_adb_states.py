"""Bad states of a phone, by the app and by benchmark_model: one line each, nothing left there."""

from __future__ import annotations

import pathlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from adb_lab import Lab
from adb_server import SDCARD, Phone

from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.targets import adb, phonerun

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
        ({"full_after": 1}, "adb", r"serial1: storage is full \(/.*host-.* was not written\)"),
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
    monkeypatch.setattr(adb, "_START_SECONDS", 0.2)

    def start(phone: Phone, rest: list[str]) -> tuple[int, str]:
        phone.alive = rest[0] != "force-stop"
        return 0, "Starting: Intent"

    monkeypatch.setattr(Phone, "_am", start)
    fails(lab, [model("a")], "org.xncaps.demo did not start its benchmark screen")
    error = "Error: Activity class does not exist."
    monkeypatch.setattr(Phone, "_am", lambda self, rest: (0, f"Starting: Intent\n{error}"))
    fails(lab, [model("a")], f"serial1: {error}")


def test_an_app_that_is_killed_at_once_is_one_line(lab: Lab, model: Make) -> None:
    def kill(phone: Phone, state: str, done: int) -> None:
        phone.alive = False

    lab.phone.on_run = kill
    fails(lab, [model("a")], r"the app ended without a result \(killed; adb logcat")


def test_a_device_that_goes_away_while_files_are_pushed_says_what_is_left(
    lab: Lab, model: Make, how: dict[str, Any]
) -> None:
    lab.phone.gone_after = 1
    said = fails(lab, [model("a")], "serial1: the device does not answer any more", adb=how)
    place = SDCARD if not how else "/data/local/tmp"
    assert f"({place}/" in said and "is left on serial1)" in said


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
    assert good["status"] == "ok" and good["latency"]["n"] == 1024


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
def test_ctrl_c_keeps_what_the_app_had(
    lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    tell = adb.AppRun._tell

    def interrupt(self: adb.AppRun, what: str, status: dict[str, Any], share: Any) -> None:
        tell(self, what, status, share)
        if what == "time" and status.get("done", 0) >= rounds:
            raise KeyboardInterrupt

    def wait(phone: Phone, state: str, done: int) -> None:
        if what_is_timed(phone) and done >= rounds:
            held.wait(30)

    held = threading.Event()
    lab.phone.on_run = wait
    monkeypatch.setattr(adb.AppRun, "_tell", interrupt)
    told = lab.measure([model("a")], runs=2000)
    held.set()
    assert not told["complete"] and "interrupted" in " ".join(told["notes"])
    (entry,) = told["models"]
    if rounds == 25:  # the app writes one at its 20th round
        assert entry["status"] == "partial" and entry["latency"]["n"] == 20
    else:
        assert entry["status"] == "failed" and entry["latency"] is None


def what_is_timed(phone: Phone) -> bool:
    return phone.jobs[-1]["runs"] > 0


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
