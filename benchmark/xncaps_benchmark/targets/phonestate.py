"""What a phone's shell tells of its state: the app itself may read little of it."""

from __future__ import annotations

from typing import Any

from xncaps_benchmark import clocks

_SYS_CPU = "/sys/devices/system/cpu"
SCRIPT = (
    f"for d in {_SYS_CPU}/cpu[0-9]*/cpufreq; do "
    'echo "cpu|$(cat $d/scaling_governor)|$(cat $d/scaling_cur_freq)"; done; '
    "for z in /sys/class/thermal/thermal_zone*; do "
    'echo "zone|$(cat $z/type)|$(cat $z/temp)"; done; '
    'echo "load|$(cat /proc/loadavg)"; dumpsys battery; dumpsys thermalservice | grep Status'
)
CLOCKS = (
    f"for d in {_SYS_CPU}/cpufreq/policy*; do "
    'echo "policy|${d##*/}|$(cat $d/scaling_cur_freq)"; cat $d/stats/time_in_state; done'
)
# As android.os.PowerManager counts them.
_THERMAL = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
_POWERED = ("AC powered", "USB powered", "Wireless powered", "Dock powered")


def parse(text: str) -> dict[str, Any]:
    """The script's output -> the schema's `state`; what is not there or no number is left out."""
    state: dict[str, Any] = {"governors": [], "frequencies_khz": [], "temperatures_c": {}}
    charging = []
    for line in text.splitlines()[:2000]:
        head, _, rest = line.partition("|")
        if head in ("cpu", "zone"):
            _row(state, head, *rest.partition("|")[::2])
        elif head == "load":
            state["load"] = [load for word in rest.split()[:3] if (load := _real(word)) is not None]
        else:
            name, _, value = line.strip().partition(":")
            _battery(state, name.strip(), value.strip(), charging)
    if charging:
        state["charging"] = any(charging)
    state["governors"] = sorted(set(state["governors"]))[:64]
    return state


def parse_clocks(text: str) -> clocks.Sample:
    """The output of `CLOCKS`; what is hidden is left out."""
    khz: dict[str, int] = {}
    ticks: dict[str, dict[int, int]] = {}
    for part in text.split("policy|")[1:65]:
        head, _, table = part.partition("\n")
        name, _, now = head.partition("|")
        if now.strip().isdigit():
            khz[name[:50]] = int(now)
        if parsed := clocks.time_in_state(table):
            ticks[name[:50]] = parsed
    return clocks.Sample(khz, ticks)


def _row(state: dict[str, Any], kind: str, name: str, value: str) -> None:
    number = _real(value)
    if kind == "cpu":
        if name.strip() and " " not in name.strip():
            state["governors"].append(name.strip()[:100])
        if number is not None and number >= 0 and len(state["frequencies_khz"]) < 1024:
            state["frequencies_khz"].append(int(number))
    elif number is not None and name.strip() and len(state["temperatures_c"]) < 128:
        # The kernel's unit is 1/1000 degree; some drivers give whole degrees.
        celsius = number / 1000 if abs(number) > 200 else number
        state["temperatures_c"][name.strip()[:110]] = round(celsius, 1)


def _battery(state: dict[str, Any], name: str, value: str, charging: list[bool]) -> None:
    """A line of `dumpsys battery` or of `dumpsys thermalservice`."""
    number = _real(value)
    if name in _POWERED and value in ("true", "false"):
        charging.append(value == "true")
    elif number is None:
        return
    elif name == "level" and 0 <= number <= 100:
        state["battery_percent"] = number
    elif name == "temperature":
        state["battery_temperature_c"] = number / 10
    elif name == "Thermal Status" and 0 <= number < len(_THERMAL):
        state["thermal_status"] = _THERMAL[int(number)]


def fill(told: dict[str, Any], shell: dict[str, Any]) -> dict[str, Any]:
    """What the app told, and from the shell what it did not."""
    return {**shell, **{key: value for key, value in told.items() if value not in ([], {}, None)}}


def _real(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e12 else None
