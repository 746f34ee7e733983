"""What the targets that measure elsewhere share: files to push, the host's predictions, merging."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence

from xncaps_benchmark import measuring, plan
from xncaps_benchmark.checking import Evaluated
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.result_types import Agreement, Method, Model, Parts, Result, Target
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
    found: dict[str, list[int]] = {}
    for job in jobs:
        child = local.Child(job)
        try:
            path = str(pathlib.Path(options.accuracy).resolve())
            runtime, file = job.record["runtime"]["name"], str(job.path.resolve())
            more: dict[str, object] = {"threads": 1, "cpus": [], "expected": None, "seed": 0}
            child.ask("load", 300, path=file, runtime=runtime, **more)
            told: Evaluated = child.ask("accuracy", 3600, path=path, source=options.images_name)
            found[job.record["name"]] = told["predictions"]
        except BenchmarkError as error:
            if "accuracy" in str(error) or ".npz" in str(error):
                raise
            job.host_error = str(error)
        finally:
            child.close()
    return found


def agreement(here: Sequence[int], there: Sequence[int], source: str) -> Agreement:
    """How many predictions are equal on this machine and there."""
    rows = min(len(here), len(there))
    equal = sum(a == b for a, b in zip(here, there, strict=False))
    return {"rows": rows, "equal": equal, "data": source[:200]}


def merge(
    fetched: Result,
    jobs: Sequence[plan.Job],
    target: Target,
    options: plan.Options,
    expected: dict[str, list[int]],
    notes: Sequence[str],
) -> Result:
    """The result of another machine, with our names, summaries and files that never got there."""
    found = iter(fetched["models"])
    records: list[Model] = []
    all_notes = [*fetched["notes"], *notes]
    for job in jobs:
        record = job.record
        if not job.failed:
            there = next(found, None)
            if there is None or there["sha256"] != record["sha256"]:
                raise BenchmarkError(
                    f"{target['name']}: its result is of other files than were pushed"
                )
            record = there
            record.update({"name": job.record["name"], "summary": job.record.get("summary")})
            here = expected.get(record["name"])
            _rename_source(record, options)
            if here is not None and "predictions" in record:
                record["agreement"] = agreement(here, record["predictions"], options.images_name)
            elif job.host_error:
                all_notes.append(
                    f"{record['name']}: not compared with this host: {job.host_error}"[:500]
                )
            record.pop("predictions", None)
        records.append(record)
    parts: Parts = {
        "method": fetched["method"],
        "machine": fetched["machine"],
        "state": fetched["state"],
    }
    complete = fetched["complete"] and not notes
    return measuring.assemble(parts, records, target, options, complete=complete, notes=all_notes)


def _rename_source(record: Model, options: plan.Options) -> None:
    """The images of --accuracy have their own name again, not that of the copy."""
    accuracy = record["accuracy"]
    if options.accuracy is not None and accuracy and accuracy.get("source") == PUSHED_IMAGES:
        accuracy["source"] = options.images_name


def nothing_to_run(jobs: Sequence[plan.Job], target: Target, options: plan.Options) -> Result:
    """The result where every file failed before it could be pushed."""
    method: Method = {
        "order": "nothing ran",
        "seed": options.seed,
        "runs": options.runs,
        "seconds": options.seconds,
        "warm_up_seconds": options.warm_up,
        "cooldown_seconds": options.rest,
        "threads": options.threads,
        "cpus": [],
    }
    parts: Parts = {
        "method": method,
        "machine": {"system": "", "cpu": ""},
        "state": {"start": {}, "end": {}},
    }
    records = [job.record for job in jobs]
    return measuring.assemble(parts, records, target, options, complete=True, notes=[])
