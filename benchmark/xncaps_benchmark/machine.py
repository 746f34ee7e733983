"""What the machine is and what state it is in: recorded beside every time."""

from __future__ import annotations

import contextlib
import os
import pathlib
import platform
import sys

from xncaps_benchmark import cores
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.result_types import Machine, State

_SYS = pathlib.Path("/sys")
_MAX_ZONES = 64


def describe() -> Machine:
    """What does not change during a run."""
    cpuinfo = _read(pathlib.Path("/proc/cpuinfo"))
    return {
        "system": f"{platform.system()} {platform.release()}",
        "os": _os_name(),
        "machine": platform.machine(),
        "build": platform.version()[:300],
        "cpu": _cpu_name(cpuinfo),
        "cpus": os.cpu_count() or 1,
        "virtual": " hypervisor" in cpuinfo,
        "memory_bytes": _memory_bytes(),
        "python": platform.python_version(),
    }


def state(root: pathlib.Path = _SYS) -> State:
    """Load, governors, clocks, temperatures, battery: now. What cannot be read is left out."""
    policies = sorted((root / "devices/system/cpu/cpufreq").glob("policy*"))[:_MAX_ZONES]
    found: State = {
        "governors": sorted(
            {text for p in policies if (text := _read(p / "scaling_governor").strip())}
        ),
        "frequencies_khz": [
            khz for p in policies if (khz := _number(p / "scaling_cur_freq")) is not None
        ],
        "temperatures_c": _temperatures(root),
    }
    with contextlib.suppress(OSError, AttributeError):
        found["load"] = [round(value, 2) for value in os.getloadavg()]
    for battery in sorted((root / "class/power_supply").glob("*")):
        level = _number(battery / "capacity")
        if level is not None and _read(battery / "type").strip() in ("Battery", ""):
            found["battery_percent"] = level
            if (tenths := _number(battery / "temp")) is not None:
                found["battery_temperature_c"] = tenths / 10
            if (micro := _number(battery / "current_now")) is not None:
                found["battery_current_ma"] = micro / 1000
            if status := _read(battery / "status").strip():
                found["charging"] = status in ("Charging", "Full")
    return found


def parse_cpus(text: str | None, root: pathlib.Path = _SYS) -> list[int]:
    """'0,2-3', 'big', 'little' or None -> CPU numbers ([]: all that this process may use).

    Raises:
        BenchmarkError: not a list, a CPU this process may not use, or all cores are equal.
    """
    if not text or text == "all":
        return []
    if not hasattr(os, "sched_setaffinity"):
        raise BenchmarkError(f"--cpus: expected a Linux machine. Received: {sys.platform}.")
    allowed = os.sched_getaffinity(0)
    if text in cores.NAMES:
        return _cluster(text, allowed, root)
    cpus = cores.listed(text)
    if not set(cpus) <= allowed:
        raise BenchmarkError(f"--cpus: expected some of {sorted(allowed)}. Received: {cpus}.")
    return cpus


def _cluster(kind: str, allowed: set[int], root: pathlib.Path) -> list[int]:
    """By their capacity, or by their top clock."""
    strengths: dict[int, int] = {}
    for cpu in allowed:
        folder = root / f"devices/system/cpu/cpu{cpu}"
        strength = _number(folder / "cpu_capacity")
        if strength is None:
            strength = _number(folder / "cpufreq/cpuinfo_max_freq")
        if strength is not None:
            strengths[cpu] = strength
    return cores.cluster(kind, strengths, "this machine")


def _temperatures(root: pathlib.Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for zone in sorted((root / "class/thermal").glob("thermal_zone*"))[:_MAX_ZONES]:
        milli = _number(zone / "temp")
        if milli is not None:
            found[f"{zone.name} {_read(zone / 'type').strip()}".strip()[:100]] = round(
                milli / 1000, 1
            )
    return found


def _cpu_name(cpuinfo: str) -> str:
    for key in ("model name", "Model", "Hardware", "Processor"):
        for line in cpuinfo.splitlines():
            name, _, value = line.partition(":")
            if name.strip() == key and value.strip():
                return value.strip()[:200]
    return platform.processor() or platform.machine()


def _os_name() -> str:
    with contextlib.suppress(OSError):
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")[:200]
    return ""


def _memory_bytes() -> int:
    for line in _read(pathlib.Path("/proc/meminfo")).splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _number(path: pathlib.Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.lstrip("-").isdigit() else None


def hotter(start: State, end: State) -> str | None:
    """A line where Android's thermal status rose during the run, None else."""
    first, last = (state.get("thermal_status", "none") for state in (start, end))
    if last == first or last == "none":
        return None
    return f"Android's thermal status went from {first} to {last} (throttling?)"
