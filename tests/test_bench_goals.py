"""The benches end with exit code 1 where a goal is missed, and only there."""

from __future__ import annotations

import pathlib
from types import ModuleType

import pytest

import bench_modules

# Milliseconds and MB by the number of classes, on the verge of what is promised.
TIMES = {10: [2.0, 1.0, 3.0], 81: [9.5, 19.0, 30.0], 200: [24.0, 48.0, 90.0]}
LAYER = {10: 10.0, 81: 81.0, 200: 200.0}
PLAIN = {10: 11.0, 81: 81.5, 200: 200.5}


@pytest.fixture(scope="module")
def goals() -> ModuleType:
    return bench_modules.load("goals")


def test_a_step_of_many_classes_is_held_to_the_times_of_few(goals: ModuleType) -> None:
    assert goals.missed_times(50, TIMES) == []
    # One of the two ratios is enough: the medians' is larger here, then the minima's.
    assert goals.missed_times(50, {**TIMES, 81: [9.5, 25.0, 30.0]}) == []
    assert goals.missed_times(50, {**TIMES, 81: [10.0, 19.0, 30.0]}) == []
    assert goals.missed_times(50, {**TIMES, 81: [9.6, 19.2, 30.0]}) == [
        "XnODR, J 81, B 50: 9.60 times J 10, more than 9.5"
    ]
    assert goals.missed_times(100, {**TIMES, 200: [25.0, 50.0, 90.0]}) == [
        "XnODR, J 200, B 100: 25.00 times J 10, more than 24"
    ]


def test_memory_of_many_classes_is_linear_and_below_the_plain_forms(goals: ModuleType) -> None:
    assert goals.missed_memory(LAYER, PLAIN) == []
    assert goals.missed_memory({**LAYER, 81: 83.0}, {**PLAIN, 81: 90.0}) == [
        "XnODR, J 81: 83 MB a step, more than 81, 8.1 times J 10"
    ]
    assert goals.missed_memory(LAYER, {**PLAIN, 200: 200.0}) == [
        "XnODR, J 200: 200 MB a step, not below the plain form's 200"
    ]


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({}, 0, ""),
        ({"times": {**TIMES, 81: [20.0] * 3}}, 1, "J 81, B 50: 10.00 times"),
        ({"layer": {**LAYER, 200: 200.2}}, 1, "J 200: 200 MB a step, more than"),
        ({"plain": {**PLAIN, 81: 80.0}}, 1, "J 81: 81 MB a step, not below"),
        ({"difference": 2e-5}, 1, "J 200: gradients differ by 2.0e-05"),
    ],
    ids=["kept", "time", "linear", "plain", "gradients"],
)
def test_the_bench_of_many_classes_ends_with_what_is_missed(
    change: dict[str, object],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = bench_modules.load("layer_step")
    found: dict[str, object] = {"times": TIMES, "difference": 0.0, "layer": LAYER, "plain": PLAIN}
    found.update(change)
    monkeypatch.setattr(bench, "measure_many", lambda batch, runs: found["times"])
    monkeypatch.setattr(bench, "difference_of_many", lambda classes: found["difference"])
    monkeypatch.setattr(
        bench, "memory_in_child", lambda _, name, classes: {"step": found[name][classes]}
    )
    monkeypatch.setattr("sys.argv", ["layer_step.py", "--many"])
    assert bench.main() == code
    told = capsys.readouterr()
    assert said in told.err and bool(told.err) == bool(code)
    assert "promised" in told.out and len(told.out.splitlines()) == 7


@pytest.mark.parametrize(
    ("words", "minutes", "code"),
    [
        ([], 3.0, 0),
        ([], 3.02, 1),
        (["--grocery", "F"], 10.0, 0),
        (["--grocery", "F"], 10.2, 1),
    ],
)
def test_photographs_take_no_longer_than_promised(
    words: list[str],
    minutes: float,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = bench_modules.load("photos")

    def timed(*command: str) -> float:
        if command[0] == "convert":
            pathlib.Path(command[-1]).write_bytes(b"x")
        return minutes / 2

    monkeypatch.setattr(bench, "timed", timed)
    drawn = ["--classes", "1", "--pictures", "1"]
    monkeypatch.setattr("sys.argv", ["photos.py", *words, *drawn])
    assert bench.main() == code
    told = capsys.readouterr()
    data, limit = ("grocery", "10") if words else ("folder", "3")
    assert f"in all {minutes:.2f} min (at most {limit})" in told.out
    missed = f"FAILED {data}: {minutes:.2f} minutes, more than {limit}\n"
    assert told.err == (missed if code else "")
