"""The numbers that say how to measure: default, range and words of each, in one place.

The command line makes its options of them and `plan.Options` its checks; nothing is imported.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """A number of `plan.Options`.

    Attributes:
        default: None where the target has its own.
        low, high: the range, both ends in it.
        metavar: 'N' of a count, 'S' of seconds.
        help: a sentence for a person.
    """

    default: float | None
    low: float
    high: float
    metavar: str
    help: str

    def check(self, value: float | None) -> bool:
        return value is None or self.low <= value <= self.high


RUNTIMES = ("litert", "litert+xncaps", "litert-compiled", "lce")  # see `backends`
RUNS = 1_024
SECONDS = 60.0
WARM_UP = 0.5
THREADS = 1
# What a time that is quoted needs at least: 64 runs, and 10 ms of run time.
MINIMUM_RUNS = 64
MINIMUM_SECONDS = 0.01

LIMITS = {
    "runs": Limit(RUNS, 1, 1_000_000, "N", "Timed runs a file."),
    "seconds": Limit(
        SECONDS, 0.001, 86_400, "S", "Or this much run time a file, whichever ends first."
    ),
    "warm_up": Limit(WARM_UP, 0, 3_600, "S", "Seconds of untimed runs a file before."),
    "minimum_runs": Limit(MINIMUM_RUNS, 0, 1_000_000, "N", "A time of fewer runs is not valid."),
    "minimum_seconds": Limit(
        MINIMUM_SECONDS, 0, 86_400, "S", "A time of less run time is not valid."
    ),
    "cooldown": Limit(
        None,
        0,
        3_600,
        "S",
        "Seconds of rest after each 10 s of work.  [default: 1 local, 5 ssh, 10 adb]",
    ),
    "threads": Limit(THREADS, 1, 1_024, "N", "Of the interpreter."),
}
