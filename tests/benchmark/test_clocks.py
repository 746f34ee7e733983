from __future__ import annotations

import pathlib

import pytest

from xncaps_benchmark import clocks
from xncaps_benchmark.clocks import Sample


def samples(*khz: int, ticks: bool = False) -> list[Sample]:
    """A cluster that was at these clocks, 100 ticks each."""
    found, spent = [], dict.fromkeys((500, *sorted(set(khz))), 0)
    for clock in khz:
        spent = {**spent, clock: spent[clock] + 100}
        found.append(Sample({"policy0": 500}, {"policy0": spent} if ticks else {}))
    return found


def test_the_time_at_each_clock_tells_more_than_two_instants() -> None:
    """Both readings are of the idle clock; the ticks know what the runs had."""
    told = clocks.told(samples(*[2000] * 8, *[1000] * 8, ticks=True))
    assert told == {"how": "time in state", "first_khz": [2000], "last_khz": [1000]}
    assert clocks.left(told) == 0.5


def test_the_highest_of_many_readings_counts_where_ticks_are_hidden() -> None:
    seen = [Sample({"a": khz, "b": 10}, {}) for khz in (1, 9, 1, 1, 1, 1, 1, 1, 1, 3, 1, 1)]
    told = clocks.told(seen)
    assert told == {"how": "sampled maximum", "first_khz": [9, 10], "last_khz": [3, 10]}
    assert clocks.left(told) == pytest.approx(13 / 19, abs=1e-4)


def test_a_clock_that_a_governor_passed_through_does_not_count() -> None:
    before = Sample({}, {"p": {1000: 0, 3000: 0}})
    after = Sample({}, {"p": {1000: 1000, 3000: 5}})
    told = clocks.told([before, after])
    assert told is not None and told["first_khz"] == [1000]


@pytest.mark.parametrize("seen", [[], [Sample({"a": 1}, {})], [Sample({}, {})] * 9])
def test_what_a_machine_hides_is_not_told(seen: list[Sample]) -> None:
    assert clocks.told(seen) is None and clocks.left(clocks.told(seen)) is None


def test_clusters_are_read_from_the_kernel(tmp_path: pathlib.Path) -> None:
    policy = tmp_path / "devices/system/cpu/cpufreq/policy4"
    (policy / "stats").mkdir(parents=True)
    (policy / "scaling_cur_freq").write_text("2841600\n")
    (policy / "stats/time_in_state").write_text("825600 17\n2841600 4\n")
    assert clocks.read(tmp_path) == Sample(
        {"policy4": 2841600}, {"policy4": {825600: 17, 2841600: 4}}
    )
    (policy / "stats/time_in_state").write_text("cat: permission denied\n")
    assert clocks.read(tmp_path).ticks == {}
