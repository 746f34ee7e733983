"""The app's result (docs/android.md) in the words of our schema. It comes from a device: nothing in
it is believed before it was looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from xncaps_benchmark import clocks, cores, plan, stats, turns
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.json_values import Object, is_list, is_object
from xncaps_benchmark.result_types import Machine, Model, Parts, State
from xncaps_benchmark.targets import phonestate
from xncaps_benchmark.targets.phone import Phone


def models(answer: Object) -> list[Object]:
    """The entries of a result's models."""
    return [entry for entry in _list(answer, "models") if is_object(entry)]


def describe(record: Model, entry: Object, answer: Object) -> None:
    """Runtime, load time and first run of a model."""
    runtime = _dict(answer, "runtime")
    name = _text(entry, "runtime") or "TFLite"
    nodes = _number(entry, "delegate_nodes")
    record["runtime"] = {
        "name": "litert+xncaps" if "xncaps" in name else "litert",
        "version": f"{name}, app {_text(_dict(answer, 'app'), 'version')}"[:200],
        "timed": "Interpreter.run: the input copied in, invoke, the output copied out",
        "accelerator": "cpu",
        "delegate_nodes": None if nodes is None else max(int(nodes), 0),
        "details": {key: _text(runtime, key) for key in ("tflite", "delegate") if runtime.get(key)},
    }
    if (load := _number(entry, "load_ns")) is not None:
        record["load_us"] = load / 1e3
    if (first := _number(entry, "first_run_ns")) is not None:
        record["first_run_us"] = first / 1e3
    if (added := _number(entry, "pss_kb_added")) is not None:
        peak = int(max(added, 0)) * 1024
        record["memory"] = {
            "peak_bytes": peak,
            "before_load_bytes": 0,
            "note": "proportional set size that loading added to the app",
        }


def take_turns(found: dict[int, list[Any]], partial: Object) -> None:
    """Adds the turns of a PARTIAL to those of each model (by its place in the job)."""
    for index, told in enumerate(_list(partial, "turns")):
        if is_list(told):
            found.setdefault(index, []).extend(told)


def times(record: Model, told: Sequence[Any], first: int, seed: int) -> None:
    """The times of a model out of its turns, [began, whole calls, the interpreter's own].

    Args:
        record: the model's, which is filled.
        told: as the app told them; nanoseconds.
        first: when the first turn of all began.
        seed: of the bootstrap.

    Raises:
        BenchmarkError: they are no times.
    """
    whole: list[list[float]] = []
    own: list[int] = []
    starts: list[float] = []
    for turn in told:
        if not is_list(turn) or len(turn) != 3 or not _are_times([turn[0]], 0):
            raise BenchmarkError("the app's times are no times")
        if not (_are_times(turn[1], 1) and _are_times(turn[2], 0) and len(turn[1])):
            raise BenchmarkError("the app's times are no times")
        starts.append(max(turn[0] - first, 0) / 1e9)
        whole.append([value / 1e3 for value in turn[1]])
        own += turn[2]
    if not whole or sum(map(len, whole)) > 1_000_000:
        raise BenchmarkError("the app has no times of it")
    latency = stats.summarise(whole, starts)
    record.update({"latency": latency, "drift": stats.drift(latency, seed)})
    record["runtime_us"] = round(float(np.median(own)) / 1e3, 3) if any(own) else None


def _are_times(values: Any, least: int) -> bool:
    return is_list(values) and all(
        type(value) is int and least <= value < 1 << 53 for value in values
    )


def first_start(found: dict[int, list[Any]]) -> int:
    """When the first turn of all began."""
    began = [turn[0] for told in found.values() for turn in told[:1] if is_list(turn)]
    return min((value for value in began if type(value) is int), default=0)


def run_us(entry: Object) -> float:
    """How long a run took before any was timed, microseconds; to plan the turns."""
    told = _number(entry, "run_ns") or _number(entry, "first_run_ns") or 1e6
    return max(told / 1e3, 0.1)


def clock_sample(status: Object) -> clocks.Sample | None:
    """The clocks that a STATUS tells of."""
    khz: dict[str, int] = {}
    ticks: dict[str, dict[int, int]] = {}
    for name, told in list(_dict(status, "clocks").items())[:64]:
        if is_object(told):
            if (now := _number(told, "khz")) is not None and now >= 0:
                khz[str(name)[:50]] = int(now)
            table = told.get("time_in_state")
            if parsed := clocks.time_in_state(table) if isinstance(table, str) else {}:
                ticks[str(name)[:50]] = parsed
    return clocks.Sample(khz, ticks) if khz or ticks else None


def affinity(options: plan.Options, phone: Phone) -> list[int]:
    """--cpus as numbers of the phone's cores, [] for all.

    Raises:
        BenchmarkError: not a list, the cores do not differ, or more threads than cores.
    """
    if options.cpus in (None, "", "all"):
        return []
    if options.cpus in cores.NAMES:
        picked = cores.cluster(str(options.cpus), strengths(phone.cores()), "the device")
    else:
        picked = cores.listed(str(options.cpus))
    return cores.check_threads(options.threads, picked)


