"""The app's result (docs/android.md) in the words of our schema. It comes from a device: nothing in
it is believed before it was looked at."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from xncaps_benchmark import cores, plan, stats
from xncaps_benchmark.errors import BenchmarkError, TargetError
from xncaps_benchmark.targets import phonestate
from xncaps_benchmark.targets.phone import Phone


def read_json(content: bytes, name: str) -> dict[str, Any]:
    """A JSON object of the app.

    Raises:
        TargetError: it is something else.
    """
    try:
        value = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise TargetError(
            f"the app's {name}: expected JSON. Received: {str(error)[:100]}"
        ) from error
    if not isinstance(value, dict):
        raise TargetError(
            f"the app's {name}: expected an object. Received: {type(value).__name__}."
        )
    return value


def models(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of a result's models."""
    found = answer.get("models")
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def describe(record: dict[str, Any], entry: dict[str, Any], answer: dict[str, Any]) -> None:
    """Runtime, load time and first run of a model."""
    runtime = _dict(answer, "runtime")
    name = _text(entry, "runtime") or "TFLite"
    record["runtime"] = {
        "name": "litert+xncaps" if "xncaps" in name else "litert",
        "version": f"{name}, app {_text(_dict(answer, 'app'), 'version')}"[:200],
        "timed": "invoke",
        "details": {key: _text(runtime, key) for key in ("tflite", "delegate") if runtime.get(key)},
    }
    for ours, theirs in (("load_us", "load_ns"), ("first_run_us", "first_run_ns")):
        if (value := _number(entry, theirs)) is not None:
            record[ours] = value / 1e3
    if (added := _number(entry, "pss_kb_added")) is not None:
        peak = int(max(added, 0)) * 1024
        record["memory"] = {
            "peak_bytes": peak,
            "before_load_bytes": 0,
            "note": "proportional set size that loading added to the app",
        }


def times(record: dict[str, Any], entry: dict[str, Any], seed: int) -> None:
    """The samples of a model; a round of the app is one run of each model.

    Raises:
        BenchmarkError: they are no times.
    """
    samples = entry.get("samples_ns")
    if not isinstance(samples, list) or not samples or len(samples) > 1_000_000:
        raise BenchmarkError("the app has no times of it")
    if not all(type(value) is int and 0 < value < 1 << 53 for value in samples):
        raise BenchmarkError("the app's times are no times")
    latency = stats.summarise([[value / 1e3] for value in samples])
    record.update(latency=latency, drift=stats.drift(latency, seed))


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
    clocks: dict[int, int] = {}
    for line in listing.splitlines()[:4096]:
        name, _, rest = line.partition(" ")
        capacity, _, khz = rest.partition("|")
        if name.isdigit():
            for table, text in ((capacities, capacity), (clocks, khz)):
                if text.strip().isdigit():
                    table[int(name)] = int(text)
    return capacities if len(capacities) >= len(clocks) else clocks


def parts(
    answer: dict[str, Any],
    options: plan.Options,
    told: dict[str, str],
    states: tuple[dict[str, Any], dict[str, Any]],
) -> dict[str, Any]:
    """`method`, `machine` and `state` of the result.

    Args:
        answer: the app's result.
        options: what was asked for.
        told: the device's properties.
        states: what its shell told before and after.
    """
    method = _dict(answer, "method")
    cpus = method.get("cpus")
    return {
        "method": {
            "order": "interleaved: each round runs every file once, in seeded random order",
            "seed": options.seed,
            "runs": options.runs,
            "seconds": options.seconds,
            "settle_runs": 0,
            "warm_up_seconds": options.warm_up,
            "warm_up_runs": int(_number(method, "warmup") or 0),
            "cooldown_seconds": options.rest,
            "threads": options.threads,
            "cpus": [c for c in cpus if type(c) is int and c >= 0]
            if isinstance(cpus, list)
            else [],
            "tool": f"the app {_text(_dict(answer, 'app'), 'id')}",
        },
        "machine": {**_machine(_dict(answer, "device")), **memory(told)},
        "state": {
            name: phonestate.fill(_state(_dict(answer, name)), shell)
            for name, shell in zip(("start", "end"), states, strict=True)
        },
    }


def memory(told: dict[str, str]) -> dict[str, int]:
    """The device's memory, where it told."""
    return {"memory_bytes": int(told["memory_kb"]) * 1024} if "memory_kb" in told else {}


def _machine(device: dict[str, Any]) -> dict[str, Any]:
    abis = device.get("abis")
    return {
        "system": f"Android {_text(device, 'android')} (SDK {_text(device, 'sdk')})"[:200],
        "machine": str(abis[0])[:100] if isinstance(abis, list) and abis else "",
        "cpu": (_text(device, "soc") or _text(device, "hardware"))[:200],
        "cpus": int(_number(device, "cores") or 0),
        "device": f"{_text(device, 'manufacturer')} {_text(device, 'model')}".strip()[:200],
        "build": _text(device, "fingerprint")[:300],
        "android": _text(device, "android")[:100],
    }


def _state(told: dict[str, Any]) -> dict[str, Any]:
    cpus = told.get("cpus")
    rows = [cpu for cpu in cpus if isinstance(cpu, dict)] if isinstance(cpus, list) else []
    temperatures = _dict(told, "temperatures")
    state: dict[str, Any] = {
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
    for ours, theirs in (
        ("battery_percent", "battery_percent"),
        ("battery_temperature_c", "battery_celsius"),
    ):
        if (value := _number(told, theirs)) is not None:
            state[ours] = value
    if isinstance(told.get("charging"), bool):
        state["charging"] = told["charging"]
    if told.get("thermal") is not None:
        state["thermal_status"] = _text(told, "thermal")[:100]
    return state


def mask(cpus: Sequence[int]) -> str:
    """CPU numbers as taskset's mask."""
    return f"{sum(1 << cpu for cpu in cpus):x}"


def _dict(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: dict[str, Any], key: str) -> str:
    found = value.get(key)
    return "" if found is None else str(found)[:300]


def _number(value: dict[str, Any], key: str) -> float | None:
    found = value.get(key)
    good = isinstance(found, (int, float)) and not isinstance(found, bool) and math.isfinite(found)
    return found if good else None
