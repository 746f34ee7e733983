"""What a phone's shell tells of its state: the app itself may read little of it."""

from __future__ import annotations

from typing import cast

from xncaps_benchmark import clocks
from xncaps_benchmark.result_types import State

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


def parse(text: str) -> State:
    """The script's output -> the schema's `state`; what is not there or no number is left out."""
    governors: set[str] = set()
    khz: list[int] = []
    temperatures: dict[str, float] = {}
    state: State = {"governors": [], "frequencies_khz": khz, "temperatures_c": temperatures}
    charging: list[bool] = []
    for line in text.splitlines()[:2000]:
        head, _, rest = line.partition("|")
        name, _, value = rest.partition("|")
        if head == "cpu":
            _core(governors, khz, name.strip(), _real(value))
        elif head == "zone":
            _zone(temperatures, name.strip(), _real(value))
        elif head == "load":
            state["load"] = [load for word in rest.split()[:3] if (load := _real(word)) is not None]
        else:
            name, _, value = line.strip().partition(":")
            _battery(state, name.strip(), value.strip(), charging)
    if charging:
        state["charging"] = any(charging)
    state["governors"] = sorted(governors)[:64]
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


def _core(governors: set[str], khz: list[int], governor: str, clock: float | None) -> None:
    if governor and " " not in governor:
        governors.add(governor[:100])
    if clock is not None and clock >= 0 and len(khz) < 1024:
        khz.append(int(clock))


def _zone(temperatures: dict[str, float], name: str, degrees: float | None) -> None:
    if degrees is not None and name and len(temperatures) < 128:
        # The kernel's unit is 1/1000 degree; some drivers give whole degrees.
        celsius = degrees / 1000 if abs(degrees) > 200 else degrees
        temperatures[name[:110]] = round(celsius, 1)


def _battery(state: State, name: str, value: str, charging: list[bool]) -> None:
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


def fill(told: State, shell: State) -> State:
    """What the app told, and from the shell what it did not."""
    known = {key: value for key, value in told.items() if value not in ([], {}, None)}
    return cast("State", {**shell, **known})


def _real(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e12 else None
