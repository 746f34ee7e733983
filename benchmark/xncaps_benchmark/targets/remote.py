"""What the targets that measure elsewhere share: files to push, the host's predictions, merging."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence
from typing import Any

from xncaps_benchmark import measuring, plan
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.targets import local

PUSHED_IMAGES = "accuracy.npz"


def remote_name(job: plan.Job, index: int) -> str:
    """A file name without surprises for a shell, a phone or another model."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", job.record["name"]).strip("_-")[:60] or "model"
    return f"{index:02d}_{plain}.tflite"


def pushed(job: plan.Job, index: int) -> list[tuple[pathlib.Path, str]]:
    """The model and what lies beside it, with their names in the folder there."""
    name = remote_name(job, index)
    files = [(job.path, f"files/{name}")]
    if job.expected is not None:
        files.append((job.expected, f"files/{name}.expected.npz"))
    return files


def predictions(jobs: Sequence[plan.Job], options: plan.Options) -> dict[str, list[int]]:
    """--accuracy: what each file says of the images on this machine; {} where not asked for.

    A file that this machine cannot run (the runtime is not installed here) has no entry.
    """
    if options.accuracy is None:
        return {}
    found = {}
    for job in jobs:
        child = local.Child(job)
        try:
            path = str(pathlib.Path(options.accuracy).resolve())
            load = {"path": str(job.path.resolve()), "runtime": job.record["runtime"]["name"]}
            child.ask("load", 300, threads=1, cpus=[], expected=None, seed=0, **load)
            told = child.ask("accuracy", 3600, path=path, source=options.images_name)
            found[job.record["name"]] = told["predictions"]
        except BenchmarkError as error:
            if "accuracy" in str(error) or ".npz" in str(error):
                raise
            job.record.setdefault("_host_error", str(error))
        finally:
            child.close()
    return found


def agreement(here: Sequence[int], there: Sequence[int], source: str) -> dict[str, Any]:
    """How many predictions are equal on this machine and there."""
    rows = min(len(here), len(there))
    equal = sum(a == b for a, b in zip(here, there, strict=False))
    return {"rows": rows, "equal": equal, "data": source[:200]}


def merge(
    fetched: dict[str, Any],
    jobs: Sequence[plan.Job],
    target: dict[str, str],
    options: plan.Options,
    expected: dict[str, list[int]],
    notes: Sequence[str],
) -> dict[str, Any]:
    """The result of another machine, with our names, summaries and files that never got there."""
    found = iter(fetched["models"])
    records = []
    all_notes = [*fetched["notes"], *notes]
    for job in jobs:
        record = job.record
        host_error = record.pop("_host_error", None)
        if not job.failed:
            there = next(found, None)
            if there is None or there["sha256"] != record["sha256"]:
                raise BenchmarkError(
                    f"{target['name']}: its result is of other files than were pushed"
                )
            record = {**there, "name": record["name"], "summary": record["summary"]}
            here = expected.get(record["name"])
            _rename_source(record, options)
            if here is not None and "predictions" in record:
                record["agreement"] = agreement(here, record["predictions"], options.images_name)
            elif host_error:
                all_notes.append(
                    f"{record['name']}: not compared with this host: {host_error}"[:500]
                )
            record.pop("predictions", None)
        records.append(record)
    parts = {key: fetched[key] for key in ("method", "machine", "state")}
    complete = fetched["complete"] and not notes
    return measuring.assemble(parts, records, target, options, complete=complete, notes=all_notes)


def _rename_source(record: dict[str, Any], options: plan.Options) -> None:
    """The images of --accuracy have their own name again, not that of the copy."""
    accuracy = record["accuracy"]
    if options.accuracy is not None and accuracy and accuracy.get("source") == PUSHED_IMAGES:
        accuracy["source"] = options.images_name


def nothing_to_run(
    jobs: Sequence[plan.Job], target: dict[str, str], options: plan.Options
) -> dict[str, Any]:
    """The result where every file failed before it could be pushed."""
    method = {
        "order": "nothing ran",
        "seed": options.seed,
        "runs": options.runs,
        "seconds": options.seconds,
        "warm_up_seconds": options.warm_up,
        "cooldown_seconds": options.rest,
        "threads": options.threads,
        "cpus": [],
    }
    parts: dict[str, Any] = {
        "method": method,
        "machine": {"system": "", "cpu": ""},
        "state": {"start": {}, "end": {}},
    }
    records = [job.record for job in jobs]
    return measuring.assemble(parts, records, target, options, complete=True, notes=[])
