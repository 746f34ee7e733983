"""How and on what a result was measured: the page's footnote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from xncaps_benchmark.number_text import bytes_text
from xncaps_benchmark.report.view_types import Facts
from xncaps_benchmark.result_types import Method, Result, State, States

_HEADROOM = "{:.2f} (1: severe throttling)"
_N = TypeVar("_N", int, float)


def facts(result: Result, label: str) -> Facts:
    """The method's and the machine's footnote of one result."""
    method, machine, state = result["method"], result["machine"], result["state"]
    start, end = state["start"], state["end"]
    wanted = f"{method['runs']:,} runs or {method['seconds']:g} s a model, whichever ends first"
    current = start.get("battery_current_ma"), end.get("battery_current_ma")
    headroom = start.get("thermal_headroom"), end.get("thermal_headroom")
    system = machine.get("os"), machine["system"], machine.get("machine")
    rows = [
        ("target", result["target"]["name"]),
        ("measured", result["created"]),
        ("device", machine.get("device", "")),
        ("CPU", machine["cpu"] + (", virtual" if machine.get("virtual") else "")),
        ("cores", str(machine.get("cpus", ""))),
        ("system", ", ".join(filter(None, system))),
        ("build", machine.get("build", "")),
        ("Android", machine.get("android", "")),
        ("memory", bytes_text(memory) if (memory := machine.get("memory_bytes")) else ""),
        ("runtimes", ", ".join(f"{k} {v}" for k, v in machine.get("runtimes", {}).items())),
        ("threads", str(method["threads"])),
        ("affinity", ", ".join(map(str, method["cpus"])) or "all CPUs"),
        ("governor", ", ".join(start.get("governors", [])) or "not told by this machine"),
        ("clock", _clock(state)),
        ("load", _change(start.get("load"), end.get("load"), lambda load: f"{load[0]:.2f}")),
        ("temperature", _temperature(start, end)),
        ("battery", _battery(start, end)),
        (
            "battery current",
            _two(*current, "{:+.0f} mA"),
        ),
        ("thermal status", _words(start.get("thermal_status"), end.get("thermal_status"))),
        (
            "thermal headroom",
            _two(*headroom, _HEADROOM),
        ),
        ("order", method["order"]),
        ("runs", wanted),
        ("warm-up", _warm_up(method)),
        (
            "cool-down",
            f"{method['cooldown_seconds']:g} s after each 10 s of work"
            if method["cooldown_seconds"]
            else "none",
        ),
        ("seed", str(method["seed"])),
        ("process", method.get("process", "")),
        ("peak memory", method.get("memory", "")),
        ("reached by", method.get("channel", "")),
        ("commit", result["tool"]["commit"] or ""),
        ("taken by", method.get("tool") or f"{result['tool']['name']} {result['tool']['version']}"),
    ]
    return {
        "label": label,
        "facts": [(name, text) for name, text in rows if text],
        "notes": result["notes"],
        "complete": result["complete"],
    }


def _clock(state: States) -> str:
    """The clocks of the run, where they were told; else those at two instants."""
    told = state.get("clocks")
    if told is None:
        clocks = (state["start"].get("frequencies_khz"), state["end"].get("frequencies_khz"))
        return _change(*clocks, lambda khz: f"{max(khz) / 1e6:.2f} GHz")
    ends = [
        f"{max(khz, default=0) / 1e6:.2f} GHz in the {word} quarter"
        for khz, word in ((told["first_khz"], "first"), (told["last_khz"], "last"))
    ]
    return f"{', '.join(ends)} ({told['how']})"


def _warm_up(method: Method) -> str:
    text = f"{method['warm_up_seconds']:g} s"
    return text + (f", at least {method['warm_up_runs']} runs" if "warm_up_runs" in method else "")


def _battery(start: State, end: State) -> str:
    """Charge and heat of it, and whether it was charging."""
    ends: list[str] = []
    for when, state in (("at the start", start), ("at the end", end)):
        if "battery_percent" in state:
            heat = state.get("battery_temperature_c")
            told = f"{state['battery_percent']:g} %" + (f", {heat:g} °C" if heat else "")
            ends.append(f"{told} {when}")
    if ends and "charging" in start:
        ends[-1] += ", charging" if start["charging"] else ", not charging"
    return "; ".join(ends)


def _two(start: float | None, end: float | None, form: str) -> str:
    """A number at the start and at the end."""
    ends = [
        f"{form.format(value)} {when}"
        for when, value in (("at the start", start), ("at the end", end))
        if value is not None
    ]
    return ", ".join(ends)


def _words(first: str | None, last: str | None) -> str:
    if not first or not last or first == last:
        return str(first or "")
    return f"{first} at the start, {last} at the end"


def _change(
    first: Sequence[_N] | None, last: Sequence[_N] | None, text: Callable[[Sequence[_N]], str]
) -> str:
    """A list of numbers at the start and at the end, each as one text."""
    if not first:
        return ""
    spans = [text(numbers) for numbers in (first, last) if numbers]
    return " at the start, ".join(spans) + (" at the end" if len(spans) > 1 else "")


def _temperature(start: State, end: State) -> str:
    first, last = start.get("temperatures_c") or {}, end.get("temperatures_c") or {}
    if not first or not last:
        return ""
    ends = max(first.values()), max(last.values())
    return f"{ends[0]:.1f} °C at the start, {ends[1]:.1f} °C at the end (hottest)"
