"""A phone behind a stand-in server, which tests change."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from adb_server import Phone, Server
from xncaps_benchmark import measure
from xncaps_benchmark.targets import channel


class Lab:
    """A server with one phone, which tests change."""

    def __init__(self, tmp_path: pathlib.Path) -> None:
        self.phone = Phone(tmp_path / "phone")
        self.server = Server({"serial1": self.phone})

    def measure(
        self, files: list[pathlib.Path], target: str = "adb", **options: Any
    ) -> dict[str, Any]:
        settings = {"host": "127.0.0.1", "port": self.server.port, **options.pop("adb", {})}
        return measure(files, target, adb=settings, **{"runs": 64, "seconds": 5.0, **options})


@pytest.fixture
def lab(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setattr(channel, "_AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(channel, "_REFUSED_AFTER", 0.3)
    lab = Lab(tmp_path)
    yield lab
    lab.server.close()
    if lab.phone.state == "device":
        assert lab.phone.left() == [], "left on the device"
        assert not lab.phone.alive, "the app still runs"


TIMINGS = (
    "Inference timings in us: Init: 3241, First inference: 2000, "
    "Warmup (avg): 1100.5, Inference (avg): 905.5"
)
NEW = f"""INFO: STARTING!
INFO: count=10 first=2000 curr=1000 min=990 max=2100 avg=1100 std=30 p5=1 median=1001 p95=2
INFO: count=128 first=900 curr=910 min=880 max=1200 avg=9.055e+02 std=20 p5=881 median=901 p95=1100
INFO: {TIMINGS}
"""


@pytest.fixture
def tool(tmp_path: pathlib.Path) -> pathlib.Path:
    """A binary that prints what benchmark_model prints, and fails without its model or delegate."""
    path = tmp_path / "benchmark_model"
    path.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        "given = dict(word[2:].split('=', 1) for word in sys.argv[1:])\n"
        "for name in ('graph', 'external_delegate_path'):\n"
        "    if name in given and not os.path.isfile(given[name]): sys.exit('ERROR: no ' + name)\n"
        "if b'Lce' in open(given['graph'], 'rb').read(): sys.exit('ERROR: unresolved custom op')\n"
        f"print('''{NEW}''')\nprint('# asked for', given['num_runs'], given['num_threads'])\n"
    )
    path.chmod(0o755)
    return path


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
