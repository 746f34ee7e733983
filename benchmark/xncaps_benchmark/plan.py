"""What is to be measured and how: one description for every target."""

from __future__ import annotations

import hashlib
import os
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xncaps_benchmark import backends, limits, results
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.result_types import Model
from xncaps_files import expected, op_codes, tflite
from xncaps_files.errors import XncapsError

MAX_FILES = 64
# Timed runs of a turn: what came before a turn has left the caches by its two untimed runs, and
# another file's turn is never far.
BLOCK_RUNS = 16
SETTLE_RUNS = 2
# Seconds of rest after each 10 s of work. A phone has no fan and throttles within a minute.
COOLDOWN = {"local": 1.0, "ssh": 5.0, "adb": 10.0}
COOLDOWN_EVERY_SECONDS = 10.0


@dataclass(frozen=True)
class Options:
    """How to measure; the defaults are what a figure that is quoted should have.

    Args:
        runs: timed runs a model.
        seconds: or this long a model, whichever ends first.
        warm_up: seconds of untimed runs before.
        minimum_runs: a time of fewer runs is not valid.
        minimum_seconds: a time of less run time is not valid.
        profile: one more, untimed turn in which the runtime's own profiler tells of each op.
        cooldown: seconds of rest after each 10 s of work (0: none); None: `COOLDOWN` of the target.
        threads: of the interpreter.
        cpus: 'big', 'little', a list such as '0,2-3', None for all.
        runtime: a name of `backends.NAMES`, None for the one that the file's ops ask for.
        baseline: name of the model that ratios refer to; None: the first without custom ops.
        seed: of the order, of random inputs and of the bootstrap.
        check_seconds: the longest that the stored rows of one file may take.
        accuracy: an .npz of images (and labels), or a folder of pictures with a folder a class, to
            score the files on; on another machine their predictions are compared with this one's.
        accuracy_name: what to call those images; None: as the file or the folder is called.
        ssh: what only that target takes; see `targets.connection.Settings`.
        adb: what only that target takes; see `targets.phone.Settings`.
    """

    runs: int = limits.RUNS
    seconds: float = limits.SECONDS
    warm_up: float = limits.WARM_UP
    minimum_runs: int = limits.MINIMUM_RUNS
    minimum_seconds: float = limits.MINIMUM_SECONDS
    profile: bool = False
    cooldown: float | None = None
    threads: int = limits.THREADS
    cpus: str | None = None
    runtime: str | None = None
    baseline: str | None = None
    seed: int = 0
    check_seconds: float = 120.0
    accuracy: str | os.PathLike[str] | None = None
    accuracy_name: str | None = None
    ssh: Mapping[str, object] = field(default_factory=dict[str, object])
    adb: Mapping[str, object] = field(default_factory=dict[str, object])

    def __post_init__(self) -> None:
        for name, limit in limits.LIMITS.items():
            value = getattr(self, name)
            if not limit.check(value):
                raise BenchmarkError(
                    f"Options: expected {name} from {limit.low} to {limit.high}. "
                    f"Received: {name}={value}."
                )
        if self.runtime not in (None, *backends.NAMES):
            raise BenchmarkError(
                f"Options: expected runtime one of {backends.NAMES}. Received: {self.runtime}."
            )

    @property
    def images_name(self) -> str:
        """What the images of `accuracy` are called."""
        return (self.accuracy_name or pathlib.Path(str(self.accuracy)).name)[:200]

    @property
    def rest(self) -> float:
        """Seconds of `cooldown`, 0 where it is not chosen (yet)."""
        return self.cooldown or 0.0


@dataclass
class Job:
    """One file: what is known of it before anything runs. `record` is its entry of the result."""

    path: pathlib.Path
    record: Model
    expected: pathlib.Path | None = None
    ops: op_codes.Ops | None = None
    turns: list[list[float]] = field(default_factory=list[list[float]])
    host_error: str = ""  # why this machine could not run it, where another one could

    @property
    def failed(self) -> bool:
        return self.record["status"] == "failed"

    def fail(self, reason: str) -> None:
        """Reported as failed and never as a time."""
        self.turns.clear()
        error = " ".join(reason.split())[:600]
        self.record.update({"status": "failed", "error": error, "latency": None, "drift": None})


def jobs(files: Sequence[pathlib.Path], runtime: str | None) -> list[Job]:
    """One job a file, each with a name of its own; files that cannot be read are jobs that failed.

    Raises:
        BenchmarkError: no file, or too many.
    """
    if not 0 < len(files) <= MAX_FILES:
        raise BenchmarkError(f"bench: expected 1 to {MAX_FILES} files. Received: {len(files)}.")
    names = _names(files)
    return [_job(path, name, runtime) for path, name in zip(files, names, strict=True)]


def _names(files: Sequence[pathlib.Path]) -> list[str]:
    """File names without .tflite; with as much of the folder as tells equal ones apart."""
    names = [path.name.removesuffix(".tflite")[:150] or str(path) for path in files]
    for index, path in enumerate(files):
        if names.count(path.name.removesuffix(".tflite")[:150]) > 1:
            names[index] = f"{path.resolve().parent.name}/{names[index]}"[:190]
    for index, name in enumerate(names):
        if name in names[:index]:
            names[index] = f"{name} ({index + 1})"
    return names


def _job(path: pathlib.Path, name: str, runtime: str | None) -> Job:
    record: Model = {
        "name": name,
        "bytes": 0,
        "sha256": "",
        "status": "ok",
        "error": None,
        "custom_ops": [],
        "runtime": {"name": runtime or "unknown", "version": "", "timed": ""},
        "verification": {"status": "not verified", "reason": "not run", "rows": 0},
        "accuracy": None,
        "samples": [],
        "latency": None,
        "drift": None,
        "valid": False,
        "invalid_because": [],
        "measured_seconds": None,
        "memory": None,
        "summary": None,
    }
    job = Job(path, record)
    try:
        data = tflite.load(path)
        record.update({"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
        job.ops = op_codes.read_ops(data, path.name)
        record.update({"custom_ops": list(job.ops.custom)[:100], "ops": job.ops.count})
        record["runtime"]["name"] = runtime or backends.choose(job.ops)
        job.expected = expected.path_beside(path)
        if sidecar := expected.path_beside(path, "summary.json"):
            record["summary"] = results.read_summary(sidecar)
    except XncapsError as error:
        job.fail(str(error))
    return job


def pick_baseline(records: Sequence[Model], wanted: str | None) -> str | None:
    """Name of the model that others are compared with.

    Raises:
        BenchmarkError: no model of the wanted name.
    """
    if wanted is not None:
        wanted = wanted.removesuffix(".tflite")
        if wanted not in [record["name"] for record in records]:
            names = ", ".join(record["name"] for record in records)
            raise BenchmarkError(f"--baseline: expected one of {names}. Received: {wanted}.")
        return wanted
    timed = [record for record in records if record["latency"]]
    plain = [record for record in timed if not record.get("custom_ops")]
    return (plain or timed)[0]["name"] if timed else None
