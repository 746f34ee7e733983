"""How and on what a result was measured: the page's footnote."""

from __future__ import annotations

from typing import Any

from xncaps_benchmark.number_text import bytes_text


def facts(result: dict[str, Any], label: str) -> dict[str, Any]:
    """The method's and the machine's footnote of one result."""
    method, machine, state = result["method"], result["machine"], result["state"]
    start, end = state["start"], state["end"]
    wanted = f"{method['runs']:,} runs or {method['seconds']:g} s a model, whichever ends first"
    rows = [
        ("target", result["target"]["name"]),
        ("measured", result["created"]),
        ("device", machine.get("device", "")),
        ("CPU", machine["cpu"] + (", virtual" if machine.get("virtual") else "")),
        ("cores", str(machine.get("cpus", ""))),
        (
            "system",
            ", ".join(
                t for t in (machine.get("os"), machine["system"], machine.get("machine")) if t
            ),
        ),
        ("build", machine.get("build", "")),
        ("Android", machine.get("android", "")),
        ("memory", bytes_text(machine["memory_bytes"]) if machine.get("memory_bytes") else ""),
        ("runtimes", ", ".join(f"{k} {v}" for k, v in machine.get("runtimes", {}).items())),
        ("threads", str(method["threads"])),
        ("affinity", ", ".join(map(str, method["cpus"])) or "all CPUs"),
        ("governor", ", ".join(start.get("governors", [])) or "not told by this machine"),
        ("clock", _clock(state)),
        ("load", _change(start, end, "load")),
        ("temperature", _temperature(start, end)),
        ("battery", _battery(start, end)),
        ("battery current", _two(start, end, "battery_current_ma", "{:+.0f} mA")),
        ("thermal status", _words(start, end, "thermal_status")),
        ("thermal headroom", _two(start, end, "thermal_headroom", "{:.2f} (1: severe throttling)")),
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


def _clock(state: dict[str, Any]) -> str:
    """The clocks of the run, where they were told; else those at two instants."""
    told = state.get("clocks")
    if told is None:
        return _change(state["start"], state["end"], "frequencies_khz")
    ends = [
        f"{max(told[key], default=0) / 1e6:.2f} GHz in the {word} quarter"
        for key, word in (("first_khz", "first"), ("last_khz", "last"))
    ]
    return f"{', '.join(ends)} ({told['how']})"


def _warm_up(method: dict[str, Any]) -> str:
    text = f"{method['warm_up_seconds']:g} s"
    return text + (f", at least {method['warm_up_runs']} runs" if "warm_up_runs" in method else "")


def _battery(start: dict[str, Any], end: dict[str, Any]) -> str:
    """Charge and heat of it, and whether it was charging."""
    ends = []
    for when, state in (("at the start", start), ("at the end", end)):
        if "battery_percent" in state:
            heat = state.get("battery_temperature_c")
            told = f"{state['battery_percent']:g} %" + (f", {heat:g} °C" if heat else "")
            ends.append(f"{told} {when}")
    if ends and "charging" in start:
        ends[-1] += ", charging" if start["charging"] else ", not charging"
    return "; ".join(ends)


def _two(start: dict[str, Any], end: dict[str, Any], key: str, form: str) -> str:
    """A number at the start and at the end."""
    ends = [
        f"{form.format(state[key])} {when}"
        for when, state in (("at the start", start), ("at the end", end))
        if key in state
    ]
    return ", ".join(ends)


def _words(start: dict[str, Any], end: dict[str, Any], key: str) -> str:
    first, last = start.get(key), end.get(key)
    if not first or not last or first == last:
        return str(first or "")
    return f"{first} at the start, {last} at the end"


def _change(start: dict[str, Any], end: dict[str, Any], key: str) -> str:
    first, last = start.get(key), end.get(key)
    if not first:
        return ""
    if key == "frequencies_khz":
        spans = [f"{max(khz) / 1e6:.2f} GHz" for khz in (first, last) if khz]
    else:
        spans = [f"{loads[0]:.2f}" for loads in (first, last) if loads]
    return " at the start, ".join(spans) + (" at the end" if len(spans) > 1 else "")


def _temperature(start: dict[str, Any], end: dict[str, Any]) -> str:
    first, last = start.get("temperatures_c") or {}, end.get("temperatures_c") or {}
    if not first or not last:
        return ""
    ends = max(first.values()), max(last.values())
    return f"{ends[0]:.1f} °C at the start, {ends[1]:.1f} °C at the end (hottest)"
