"""Every field that a result records of how, on what and in which state it was measured."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import pathlib
import platform
import time
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adb_lab import Lab, open_up
from adb_server import Phone
from benchmark_files import ROWS
from ssh_lab import Board
from xncaps_benchmark import clocks, machine, measure, stats, terminal
from xncaps_benchmark.report import render
from xncaps_benchmark.targets import local

Make = Callable[..., pathlib.Path]
FAST: dict[str, Any] = {"runs": 128, "seconds": 5.0, "warm_up": 0.02}
# The client library leaves a refused connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Requests:
    """What the children are asked, in order; `answer` may change what they say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[str, str, dict[str, Any]]] = []
        self.answer: Callable[[str, dict[str, Any]], None] = lambda do, told: None
        ask = local.Child.ask

        def spy(child: local.Child, do: str, timeout: float, **more: Any) -> dict[str, Any]:
            self.seen.append((do, child.job.record["name"], more))
            told = ask(child, do, timeout, **more)
            self.answer(do, told)
            return told

        monkeypatch.setattr(local.Child, "ask", spy)


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    return Requests(monkeypatch)


def test_defaults_are_those_of_a_figure_that_is_quoted(model: Make, requests: Requests) -> None:
    told = measure([model("a"), model("b")])
    assert told["method"] == {
        "order": "interleaved: each round gives every file one turn, in seeded random order",
        "seed": 0,
        "runs": 1024,
        "seconds": 60.0,
        "rounds": 64,
        "settle_runs": 2,
        "block_runs": 16,
        "minimum_runs": 64,
        "minimum_seconds": 0.01,
        "process": "a child process of this program for each file",
        "memory": "the process's peak resident set since the file was loaded",
        "warm_up_seconds": 0.5,
        "cooldown_seconds": 1.0,
        "threads": 1,
        "cpus": [],
        "baseline": "a",
    }
    assert [entry["latency"]["n"] for entry in told["models"]] == [1024, 1024]
    assert told["complete"] and told["notes"] == []
    order = [do for do, _, _ in requests.seen]
    # Both are checked, and warm directly before the first turn; memory is asked after the last.
    assert order[:6] == ["load", "check"] * 2 + ["warm_up"] * 2
    assert order[6:-2] == ["turn"] * 128 and order[-2:] == ["memory"] * 2
    assert [more["seconds"] for do, _, more in requests.seen if do == "warm_up"] == [0.5, 0.5]
    assert {more["settle"] for do, _, more in requests.seen if do == "turn"} == {2}
    assert {more["threads"] for do, _, more in requests.seen if do == "load"} == {1}


def test_times_are_the_workers_own(model: Make, requests: Requests) -> None:
    measured: dict[str, list[int]] = {"ns": []}

    def keep(do: str, answer: dict[str, Any]) -> None:
        measured["ns"] += answer.get("ns", [])
        measured.update({key: answer[key] for key in ("load_us", "first_run_us") if key in answer})

    requests.answer = keep
    (entry,) = measure([model()], **FAST)["models"]
    us = np.array(measured["ns"]) / 1e3
    assert (entry["load_us"], entry["first_run_us"]) == (
        measured["load_us"],
        measured["first_run_us"],
    )
    assert entry["first_run_us"] >= entry["latency"]["min_us"]
    latency = entry["latency"]
    assert latency["n"] == len(us) == 128
    wanted = {
        "min_us": us.min(),
        "median_us": np.median(us),
        "mean_us": us.mean(),
        "std_us": us.std(ddof=1),
        "p90_us": np.percentile(us, 90),
        "p99_us": np.percentile(us, 99),
    }
    assert {key: latency[key] for key in wanted} == pytest.approx(wanted, abs=2e-3)
    np.testing.assert_allclose(latency["samples_us"], us, atol=1e-3)
    memory = entry["memory"]
    assert memory["peak_bytes"] >= memory["before_load_bytes"] > 1e6


