"""`measure`: files and a target in, a result that follows the schema out."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import importlib
import os
import pathlib
import tempfile
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import xncaps_benchmark
from xncaps_benchmark import (
    backends,
    clocks,
    images,
    machine,
    picture_folder,
    plan,
    results,
    stats,
    validity,
)
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.result_types import Model, Parts, Ratio, Result, Target
from xncaps_benchmark.targets import local
from xncaps_files import expected, tflite
from xncaps_files.errors import DataError

# A clock that is lower than this share of what it was is said: governors move it a little anyway.
CLOCK_LIMIT = 0.85


def _quiet(what: str, share: float) -> None:
    """Progress that nobody looks at."""


def measure(
    files: Sequence[str | os.PathLike[str]],
    target: str = "local",
    *,
    progress: local.Progress = _quiet,
    checkpoint: Callable[[Result], None] | None = None,
    **options: Any,
) -> Result:
    """Measures TFLite files, interleaved, and checks their outputs before any is timed.

    Args:
        files: paths; `FILE.expected.npz` and `FILE.summary.json` beside them are used.
        target: 'local', 'ssh:[USER@]HOST[:PORT]', 'adb' or 'adb:SERIAL'.
        progress: called with what is being done and the share that is done.
        checkpoint: called after each 10 s of work with what was measured until then ('local' only).
        options: see `plan.Options`.

    Returns: a result as in `schema/result.schema.json`. Files that fail are in it as failed.

    Raises:
        BenchmarkError: no file, an option out of its range, no such target or target state.
    """
    chosen = plan.Options(**options)
    kind, _, name = target.partition(":")
    if (
        kind not in ("local", "ssh", "adb")
        or (kind == "local" and name)
        or (kind == "ssh" and not name)
    ):
        raise BenchmarkError(
            f"--target: expected local, ssh:HOST, adb or adb:SERIAL. Received: {target}."
        )
    jobs = plan.jobs([pathlib.Path(file) for file in files], chosen.runtime)
    plan.pick_baseline([job.record for job in jobs], chosen.baseline)
    if chosen.cooldown is None:
        chosen = dataclasses.replace(chosen, cooldown=plan.COOLDOWN[kind])
    if chosen.profile and not chosen.adb.get("benchmark_model"):
        raise BenchmarkError(
            "--profile: expected --target adb with --benchmark-model: LiteRT's Python and Java "
            "interpreters have no profiler. Received: another runtime."
        )
    with tempfile.TemporaryDirectory(prefix="xncaps-images-") as scratch:
        chosen = _with_images(jobs, chosen, pathlib.Path(scratch))
        if kind == "local":
            return _local(jobs, chosen, progress, checkpoint)
        module = importlib.import_module(f"xncaps_benchmark.targets.{kind}")
        return module.measure(jobs, name, chosen, progress)


def _with_images(
    jobs: Sequence[plan.Job], options: plan.Options, scratch: pathlib.Path
) -> plan.Options:
    """Options whose `accuracy`, where it is asked for, is an .npz that was looked into."""
    if options.accuracy is None:
        return options
    given = pathlib.Path(options.accuracy)
    if not given.is_dir():
        name = options.accuracy_name or images.read(given).source
        return dataclasses.replace(options, accuracy_name=name)
    found = picture_folder.read(
        given.resolve(),
        picture_shape([job.path for job in jobs if not job.failed]),
        _class_names(jobs),
    )
    path = scratch / "pictures.npz"
    images.write(path, found)
    name = options.accuracy_name or found.source
    return dataclasses.replace(options, accuracy=path, accuracy_name=name)


def picture_shape(files: Sequence[pathlib.Path]) -> tuple[int, int, int]:
    """(H, W, C) of the files' input: all score the same pictures.

    Raises:
        BenchmarkError: they differ, or are no shapes of pictures.
    """
    shapes: set[tuple[int, ...]] = set()
    for file in files:
        inputs, _ = tflite.read_io(tflite.load(file), file.name)
        shapes.add(tuple(inputs[0].shape[1:]) if len(inputs) == 1 else ())
    if len(shapes) == 1 and len(shape := next(iter(shapes))) == 3 and shape[2] in (1, 3):
        return shape
    told = ", ".join(str(list(shape)) for shape in sorted(shapes)) or "no file that can be read"
    raise BenchmarkError(
        "--accuracy: expected files with one and the same input [1, H, W, 1 or 3] for "
        f"pictures. Received: {told}. An .npz for each file does it too."
    )


def _class_names(jobs: Sequence[plan.Job]) -> tuple[str, ...]:
    """Those that are stored beside the first file that has some."""
    for job in jobs:
        if job.expected is not None:
            with contextlib.suppress(DataError):  # said when that file's turn comes
                if names := expected.read(job.expected).class_names:
                    return names
    return ()


def _local(
    jobs: list[plan.Job],
    options: plan.Options,
    progress: local.Progress,
    checkpoint: Callable[[Result], None] | None,
) -> Result:
    def result(run: local.Measurement, parts: Parts, complete: bool) -> Result:
        parts["machine"]["runtimes"] = backends.versions()
        target: Target = {"kind": "local", "name": "local"}
        records = [job.record for job in jobs]
        return assemble(parts, records, target, options, complete=complete, notes=run.notes)

    run = local.Measurement(jobs, options, progress)
    if checkpoint is not None:
        run.checkpoint = lambda running: checkpoint(result(running, running.parts(), False))
    parts = run.run()
    return result(run, parts, run.complete)


def assemble(
    parts: Parts,
    records: list[Model],
    target: Target,
    options: plan.Options,
    *,
    complete: bool,
    notes: list[str],
) -> Result:
    """A whole result, checked: with ratios to the baseline and a note for what slowed down."""
    if not complete:
        for record in records:
            record["status"] = "partial" if record["latency"] else record["status"]
    for record in records:
        validity.judge(record, options)
    baseline = plan.pick_baseline(records, options.baseline)
    parts["method"].update(
        {
            "baseline": baseline,
            "minimum_runs": options.minimum_runs,
            "minimum_seconds": options.minimum_seconds,
        }
    )
    slowed = [r["name"] for r in records if (drift := r.get("drift")) and drift["slowed"]]
    if slowed:
        notes = [
            *notes,
            f"slower at the end than at the start (throttling or load?): {', '.join(slowed)}"[:500],
        ]
    state = parts["state"]
    left = clocks.left(state.get("clocks"))
    if left is not None and left < CLOCK_LIMIT:
        notes = [
            *notes,
            f"the clock was at {left:.0%} of what it had been (throttling?)",
        ]
    if hot := machine.hotter(state["start"], state["end"]):
        notes = [*notes, hot]
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return results.check_result(
        {
            "format": results.FORMAT,
            "format_version": results.FORMAT_VERSION,
            "id": str(uuid.uuid4()),
            "created": now.isoformat().replace("+00:00", "Z"),
            "tool": {
                "name": "xncaps-benchmark",
                "version": xncaps_benchmark.__version__,
                "commit": validity.commit(),
            },
            "target": target,
            **parts,
            "models": records,
            "ratios": ratios(records, baseline, options.seed),
            "complete": complete,
            "notes": notes,
        }
    )


def judged(result: Result) -> Result:
    """A result of `results.read_result` whose times the app took on its own screen, judged.

    The app tells times and judges none of them. Drift, validity and ratios are filled in by the
    rules of results that are taken here; a result that has been judged, or tells no limits to be
    judged by, is returned as it is.
    """
    method, records = result["method"], [record.copy() for record in result["models"]]
    open_ones = [record for record in records if record["valid"] is None]
    if not open_ones or "minimum_runs" not in method or "minimum_seconds" not in method:
        return result
    options = plan.Options(
        minimum_runs=method["minimum_runs"], minimum_seconds=method["minimum_seconds"]
    )
    for record in open_ones:
        if record["latency"] is not None and record.get("drift") is None:
            record["drift"] = stats.drift(record["latency"], method["seed"])
        validity.judge(record, options)
    found = result["ratios"] or ratios(records, method.get("baseline"), method["seed"])
    return results.check_result({**result, "models": records, "ratios": found})


def ratios(records: Sequence[Model], baseline: str | None, seed: int) -> list[Ratio]:
    """How many times faster each model is than the baseline."""
    timed = {record["name"]: record["latency"] for record in records if record["latency"]}
    if baseline not in timed:
        return []
    return [
        {"baseline": baseline, "model": name, **stats.ratio(timed[baseline], latency, seed)}
        for name, latency in timed.items()
        if name != baseline
    ]
