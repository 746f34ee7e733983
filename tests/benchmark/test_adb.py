"""The adb target: the real client library against a stand-in server, jobs carried out for real."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adb_lab import Lab, open_up
from adb_server import Phone
from android_files import Storage, Who
from benchmark_files import ROWS, Digits
from xncaps_benchmark import measure, plan, turns
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
    assert "turns" not in check and len(check["models"]) == 2
    assert [entry["name"] for entry in times["models"]] == ["01_good.tflite"]
    assert len(times["turns"]) == 64


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
    lab.measure(
        [model("a"), model("b")], threads=2, cooldown=0.5, cpus="0,2-3", seed=9, seconds=7.0
    )
    check, job = lab.phone.jobs
    wanted = {"threads": 2, "cpus": [0, 2, 3], "seconds": 7.0, "delegate": False}
    assert {key: job[key] for key in wanted} == wanted
    assert check["outputs"] is True and "turns" not in check and "outputs" not in job
    assert job["settle_runs"] == 2 and job["warm_up_runs"] == 16


def test_turns_are_planned_here(lab: Lab, model: Make) -> None:
    """Blocks of 16, every file once a round, in an order that the seed decides."""
    told = lab.measure([model("a"), model("b")], runs=1024, seed=3)
    planned = lab.phone.jobs[1]["turns"]
    assert len(planned) == 128 and {runs for _, runs in planned} == {16}
    rounds = [{planned[at][0], planned[at + 1][0]} for at in range(0, 128, 2)]
    assert rounds == [{0, 1}] * 64 and 10 < sum(planned[at][0] for at in range(0, 128, 2)) < 54
    lab.measure([model("a"), model("b")], runs=1024, seed=3)
    assert lab.phone.jobs[3]["turns"] == planned
    latency = told["models"][0]["latency"]
    assert latency["turns"] == [16] * 64 and told["method"]["rounds"] == 64
    assert latency["starts_s"] == sorted(latency["starts_s"]) and latency["starts_s"][-1] > 0
    assert told["method"]["order"] == turns.ORDER


def test_rests_are_planned_too() -> None:
    planned = turns.schedule(plan.Options(runs=64, cooldown=1.5), [2e6])
    order = adb.with_rests(planned, [2e6], plan.Options(runs=64, cooldown=1.5))
    assert order[:5] == [[0, 1], [0, 1], [-1, 1500], [0, 1], [0, 1]] and order[-1] == [0, 1]
    still = adb.with_rests(planned, [2e6], plan.Options(runs=64, cooldown=0))
    assert all(index == 0 for index, _ in still)


def test_what_is_far_beyond_the_seconds_is_not_planned() -> None:
    planned = turns.schedule(plan.Options(runs=1024, seconds=10), [1e6, 10.0])
    runs = [sum(turn.runs for turn in planned if turn.index == at) for at in (0, 1)]
    assert runs == [20, 1024]


def test_a_phone_rests_and_runs_often_by_default(lab: Lab, model: Make) -> None:
    settings = {"host": "127.0.0.1", "port": lab.server.port}
    told = measure([model("a")], "adb", adb=settings)
    assert told["method"]["cooldown_seconds"] == 10.0 and told["method"]["warm_up_seconds"] == 0.5
    assert lab.phone.jobs[1]["warm_up_seconds"] == 0.5 and lab.phone.jobs[1]["seconds"] == 60.0
    assert told["models"][0]["latency"]["n"] == 1024


def test_what_is_timed_is_said_truly(lab: Lab, model: Make) -> None:
    (entry,) = lab.measure([model("a")])["models"]
    assert entry["runtime"]["timed"].startswith("Interpreter.run: the input copied in")
    # What the interpreter itself says, beside the whole call: the stand-in takes 100 ns off.
    assert entry["runtime_us"] == pytest.approx(entry["latency"]["median_us"] - 0.1, abs=0.01)
    assert entry["runtime"]["accelerator"] == "cpu" and entry["runtime"]["delegate_nodes"] == 0


def test_clocks_are_those_of_the_run(lab: Lab, model: Make) -> None:
    def falls(done: int) -> dict[str, Any]:
        return {"policy0": {"khz": 2_000_000 if done < 32 else 1_000_000}, "policy4": "odd"}

    lab.phone.clocks_at = falls
    told = lab.measure([model("a")])
    assert told["state"]["clocks"] == {
        "how": "sampled maximum",
        "first_khz": [2_000_000],
        "last_khz": [1_000_000],
    }
    assert "the clock was at 50% of what it had been" in " ".join(told["notes"])


def test_nothing_asks_the_device_while_times_are_taken(lab: Lab, model: Make) -> None:
    seen: list[int] = []
    lab.phone.on_run = lambda phone, state, done: seen.append(len(phone.commands))
    lab.measure([model("a")])
    assert len(seen) == 64 and len(set(seen)) == 1


def test_the_socket_is_the_way_and_nothing_is_forwarded(lab: Lab, model: Make) -> None:
    told = lab.measure([model("a")])
    assert told["method"]["channel"] == "the app's local socket"
    (name,) = {opened for opened in lab.phone.opened if opened.startswith("localabstract:")}
    assert re.fullmatch(r"localabstract:xncaps-[0-9a-f]{32}", name)
    assert not [c for c in lab.phone.commands if "/sdcard" in c or "content" in c]
    assert lab.phone.pushed == 2  # the model and its inputs, over the socket


@pytest.mark.parametrize("api", [26, 27, 28, 30, 34, 36])
def test_where_the_socket_is_refused_files_go_another_way(
    lab: Lab, model: Make, tmp_path: pathlib.Path, api: int
) -> None:
    lab.phone = Phone(tmp_path / f"api{api}", api=api, socket_refused=True)
    lab.server.phones["serial1"] = lab.phone
    told = lab.measure([model("a"), model("b", hidden=3)])
    assert [entry["status"] for entry in told["models"]] == ["ok", "ok"], told["models"]
    assert told["models"][0]["verification"]["status"] == "verified"
    way = "the app's own" if api < 28 else "the app's provider"
    assert told["method"]["channel"].endswith("its local socket was refused")
    assert way in told["method"]["channel"]
    assert lab.phone.left() == []
    starts = [command for command in lab.phone.commands if "--es folder" in command]
    assert len(starts) == 2 and all(" -S " in command for command in starts)


def test_a_file_that_the_app_may_not_read_is_one_line(
    lab: Lab, model: Make, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modes are what the fallback lives by: 755 for its folder, 644 for its files."""
    lab.phone = Phone(tmp_path / "closed", socket_refused=True)
    lab.server.phones["serial1"] = lab.phone
    change = Storage.change_mode

    def close(self: Storage, who: Who, path: str, mode: int) -> None:
        change(self, who, path, 0o600)

    monkeypatch.setattr(Storage, "change_mode", close)
    with pytest.raises(BenchmarkError, match="org.xncaps.demo refused: .*Permission denied"):
        lab.measure([model("a")])


