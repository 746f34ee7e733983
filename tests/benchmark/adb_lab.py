"""A phone behind a stand-in server, which tests change."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from adb_server import Phone, Server

from xncaps_benchmark import measure
from xncaps_benchmark.targets import adb


class Lab:
    """A server with one phone, which tests change."""

    def __init__(self, tmp_path: pathlib.Path) -> None:
        self.phone = Phone(tmp_path / "phone")
        self.phone.root.mkdir()
        self.server = Server({"serial1": self.phone})

    def measure(
        self, files: list[pathlib.Path], target: str = "adb", **options: Any
    ) -> dict[str, Any]:
        settings = {"host": "127.0.0.1", "port": self.server.port, **options.pop("adb", {})}
        return measure(files, target, adb=settings, **{"runs": 64, "seconds": 5.0, **options})


@pytest.fixture
def lab(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setattr(adb, "_POLL_SECONDS", 0.05)
    lab = Lab(tmp_path)
    yield lab
    lab.server.close()
    if lab.phone.state == "device":
        assert lab.phone.left() == [], "left on the device"
        assert not lab.phone.alive, "the app still runs"


BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: true
  level: 77
  scale: 100
  temperature: 315
"""


def open_up(phone: Phone) -> None:
    """What a phone's shell may read, and its app may not."""
    for cpu, (governor, khz) in enumerate((("walt", 1_800_000), ("schedutil", 2_800_000))):
        folder = f"/sys/devices/system/cpu/cpu{cpu}/cpufreq"
        phone.tell(f"{folder}/scaling_governor", f"{governor}\n")
        phone.tell(f"{folder}/scaling_cur_freq", f"{khz}\n")
    phone.tell("/sys/class/thermal/thermal_zone0/type", "skin therm\n")
    phone.tell("/sys/class/thermal/thermal_zone0/temp", "38250\n")
    phone.tell("/sys/class/thermal/thermal_zone1/type", "odd\n")
    phone.tell("/sys/class/thermal/thermal_zone1/temp", "no\n")
    phone.tell("/dumpsys/battery", BATTERY)
    phone.tell("/dumpsys/thermalservice", "IsStatusOverride: false\nThermal Status: 0\n")
