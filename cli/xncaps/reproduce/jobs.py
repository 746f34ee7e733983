"""All runs that are asked for, one after another here, or on the machines of a Ray cluster."""

from __future__ import annotations

import logging
import pathlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xncaps.reproduce import result_lines, running
from xncaps.reproduce.experiments import Experiment
from xncaps.reproduce.running import Place, Say
from xncaps_files.errors import XncapsError, error_text

# A worker that dies is no fault of the run: it is taken up from its checkpoint.
_RETRIES = 10
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Job:
    """One run that is to be made, and the jobs whose models it starts from."""

    experiment: Experiment
    seed: int
    starts: dict[str, Job]

    @property
    def key(self) -> tuple[str, int]:
        return self.experiment.name, self.seed


def plan(chosen: list[Experiment], known: dict[str, Experiment], seeds: int | None) -> list[Job]:
    """The jobs in an order in which each follows what it starts from."""
    jobs: dict[tuple[str, int], Job] = {}

    def add(experiment: Experiment, seed: int) -> Job:
        key = (experiment.name, seed)
        if key not in jobs:
            starts: dict[str, Job] = {}
            for field in ("init", "teacher"):
                name = getattr(experiment, field)
                if name is not None:
                    source = known[name]
                    same = seed if seed in source.chosen_seeds(seeds) else source.seeds[0]
                    starts[field] = add(source, same)
            jobs[key] = Job(experiment, seed, starts)
        return jobs[key]

    for experiment in chosen:
        for seed in experiment.chosen_seeds(seeds):
            add(experiment, seed)
    return list(jobs.values())


def run_here(jobs: list[Job], place: Place, say: Say) -> list[result_lines.ResultLine]:
    """Runs what is not finished, one after another; each line is written when it is known.

    Raises:
        XncapsError, OSError: a run has failed; those that do not start from it have been made.
    """
    lines: list[result_lines.ResultLine] = []
    failed: dict[tuple[str, int], Exception] = {}
    for number, job in enumerate(jobs, start=1):
        where = f"[{number}/{len(jobs)}] {job.experiment.name}, seed {job.seed}"
        line = running.finished(job.experiment, job.seed, place)
        if line is not None and _is_startable(job, jobs, place):
            say(f"{where}: done before")
        elif lacking := [start for start in job.starts.values() if start.key in failed]:
            failed[job.key] = failed[lacking[0].key]
            say(f"{where}: left out, it starts from {lacking[0].experiment.name}, which failed")
            continue
        else:
            say(f"{where}: about {job.experiment.hours:g} hours on two idle cores")
            try:
                line = running.run(job.experiment, job.seed, place, _starts(job, place), say)
            except (XncapsError, OSError) as error:
                failed[job.key] = error
                say(f"{where}: failed: {error_text(error)}")
                continue
            result_lines.add(place.results, [line])
        lines.append(line)
    _raise_for(failed, len(jobs))
    return lines


def _raise_for(failed: dict[tuple[str, int], Exception], count: int) -> None:
    """Raises what one run has failed by, or says how many have."""
    if not failed:
        return
    first = next(iter(failed.values()))
    if count == 1:
        raise first
    names = ", ".join(f"{name} (seed {seed})" for name, seed in failed)
    raise XncapsError(
        f"reproduce: expected {count} runs to end. Received: {len(failed)} that did not, {names}; "
        f"the first by {error_text(first)}"
    ) from first


def _is_startable(job: Job, jobs: list[Job], place: Place) -> bool:
    """Whether no unfinished job waits for a model of this one that is not there any more."""
    wanted = any(
        start is job and running.finished(other.experiment, other.seed, place) is None
        for other in jobs
        for start in other.starts.values()
    )
    return not wanted or place.model(job.experiment, job.seed).is_file()


def _starts(job: Job, place: Place) -> dict[str, pathlib.Path]:
    return {field: place.model(start.experiment, start.seed) for field, start in job.starts.items()}


def run_on_cluster(
    jobs: list[Job], place: Place, say: Say, address: str, workers: int | None = None
) -> list[result_lines.ResultLine]:
    """The same on a Ray cluster: a task a run, retried where a worker dies.

    `place.out` and the data must lie on a file system that all machines share.

    Args:
        jobs: what to run.
        place: where.
        say: called with a line for a person.
        address: of the cluster, or 'local' for one on this machine.
        workers: how many processes a local one has; None: one a core.

    Raises:
        XncapsError: Ray is not installed, cannot be reached, or a run fails.
    """
    try:
        import ray
    except ImportError as error:
        raise XncapsError(
            "reproduce: expected Ray for --ray. Received: none; pip install 'xncaps-tf[cluster]'."
        ) from error
    task = _connect(address, workers)
    waiting: dict[Any, Job] = {}  # by Ray's references
    refs: dict[tuple[str, int], Any] = {}
    lines: dict[tuple[str, int], result_lines.ResultLine] = {}
    failed: dict[tuple[str, int], Exception] = {}
    try:
        for job in jobs:
            line = running.finished(job.experiment, job.seed, place)
            if line is not None and _is_startable(job, jobs, place):
                say(f"{job.experiment.name}, seed {job.seed}: done before")
                lines[job.key] = line
                continue
            before = [refs[start.key] for start in job.starts.values() if start.key in refs]
            ref = task.remote(job.experiment, job.seed, place, _starts(job, place), *before)
            refs[job.key] = ref
            waiting[ref] = job
        while waiting:
            (ready,), _ = ray.wait(list(waiting), num_returns=1)
            job = waiting.pop(ready)
            try:
                lines[job.key] = _result(ray.get, ready, job)
            except XncapsError as error:  # what starts from it is given the same by Ray
                failed[job.key] = error
                say(f"{job.experiment.name}, seed {job.seed}: failed: {error}")
                continue
            result_lines.add(place.results, [lines[job.key]])
            say(f"{job.experiment.name}, seed {job.seed}: done")
    finally:
        ray.shutdown()
    _raise_for(failed, len(jobs))
    return [lines[job.key] for job in jobs]


def _connect(address: str, workers: int | None) -> Any:
    """The remote function, once the cluster is there."""
    import ray

    try:
        _reach(address)
        if address == "local":
            ray.init(
                num_cpus=workers,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        else:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        ways = {"local": "", "auto": "; begin one by `ray start`, or give the address of one"}
        way = ways.get(address, "; on a machine of it --ray auto, else with its token")
        raise XncapsError(
            f"--ray: expected a Ray cluster. Received: --ray {address} "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]}){way} "
            "(docs/reproduce.md)."
        ) from error

    @ray.remote(num_cpus=1, max_retries=_RETRIES)
    def task(
        experiment: Experiment, seed: int, place: Place, starts: dict[str, pathlib.Path], *_: object
    ) -> result_lines.ResultLine:
        return running.run(experiment, seed, place, starts)

    return task


def _reach(address: str) -> None:
    """Raises OSError where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()


def _result(
    get: Callable[..., result_lines.ResultLine], ref: object, job: Job
) -> result_lines.ResultLine:
    from ray.exceptions import RayError

    try:
        return get(ref)
    except RayError as error:
        cause = getattr(error, "cause", None) or error
        raise XncapsError(
            f"reproduce: expected {job.experiment.name}, seed {job.seed}, to end on the cluster. "
            f"Received: {type(cause).__name__}: {' '.join(str(cause).split())[:300]}."
        ) from error
