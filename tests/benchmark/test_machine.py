from __future__ import annotations

import os
import pathlib

import pytest

from xncaps_benchmark import cores, machine
from xncaps_benchmark.errors import BenchmarkError


@pytest.fixture
def sysfs(tmp_path: pathlib.Path) -> pathlib.Path:
    """A phone of two kinds of cores, a battery and a warm zone."""
    files = {
        "devices/system/cpu/cpufreq/policy0/scaling_governor": "schedutil\n",
        "devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "1200000\n",
        "class/thermal/thermal_zone0/temp": "41500\n",
        "class/thermal/thermal_zone0/type": "cpu-0\n",
        "class/power_supply/battery/capacity": "87\n",
        "class/power_supply/battery/type": "Battery\n",
        "class/power_supply/battery/temp": "312\n",
        "class/power_supply/battery/status": "Discharging\n",
    }
    for cpu in os.sched_getaffinity(0):
        files[f"devices/system/cpu/cpu{cpu}/cpu_capacity"] = "1024" if cpu else "300"
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_state_reads_what_the_kernel_tells(sysfs: pathlib.Path) -> None:
    told = machine.state(sysfs)
    assert told["governors"] == ["schedutil"]
    assert told["frequencies_khz"] == [1_200_000]
    assert told["temperatures_c"] == {"thermal_zone0 cpu-0": 41.5}
    assert (told["battery_percent"], told["battery_temperature_c"]) == (87, 31.2)
    assert told["charging"] is False
    assert len(told["load"]) == 3


def test_state_leaves_out_what_cannot_be_read(tmp_path: pathlib.Path) -> None:
    told = machine.state(tmp_path)
    assert (
        told["governors"] == [] and told["temperatures_c"] == {} and "battery_percent" not in told
    )


def test_describe_names_the_machine() -> None:
    told = machine.describe()
    assert told["cpu"] and told["cpus"] == os.cpu_count() and told["memory_bytes"] > 1e8


def test_parse_cpus_takes_lists_and_ranges() -> None:
    last = max(os.sched_getaffinity(0))
    assert machine.parse_cpus(f"{last}") == [last]
    assert machine.parse_cpus(None) == machine.parse_cpus("all") == []
    if last:
        assert machine.parse_cpus("0-1") == [0, 1]


@pytest.mark.parametrize("text", ["x", "1-", "3-1", "-1", "0,,1", "0-99999999"])
def test_parse_cpus_refuses_what_is_no_list(text: str) -> None:
    with pytest.raises(BenchmarkError, match=f"--cpus: expected .* Received: {text}"):
        machine.parse_cpus(text)


def test_parse_cpus_refuses_cpus_that_are_not_there() -> None:
    with pytest.raises(BenchmarkError, match=r"Received: \[4000\]"):
        machine.parse_cpus("4000")


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core has no big and little")
def test_parse_cpus_tells_big_from_little(sysfs: pathlib.Path) -> None:
    assert machine.parse_cpus("little", sysfs) == [0]
    assert machine.parse_cpus("big", sysfs) == sorted(os.sched_getaffinity(0) - {0})


def test_parse_cpus_says_where_cores_do_not_differ(tmp_path: pathlib.Path) -> None:
    with pytest.raises(BenchmarkError, match="--cpus big: the cores of this machine do not differ"):
        machine.parse_cpus("big", tmp_path)


@pytest.mark.parametrize(
    ("strengths", "little", "big"),
    [
        ([1, 1, 1, 1, 2, 2, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]),
        ([3, 1, 1, 2], [1, 2], [0, 3]),
        ([1, 2], [0], [1]),
    ],
    ids=["4+3+1", "in any order", "1+1"],
)
def test_clusters_are_taken_as_they_are(
    strengths: list[int], little: list[int], big: list[int]
) -> None:
    told = dict(enumerate(strengths))
    assert cores.cluster("little", told, "x") == little
    assert cores.cluster("big", told, "x") == big


def test_cores_that_do_not_differ_have_no_clusters() -> None:
    for told in ({}, {0: 5, 1: 5}):
        with pytest.raises(BenchmarkError, match="--cpus big: the cores of the device do not"):
            cores.cluster("big", told, "the device")


def test_there_are_no_more_threads_than_cores() -> None:
    assert cores.check_threads(2, [4, 5]) == [4, 5] and cores.check_threads(8, []) == []
    with pytest.raises(BenchmarkError, match=r"--threads: expected at most .* 2 \(\[4, 5\]\)"):
        cores.check_threads(3, [4, 5])