def strengths(listing: str) -> dict[int, int]:
    """Lines 'CPU CAPACITY|TOP_CLOCK' -> capacity of each core, top clock where that is hidden."""
    capacities: dict[int, int] = {}
    top: dict[int, int] = {}
    for line in listing.splitlines()[:4096]:
        name, _, rest = line.partition(" ")
        capacity, _, khz = rest.partition("|")
        if name.isdigit():
            for table, text in ((capacities, capacity), (top, khz)):
                if text.strip().isdigit():
                    table[int(name)] = int(text)
    return capacities if len(capacities) >= len(top) else top


def parts(
    answer: Object,
    options: plan.Options,
    told: dict[str, str],
    states: tuple[State, State],
    cpus: list[int],
) -> Parts:
    """`method`, `machine` and `state` of the result.

    Args:
        answer: the app's result.
        options: what was asked for.
        told: the device's properties.
        states: what its shell told before and after.
        cpus: the cores that were used, [] for all.
    """
    return {
        "method": {
            "order": turns.ORDER,
            "seed": options.seed,
            "runs": options.runs,
            "seconds": options.seconds,
            "settle_runs": plan.SETTLE_RUNS,
            "block_runs": plan.BLOCK_RUNS,
            "warm_up_seconds": options.warm_up,
            "cooldown_seconds": options.rest,
            "threads": options.threads,
            "cpus": cpus,
            "process": "the app, one process for all files",
            "memory": "the proportional set size that loading the file added to the app",
            "tool": f"the app {_text(_dict(answer, 'app'), 'id')}",
        },
        "machine": _machine(_dict(answer, "device"), told),
        "state": {
            "start": phonestate.fill(_state(_dict(answer, "start")), states[0]),
            "end": phonestate.fill(_state(_dict(answer, "end")), states[1]),
        },
    }


def memory(told: dict[str, str]) -> int | None:
    """Bytes of the device's memory, where it told."""
    return int(told["memory_kb"]) * 1024 if "memory_kb" in told else None


def _machine(device: Object, told: dict[str, str]) -> Machine:
    abis = _list(device, "abis")
    machine: Machine = {
        "system": f"Android {_text(device, 'android')} (SDK {_text(device, 'sdk')})"[:200],
        "machine": str(abis[0])[:100] if abis else "",
        "cpu": (_text(device, "soc") or _text(device, "hardware"))[:200],
        "cpus": int(_number(device, "cores") or 0),
        "device": f"{_text(device, 'manufacturer')} {_text(device, 'model')}".strip()[:200],
        "build": _text(device, "fingerprint")[:300],
        "android": _text(device, "android")[:100],
    }
    if (bytes_told := memory(told)) is not None:
        machine["memory_bytes"] = bytes_told
    return machine


def _state(told: Object) -> State:
    rows = [cpu for cpu in _list(told, "cpus") if is_object(cpu)]
    temperatures = _dict(told, "temperatures")
    state: State = {
        "governors": sorted({text[:100] for cpu in rows if (text := _text(cpu, "governor"))})[:64],
        "frequencies_khz": [
            int(k) for cpu in rows[:1024] if (k := _number(cpu, "khz")) is not None
        ],
        "temperatures_c": {
            str(name)[:110]: value
            for name in list(temperatures)[:128]
            if (value := _number(temperatures, name)) is not None
        },
    }
    if (level := _number(told, "battery_percent")) is not None:
        state["battery_percent"] = level
    if (celsius := _number(told, "battery_celsius")) is not None:
        state["battery_temperature_c"] = celsius
    if (headroom := _number(told, "thermal_headroom")) is not None:
        state["thermal_headroom"] = headroom
    if (current := _number(told, "battery_microamperes")) is not None:
        state["battery_current_ma"] = current / 1000
    if isinstance(charging := told.get("charging"), bool):
        state["charging"] = charging
    if told.get("thermal") is not None:
        state["thermal_status"] = _text(told, "thermal")[:100]
    return state


def mask(cpus: Sequence[int]) -> str:
    """CPU numbers as taskset's mask."""
    return f"{sum(1 << cpu for cpu in cpus):x}"


def _dict(value: Object, key: str) -> Object:
    found = value.get(key)
    return found if is_object(found) else {}


def _list(value: Object, key: str) -> list[Any]:
    found = value.get(key)
    return found if is_list(found) else []


def _text(value: Object, key: str) -> str:
    found = value.get(key)
    return "" if found is None else str(found)[:300]


def _number(value: Object, key: str) -> float | None:
    found = value.get(key)
    good = isinstance(found, (int, float)) and not isinstance(found, bool) and math.isfinite(found)
    return found if good else None