def test_the_ratio_has_a_bootstrap_interval(model: Make) -> None:
    told = measure([model("a"), model("b", hidden=4)], seed=3, **FAST)
    a, b = (entry["latency"] for entry in told["models"])
    (ratio,) = told["ratios"]
    assert ratio == {"baseline": "a", "model": "b", **stats.ratio(a, b, 3)}
    assert ratio["confidence"] == 0.95 and ratio["low"] < ratio["ratio"] < ratio["high"]


@pytest.mark.parametrize(("cooldown", "rests"), [(0.01, 64), (0.0, 0)])
def test_the_machine_rests_between(
    model: Make, monkeypatch: pytest.MonkeyPatch, cooldown: float, rests: int
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(local.plan, "COOLDOWN_EVERY_SECONDS", 0.0)
    clock = types.SimpleNamespace(monotonic=time.monotonic, sleep=slept.append)
    monkeypatch.setattr(local, "time", clock)
    told = measure([model()], cooldown=cooldown, **FAST)
    assert slept == [cooldown] * rests and told["method"]["cooldown_seconds"] == cooldown


def test_affinity_is_the_childs_own(model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, turn = set(), local.Measurement._turn

    def spy(self: local.Measurement, child: local.Child, runs: int) -> None:
        seen.add(frozenset(os.sched_getaffinity(child._process.pid)))
        turn(self, child, runs)

    monkeypatch.setattr(local.Measurement, "_turn", spy)
    last = max(os.sched_getaffinity(0))
    told = measure([model()], cpus=str(last), **FAST)
    assert seen == {frozenset({last})} and told["method"]["cpus"] == [last]


SYS = {
    "devices/system/cpu/cpufreq/policy0/scaling_governor": ("schedutil", "powersave"),
    "devices/system/cpu/cpufreq/policy0/scaling_cur_freq": ("2000000", "1000000"),
    "class/thermal/thermal_zone0/temp": ("41500", "83000"),
    "class/thermal/thermal_zone0/type": ("cpu", "cpu"),
    "class/power_supply/battery/capacity": ("87", "86"),
    "class/power_supply/battery/type": ("Battery", "Battery"),
    "class/power_supply/battery/temp": ("312", "390"),
    "class/power_supply/battery/status": ("Discharging", "Charging"),
    "class/power_supply/battery/current_now": ("-350000", "410000"),
}
START = {
    "governors": ["schedutil"],
    "frequencies_khz": [2_000_000],
    "temperatures_c": {"thermal_zone0 cpu": 41.5},
    "battery_percent": 87,
    "battery_temperature_c": 31.2,
    "battery_current_ma": -350.0,
    "charging": False,
}
END = {
    "governors": ["powersave"],
    "frequencies_khz": [1_000_000],
    "temperatures_c": {"thermal_zone0 cpu": 83.0},
    "battery_percent": 86,
    "battery_temperature_c": 39.0,
    "battery_current_ma": 410.0,
    "charging": True,
}


def test_the_state_is_recorded_at_the_start_and_at_the_end(
    model: Make, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(which: int) -> None:
        for name, texts in SYS.items():
            path = tmp_path / "sys" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{texts[which]}\n")

    turn = local.Measurement._turn

    def heat(self: local.Measurement, child: local.Child, runs: int) -> None:
        turn(self, child, runs)
        write(1)

    write(0)
    monkeypatch.setattr(machine, "state", functools.partial(machine.state, tmp_path / "sys"))
    monkeypatch.setattr(clocks, "read", functools.partial(clocks.read, tmp_path / "sys"))
    monkeypatch.setattr(local.Measurement, "_turn", heat)
    told = measure([model()], **FAST)
    for when, wanted in (("start", START), ("end", END)):
        load = told["state"][when].pop("load")
        assert len(load) == 3 and told["state"][when] == wanted
    assert "the clock was at 50% of what it had been (throttling?)" in told["notes"]


def test_the_machine_and_its_runtimes_are_told(model: Make) -> None:
    told = measure([model()], **FAST)
    there = told["machine"]
    assert there.pop("runtimes")["ai-edge-litert"] == importlib.metadata.version("ai-edge-litert")
    assert there == machine.describe()
    assert there["build"] == platform.version()[:300] and there["cpu"] and there["os"]
    version = importlib.metadata.version("ai-edge-litert")
    assert told["models"][0]["runtime"] == {
        "name": "litert",
        "version": f"ai-edge-litert {version}",
        "timed": "invoke",
        "details": {},
        "accelerator": "cpu",
        "delegate_nodes": None,
    }


def test_throttling_is_said_everywhere(model: Make, requests: Requests) -> None:
    turns = []

    def slow_down(do: str, told: dict[str, Any]) -> None:
        if do == "turn":
            turns.append(do)
            told["ns"] = [int(100_000 * (1 + len(turns) / 64))] * len(told["ns"])

    requests.answer = slow_down
    told = measure([model("a")], **FAST)
    (entry,) = told["models"]
    assert entry["drift"]["slowed"] and entry["drift"]["ratio"] == pytest.approx(1.64, abs=0.03)
    assert entry["drift"]["low"] > 1.05
    words = "slower at the end than at the start (throttling or load?): a"
    assert words in told["notes"]
    assert words in " ".join(terminal.table(told).split())
    assert "slower at the end than at the start" in render([told])


def test_what_is_not_verified_and_what_failed_is_said_everywhere(model: Make) -> None:
    told = measure([model("loose", expected=False), model("wrong", wrong=1.0)], **FAST)
    loose, wrong = told["models"]
    assert (loose["verification"]["status"], loose["verification"]["rows"]) == ("not verified", 0)
    assert "no stored outputs" in loose["verification"]["reason"]
    assert wrong["status"] == "failed"
    assert wrong["latency"] is None and wrong["drift"] is None and told["ratios"] == []
    text = terminal.table(told)
    assert "not verified" in text and "failed" in text
    page = render([told])
    assert "not verified" in page and "failed: wrong outputs" in page


def test_a_board_is_told_with_all_of_it(board: Board, model: Make) -> None:
    began = time.time()
    told = measure([model("a")], f"ssh:{board.name}", ssh=board.settings, threads=2, seed=4)
    method = told["method"]
    assert (method["runs"], method["seconds"], method["warm_up_seconds"]) == (1024, 60.0, 0.5)
    assert (method["cooldown_seconds"], method["threads"], method["seed"]) == (5.0, 2, 4)
    (entry,) = told["models"]
    assert entry["latency"]["n"] == 1024 and entry["verification"]["rows"] == ROWS
    for key in ("load_us", "first_run_us", "copy_us"):
        assert entry[key] > 0
    assert entry["memory"]["peak_bytes"] > 1e6 and entry["drift"]["ratio"] is not None
    there = told["machine"]
    assert there.pop("runtimes")["ai-edge-litert"] == importlib.metadata.version("ai-edge-litert")
    assert there == machine.describe()
    assert set(told["state"]["start"]) == set(told["state"]["end"]) == set(machine.state())
    assert told["created"] >= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began))


FACTS: dict[str, Any] = {
    "battery_percent": 80,
    "battery_celsius": 31.5,
    "charging": False,
    "thermal": "none",
    "thermal_headroom": 0.5,
    "battery_microamperes": -412_000,
    "cpus": [
        {"id": 0, "khz": 1_800_000, "max_khz": 2_000_000, "governor": "schedutil"},
        {"id": 1, "khz": 2_400_000, "max_khz": 2_800_000, "governor": "walt"},
    ],
    "temperatures": {"cpu-0": 40.5},
}
HOT = {
    **FACTS,
    "battery_percent": 78,
    "battery_celsius": 41.0,
    "thermal": "severe",
    "cpus": [{**cpu, "khz": cpu["khz"] // 2} for cpu in FACTS["cpus"]],
    "temperatures": {"cpu-0": 88.0},
}


def test_a_phone_is_told_with_all_of_it(lab: Lab, model: Make) -> None:
    lab.phone.facts, lab.phone.end_facts = FACTS, HOT
    lab.phone.delegate = "xncaps 0.1.0 neon"
    told = lab.measure([model("a")], cpus="0-1", cooldown=0.25, warm_up=0.1, threads=2, seed=7)
    (entry,) = told["models"]
    assert (entry["load_us"], entry["first_run_us"]) == (5000.0, 90.0)
    assert entry["memory"] == {
        "peak_bytes": 700 * 1024,
        "before_load_bytes": 0,
        "note": "proportional set size that loading added to the app",
    }
    assert entry["runtime"] == {
        "name": "litert+xncaps",
        "version": "TensorFlow Lite 2.16.1 + xncaps 0.1.0 neon, app 0.1.0",
        "timed": "Interpreter.run: the input copied in, invoke, the output copied out",
        "accelerator": "cpu",
        "delegate_nodes": 1,
        "details": {"tflite": "2.16.1", "delegate": "xncaps 0.1.0 neon"},
    }
    latency, us = entry["latency"], np.array(entry["latency"]["samples_us"])
    assert latency["p90_us"] == pytest.approx(np.percentile(us, 90), abs=1e-2)
    assert latency["p99_us"] == pytest.approx(np.percentile(us, 99), abs=1e-2)
    assert entry["drift"]["ratio"] is not None
    method = told["method"]
    assert (method["cpus"], method["cooldown_seconds"], method["threads"]) == ([0, 1], 0.25, 2)
    assert (method["warm_up_seconds"], method["warm_up_runs"], method["seed"]) == (0.1, 16, 7)
    assert method["tool"] == "the app org.xncaps.demo"
    there = told["machine"]
    assert there.pop("memory_bytes") > 1e8
    assert there == {
        "system": "Android 14 (SDK 34)",
        "machine": "arm64-v8a",
        "cpu": "SoC 9",
        "cpus": 8,
        "device": "Maker Phone 1",
        "build": "maker/phone/1",
        "android": "14",
    }
    start, end = told["state"]["start"], told["state"]["end"]
    assert start["governors"] == end["governors"] == ["schedutil", "walt"]
    assert start["frequencies_khz"] == [1_800_000, 2_400_000]
    assert end["frequencies_khz"] == [900_000, 1_200_000]
    assert (start["temperatures_c"], end["temperatures_c"]) == ({"cpu-0": 40.5}, {"cpu-0": 88.0})
    assert (start["battery_percent"], end["battery_percent"]) == (80, 78)
    assert (start["battery_temperature_c"], end["battery_temperature_c"]) == (31.5, 41.0)
    assert (start["charging"], start["thermal_status"]) == (False, "none")
    assert (start["thermal_headroom"], start["battery_current_ma"]) == (0.5, -412.0)
    assert method["process"] == "the app, one process for all files"
    notes = " ".join(told["notes"])
    assert "Android's thermal status went from none to severe" in notes


def test_a_phone_that_slows_down_is_said(lab: Lab, model: Make) -> None:
    def slow(phone: Phone, state: str, done: int) -> None:
        phone.slowness = 1.0 + done / 32

    lab.phone.on_run = slow
    told = lab.measure([model("a")])
    assert told["models"][0]["drift"]["slowed"]
    assert "slower at the end than at the start (throttling or load?): a" in told["notes"]


def test_the_tools_phone_is_told_with_all_of_it(lab: Lab, model: Make, tool: pathlib.Path) -> None:
    open_up(lab.phone)
    told = lab.measure([model("a")], adb={"benchmark_model": tool}, warm_up=0.25, cooldown=3.0)
    (entry,) = told["models"]
    assert (entry["load_us"], entry["first_run_us"]) == (3241.0, 2000.0)
    assert (entry["latency"]["min_us"], entry["latency"]["mean_us"]) == (880.0, 905.5)
    assert entry["verification"]["status"] == "not verified" and entry["drift"] is not None
    method = told["method"]
    assert (method["warm_up_seconds"], method["cooldown_seconds"]) == (0.25, 3.0)
    assert method["rounds"] == 8 and method["seconds"] == 5.0 and method["runs"] == 64
    there = told["machine"]
    assert there["android"] == "value of ro.build.version.release"
    assert there["build"] == "value of ro.build.fingerprint"
    assert there["cpu"] == "value of ro.soc.model"
    for state in told["state"].values():
        assert state["frequencies_khz"] == [1_800_000, 2_800_000]
        assert state["temperatures_c"] == {"skin therm": 38.2}
        assert (state["battery_percent"], state["battery_temperature_c"]) == (77, 31.5)
