"""The adb target: the real client library against a stand-in server, jobs carried out for real."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from adb_lab import Lab, open_up
from adb_server import SDCARD, Phone
from benchmark_files import ROWS, Digits

from xncaps_benchmark import measure
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.report import render
from xncaps_benchmark.targets import adb, appresult

Make = Callable[..., pathlib.Path]
# The client library leaves a refused connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_the_app_measures(lab: Lab, model: Make) -> None:
    told = lab.measure([model("first"), model("second", hidden=3)], threads=2, seed=5)
    assert told["complete"] and told["target"] == {"kind": "adb", "name": "adb:serial1"}
    first, second = told["models"]
    assert (first["status"], second["status"]) == ("ok", "ok")
    assert first["verification"]["status"] == "verified" and first["verification"]["rows"] == ROWS
    assert first["latency"]["n"] == 64 and first["latency"]["turns"] == [1] * 64
    assert first["load_us"] == 5000 and first["runtime"]["name"] == "litert"
    assert first["accuracy"]["rows"] == ROWS and first["samples"]
    assert told["machine"]["device"] == "Maker Phone 1" and told["machine"]["android"] == "14"
    assert told["state"]["start"]["governors"] == ["schedutil"]
    assert told["state"]["end"]["temperatures_c"] == {"cpu-0": 40.5}
    assert told["state"]["start"]["battery_percent"] == 80
    assert told["ratios"][0]["baseline"] == "first"
    assert "adb:serial1" in render([told])


def test_outputs_are_compared_before_anything_is_timed(lab: Lab, model: Make) -> None:
    told = lab.measure([model("wrong", wrong=1.0), model("good")])
    wrong, good = told["models"]
    assert wrong["status"] == "failed" and "wrong outputs" in wrong["error"]
    assert wrong["latency"] is None and good["status"] == "ok"
    check, times = lab.phone.jobs
    assert check["runs"] == 0 and len(check["models"]) == 2
    assert times["runs"] == 64 and [entry["name"] for entry in times["models"]] == [
        "01_good.tflite"
    ]


def test_the_shell_tells_what_the_app_cannot(lab: Lab, model: Make) -> None:
    open_up(lab.phone)

    def hide(phone: Phone, state: str, done: int) -> None:
        phone.facts = {"battery_percent": 80, "cpus": [], "temperatures": {}, "thermal": None}
        phone.tell("/dumpsys/thermalservice", "Thermal Status: 3\n")

    lab.phone.on_run = hide
    told = lab.measure([model("a")])
    start, end = told["state"]["start"], told["state"]["end"]
    assert start["governors"] == ["schedutil", "walt"]
    assert end["frequencies_khz"] == [1_800_000, 2_800_000]
    assert start["temperatures_c"] == {"skin therm": 38.2}
    assert (start["battery_percent"], start["battery_temperature_c"]) == (80, 31.5)
    assert start["charging"] is True and len(start["load"]) == 3
    assert (start["thermal_status"], end["thermal_status"]) == ("none", "severe")
    assert "thermal status went from none to severe" in " ".join(told["notes"])
    assert told["machine"]["memory_bytes"] > 1e8
    page = render([told])
    for words in ("80 %, 31.5 °C at the start", "severe at the end", "walt", "38.2 °C"):
        assert words in page


def test_the_job_says_how_to_measure(lab: Lab, model: Make) -> None:
    lab.measure([model("a")], threads=3, cooldown=0.5, cpus="0,2-3", seed=9, seconds=7.0)
    job = lab.phone.jobs[1]
    wanted = {
        "threads": 3,
        "cooldown": 0.5,
        "cpus": [0, 2, 3],
        "seed": 9,
        "seconds": 7.0,
        "runs": 64,
    }
    assert {key: job[key] for key in wanted} == wanted
    assert job["delegate"] is False and job["version"] == 1


def test_a_phone_rests_and_runs_often_by_default(lab: Lab, model: Make) -> None:
    settings = {"host": "127.0.0.1", "port": lab.server.port}
    told = measure([model("a")], "adb", adb=settings)
    check, job = lab.phone.jobs
    assert (job["cooldown"], job["runs"], job["seconds"], job["warmup"]) == (10.0, 1024, 60.0, 16)
    assert check["cooldown"] == 0 and told["method"]["cooldown_seconds"] == 10.0
    assert told["models"][0]["latency"]["n"] == 1024


def test_pictures_of_a_folder_are_the_same_here_and_there(
    lab: Lab, model: Make, digits: Digits, tmp_path: pathlib.Path
) -> None:
    right = digits.write_pictures(tmp_path / "photos", 30)
    (entry,) = lab.measure([model("a")], accuracy=tmp_path / "photos")["models"]
    assert entry["agreement"] == {"rows": 30, "equal": 30, "data": "photos"}
    assert entry["accuracy"]["correct"] == right and entry["accuracy"]["rows"] == 30


def test_ops_of_our_own_ask_for_the_delegate(lab: Lab, model: Make) -> None:
    (entry,) = lab.measure([model("fused", custom="XnCapsOdr")])["models"]
    assert lab.phone.jobs[0]["delegate"] is True
    assert entry["status"] == "failed" and "XnCapsOdr" in entry["error"]


def test_predictions_are_compared_with_the_hosts(
    lab: Lab, model: Make, digits: Digits, tmp_path: pathlib.Path
) -> None:
    images = tmp_path / "images.npz"
    np.savez(images, inputs=digits.images, labels=digits.labels)
    (entry,) = lab.measure([model("a", expected=False)], accuracy=images)["models"]
    assert entry["agreement"] == {"rows": ROWS, "equal": ROWS, "data": "images.npz"}
    assert entry["accuracy"]["rows"] == ROWS
    assert entry["verification"]["status"] == "not verified"


def test_an_app_that_is_killed_leaves_its_partial_result(lab: Lab, model: Make) -> None:
    def kill(phone: Phone, state: str, done: int) -> None:
        if done == 30:
            phone.alive = False

    lab.phone.on_run = kill
    told = lab.measure([model("a")])
    (entry,) = told["models"]
    assert not told["complete"] and "killed half-way" in " ".join(told["notes"])
    assert entry["status"] == "partial" and entry["latency"]["n"] == 20


def test_a_device_that_goes_away_is_one_line(lab: Lab, model: Make) -> None:
    def unplug(phone: Phone, state: str, done: int) -> None:
        if done == 5:
            phone.state = "offline"

    lab.phone.on_run = unplug
    with pytest.raises(BenchmarkError, match="serial1: the device does not answer any more"):
        lab.measure([model("a")], runs=2000)


def test_a_device_that_goes_away_leaves_what_was_fetched(
    lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adb, "_PARTIAL_SECONDS", 0.1)

    def unplug(phone: Phone, state: str, done: int) -> None:
        if done == 25:  # the partial result of the 20th round is there: let the host fetch it
            before, end = phone.fetched.count(result(phone)), time.monotonic() + 30
            while phone.fetched.count(result(phone)) == before and time.monotonic() < end:
                time.sleep(0.02)
            phone.state = "offline"

    def result(phone: Phone) -> str:
        return f"{SDCARD}/{phone.jobs[-1]['id']}/result.json"

    lab.phone.on_run = unplug
    told = lab.measure([model("a")], runs=2000)
    assert not told["complete"] and "does not answer any more" in " ".join(told["notes"])
    assert told["models"][0]["status"] == "partial" and told["models"][0]["latency"]["n"] == 20


def test_a_rejected_job_says_why(lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def reject(self: Phone, rest: list[str]) -> tuple[int, str]:
        self.alive = rest[0] != "force-stop"
        self.path(SDCARD).mkdir(parents=True, exist_ok=True)
        if "job_base64" in rest:
            (self.path(SDCARD) / "rejected.json").write_text('{"error": "threads: expected less"}')
        return 0, ""

    monkeypatch.setattr(Phone, "_am", reject)
    with pytest.raises(BenchmarkError, match="the app refused the job: threads: expected less"):
        lab.measure([model("a")])


@pytest.mark.parametrize("times", [1, 99], ids=["once", "always"])
def test_a_busy_app_is_asked_again(
    lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    start, refused = Phone._am, []
    monkeypatch.setattr(
        adb.time, "sleep", lambda seconds, sleep=time.sleep: sleep(min(seconds, 0.1))
    )

    def busy(self: Phone, rest: list[str]) -> tuple[int, str]:
        if "job_base64" in rest and len(refused) < times:
            refused.append(rest)
            text = '{"error": "busy: expected the running job to end first"}'
            (self.path(SDCARD) / "rejected.json").write_text(text)
            return 0, ""
        return start(self, rest)

    monkeypatch.setattr(Phone, "_am", busy)
    if times == 1:
        assert lab.measure([model("a")])["models"][0]["status"] == "ok"
    else:
        with pytest.raises(BenchmarkError, match="the app is busy with another job"):
            lab.measure([model("a")])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"samples_ns": []}, "no times"),
        ({"samples_ns": [5, -1]}, "no times"),
        ({"samples_ns": "fast"}, "no times"),
        ({"samples_ns": [1, 2.5]}, "no times"),
    ],
    ids=["empty", "negative", "text", "float"],
)
def test_times_of_a_device_are_looked_at(answer: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchmarkError, match=message):
        appresult.times({}, answer, 0)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_json_of_a_device_is_looked_at(content: bytes) -> None:
    with pytest.raises(BenchmarkError, match="the app's result.json"):
        appresult.read_json(content, "result.json")


def test_clusters_come_from_the_devices_cores() -> None:
    capacity = "\n".join(f"{n} {(250, 250, 250, 250, 760, 760, 760, 1024)[n]}|18" for n in range(8))
    assert appresult.strengths(capacity)[7] == 1024
    hidden = "0 |1800000\n1 |2800000\ncpufreq |\nsh: permission denied"
    assert appresult.strengths(hidden) == {0: 1_800_000, 1: 2_800_000}
    assert appresult.mask([4, 5, 6, 7]) == "f0"


def test_big_is_all_but_the_weakest_cluster(lab: Lab, model: Make) -> None:
    for cpu, khz in enumerate([18, 18, 18, 18, 24, 24, 24, 28]):
        lab.phone.tell(f"/sys/devices/system/cpu/cpu{cpu}/cpufreq/cpuinfo_max_freq", f"{khz}00000")
    told = lab.measure([model("a")], cpus="big", threads=2)
    assert told["method"]["cpus"] == [4, 5, 6, 7]
    with pytest.raises(BenchmarkError, match="--threads: expected at most as many as --cpus picks"):
        lab.measure([model("a")], cpus="0-1", threads=3)