def test_an_app_with_a_suffix_is_found(lab: Lab, model: Make, tmp_path: pathlib.Path) -> None:
    lab.phone = Phone(tmp_path / "suffix", app_id="org.xncaps.demo.groceries")
    lab.server.phones["serial1"] = lab.phone
    told = lab.measure([model("a")], adb={"app": "org.xncaps.demo.groceries"})
    assert told["models"][0]["status"] == "ok"
    assert told["method"]["tool"] == "the app org.xncaps.demo.groceries"
    start = next(command for command in lab.phone.commands if "am start" in command)
    assert "org.xncaps.demo.groceries/org.xncaps.demo.measure.BenchmarkActivity" in start


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


def test_an_app_that_is_killed_leaves_what_it_had_sent(lab: Lab, model: Make) -> None:
    def kill(phone: Phone, state: str, done: int) -> None:
        if done == 30:
            phone.alive = False

    lab.phone.on_run = kill
    told = lab.measure([model("a")])
    (entry,) = told["models"]
    assert not told["complete"] and "killed half-way" in " ".join(told["notes"])
    assert entry["status"] == "partial" and entry["latency"]["n"] == 20
    assert entry["valid"] is False
    assert entry["invalid_because"][:2] == ["the run ended early", "20 runs of at least 64"]
    # What it could not delete it deletes when it is started once more.
    assert lab.phone.left() == []


def test_a_device_that_goes_away_is_one_line(lab: Lab, model: Make) -> None:
    def unplug(phone: Phone, state: str, done: int) -> None:
        if done == 5:
            phone.state = "offline"

    lab.phone.on_run = unplug
    with pytest.raises(BenchmarkError, match="serial1: the device does not answer any more"):
        lab.measure([model("a")], runs=2000)


def test_a_device_that_goes_away_leaves_what_was_sent(lab: Lab, model: Make) -> None:
    def unplug(phone: Phone, state: str, done: int) -> None:
        if done == 25:
            phone.state = "offline"

    lab.phone.on_run = unplug
    told = lab.measure([model("a")])
    notes = " ".join(told["notes"])
    assert not told["complete"] and "does not answer any more" in notes
    assert "is left on" not in notes  # the app deletes its files when its host is gone
    assert told["models"][0]["status"] == "partial" and told["models"][0]["latency"]["n"] == 20


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("job: threads: expected less", "refused: job: threads: expected less"),
        ("busy: another host measures", "refused: busy: another host measures"),
        ("storage: expected 7 bytes, got 1", "storage is full: storage: expected 7 bytes"),
    ],
)
def test_a_refusal_says_why(lab: Lab, model: Make, said: str, message: str) -> None:
    lab.phone.refuse = said
    with pytest.raises(BenchmarkError, match=f"serial1: org.xncaps.demo:? {message}"):
        lab.measure([model("a")])


def test_an_app_of_another_version_is_one_line(lab: Lab, model: Make) -> None:
    lab.phone.protocol = 3
    message = "speaks version 3 of the protocol, this host version 2: install the app"
    with pytest.raises(BenchmarkError, match=message):
        lab.measure([model("a")])


@pytest.mark.parametrize(
    "told",
    [
        [],
        [[0, [], []]],
        [[0, [5, -1], [1, 1]]],
        [[0, "fast", [1]]],
        [[0, [1, 2.5], [1, 1]]],
        [[-1, [5], [1]]],
        [[0, [5]]],
        ["turn"],
        [[0, [1 << 60], [1]]],
    ],
)
def test_times_of_a_device_are_looked_at(told: list[Any]) -> None:
    with pytest.raises(BenchmarkError, match="the app('s times are no times| has no times of it)"):
        appresult.times({}, told, 0, 0)


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
