"""The time that is left: of all steps, by their usual shares and by how it goes."""

from __future__ import annotations

import sys
import time

import pytest

from xncaps.step_display import conversion_shares, steps, verification_shares
from xncaps.time_left import Share, TimeLeft, about

SHARES = (Share("load", 1.0), Share("convert", 3.0), Share("run Keras", 4.0), Share("run f", 2.0))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_machine_of_half_the_pace_is_seen_after_the_first_step() -> None:
    clock = Clock()
    left = TimeLeft(SHARES, clock)
    assert left.seconds() is None
    left.step("load", 0)
    clock.now += 2  # one second as a rule
    assert left.seconds() is None  # nothing has ended that tells
    left.step("convert", 0)
    assert left.seconds() == pytest.approx(2 * (3 + 4 + 2))
    clock.now += 4  # it counts down within a step that does not count itself
    assert left.seconds() == pytest.approx(2 * (3 + 4 + 2) - 4)
    clock.now += 20  # longer than the rule: the rest is what the others take
    assert left.seconds() == pytest.approx(2 * (4 + 2))


def test_a_counted_step_goes_by_its_own_pace() -> None:
    clock = Clock()
    left = TimeLeft(SHARES, clock)
    for step, seconds in (("load", 1), ("convert", 3)):
        left.step(step, 0)
        clock.now += seconds
    left.step("run Keras on 100 samples", 0)
    assert left.seconds() == pytest.approx(6)
    clock.now += 10
    left.step("run Keras on 100 samples", 0.5)
    assert left.seconds() == pytest.approx(10 + 2 * (1 + 3 + 10) / (1 + 3 + 2))
    clock.now += 10
    left.step("run file", 0)
    left.step("unknown", 0.5)
    assert left.seconds() == pytest.approx(2 * (1 + 3 + 20) / (1 + 3 + 4))


def test_a_step_that_is_left_out_counts_as_done() -> None:
    clock = Clock()
    left = TimeLeft(SHARES, clock)
    left.step("load", 0)
    clock.now += 4
    left.step("run Keras", 0)  # without the conversion
    assert left.seconds() == pytest.approx(4 / (1 + 3) * (4 + 2))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.2, "about 5 s left"),
        (33, "about 35 s left"),
        (61, "about 1 min left"),
        (200, "about 3 min left"),
    ],
)
def test_no_more_digits_than_are_known(seconds: float | None, text: str) -> None:
    assert about(seconds) == text


def test_the_steps_of_a_conversion_are_those_that_will_come() -> None:
    named = [share.step for share in conversion_shares(samples=10, int8=True)]
    first = ["load", "copy the model", "convert", "calibrate int8"]
    assert named == [*first, "run Keras", "run the file"]
    assert len(conversion_shares(samples=10, verified=False)) == 3
    assert [share.step for share in verification_shares(10)] == [named[0], *named[-2:]]


def test_a_log_hears_of_a_long_work_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    assert not sys.stdout.isatty()
    with steps("convert", SHARES, quiet=0.05) as report:
        report("load", 0.0)
        report("run Keras on 9 samples", 0.5)
        time.sleep(0.5)
    out, err = capsys.readouterr()
    assert not out  # results alone
    lines = err.splitlines()
    assert 1 <= len(lines) <= 10
    assert all(line.startswith("convert: run Keras on 9 samples 50%, ") for line in lines)
    assert all(line.endswith(" left") for line in lines)


def test_a_log_hears_nothing_of_a_short_work(capsys: pytest.CaptureFixture[str]) -> None:
    with steps("convert", SHARES, quiet=60.0) as report:
        report("load", 0.0)
    assert capsys.readouterr() == ("", "")
