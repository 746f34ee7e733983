"""TFLite's own benchmark_model on a phone: pushed, run in rounds, its output parsed.

It gives no outputs, so nothing is verified, and no single times: a round's times come as count,
average, minimum, maximum, deviation and, from newer versions, the median. The samples of the result
are the rounds' medians (averages from older versions), and percentiles are not told.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import shlex
import time
from typing import Any

import numpy as np

from xncaps_benchmark import checking, clocks, plan, stats
from xncaps_benchmark.errors import BenchmarkError, TargetError
from xncaps_benchmark.result_types import Machine, Parts, ProfiledOp, States
from xncaps_benchmark.targets import appresult
from xncaps_benchmark.targets.phone import Phone, Settings
from xncaps_benchmark.targets.phonerun import PhoneRun
from xncaps_benchmark.targets.tooloutput import Output, parse, parse_ops, pooled

ROUNDS = 8
_NO_PERCENTILES = (
    "benchmark_model tells no single times: p90 and p99 are left out, the samples are its rounds'"
)


class ToolRun(PhoneRun):
    """One measurement by benchmark_model."""

    root = "/data/local/tmp"

    def __init__(self, jobs: list[plan.Job], phone: Phone, settings: Settings, *more: Any) -> None:
        super().__init__(jobs, phone, settings, *more)
        self.folder = f"{self.root}/xncaps-bench-{self.id}"
        self._last: dict[str, tuple[Output, list[ProfiledOp]]] = {}
        self._found: dict[str, list[Output]] = {job.record["name"]: [] for job in jobs}
        self._cpus: list[int] = []
        self._clocks: list[clocks.Sample] = []

    def prepare(self) -> None:
        if self.options.accuracy is not None:
            raise BenchmarkError("--accuracy: benchmark_model gives no outputs; use the app")
        self._cpus = appresult.affinity(self.options, self.phone)

    def take(self) -> None:
        self._push()
        with self.timed():
            self._rounds()
        self._look()

    def _push(self) -> None:
        """The binary, the delegate and the files."""
        tool, delegate = self.settings.benchmark_model, self.settings.external_delegate
        files = {"benchmark_model": pathlib.Path(str(tool))}
        if delegate is not None:
            files["delegate.so"] = pathlib.Path(delegate)
        files |= {self.name(job): job.path for job in self.good()}
        self.make_folder(sum(path.stat().st_size for path in files.values()))
        for name, path in files.items():
            self.progress(f"pushing {name}", 0.0)
            mode = 0o644 if name.endswith(".tflite") else 0o755
            self.phone.push(path.read_bytes(), f"{self.folder}/{name}", mode)

    def _rounds(self) -> None:
        """Every file once a round, in seeded random order; a rest after each 10 s of work."""
        generator = np.random.default_rng(self.options.seed)
        rested = time.monotonic()
        for turn in range(ROUNDS):
            self._clocks.append(self.phone.clock_sample())  # between rounds: nothing runs
            order: list[int] = generator.permutation(len(self.jobs)).tolist()
            for index in order:
                job = self.jobs[index]
                if job.failed:
                    continue
                self.progress(f"measuring {job.record['name']}", turn / ROUNDS)
                try:
                    self._found[job.record["name"]].append(parse(self._run(job)))
                except TargetError as error:  # the device went away: what there is is kept
                    if not any(self._found.values()):
                        raise
                    self.lost(error)
                    return
                except BenchmarkError as error:
                    job.fail(str(error))
            worked = time.monotonic() - rested
            if self.options.rest and turn < ROUNDS - 1 and worked > plan.COOLDOWN_EVERY_SECONDS:
                self.phone.shell("sleep", f"{self.options.rest:g}", timeout=4000)
                rested = time.monotonic()

    def _look(self) -> None:
        """One more run of each file, of whose times none counts: its peak memory (the tool asks for
        it every 50 ms) and, with --profile, its ops."""
        more = ["--report_peak_memory_footprint=true"]
        if self.options.profile:
            more.append("--enable_op_profiling=true")
        for job in self.good() if self.complete else []:
            self.progress(f"memory of {job.record['name']}", 1.0)
            with contextlib.suppress(BenchmarkError):  # the times are good without it
                text = self._run(job, *more)
                self._last[job.record["name"]] = (parse(text), parse_ops(text))

    def _run(self, job: plan.Job, *more: str) -> str:
        options = self.options
        words = [f"{self.folder}/benchmark_model", f"--graph={self.folder}/{self.name(job)}"]
        words += [f"--num_threads={options.threads}", f"--num_runs={-(-options.runs // ROUNDS)}"]
        words += [f"--max_secs={options.seconds / ROUNDS:g}", "--min_secs=0"]
        words += [f"--warmup_min_secs={options.warm_up:g}", "--warmup_runs=1"]
        words += more
        if self.settings.external_delegate is not None:
            words.append(f"--external_delegate_path={self.folder}/delegate.so")
        if self._cpus:
            words = ["taskset", appresult.mask(self._cpus), *words]
        wait = options.seconds / ROUNDS + options.warm_up + 300
        return self.phone.script(shlex.join(words), check=False, timeout=wait)

    def finish(self, job: plan.Job) -> None:
        """One latency of all rounds."""
        found = self._found[job.record["name"]]
        if not found:
            job.fail("the run ended before it was timed")
            return
        delegate = self.settings.external_delegate
        latency = pooled(found)
        job.record.update(
            {
                "runtime": {
                    "name": "benchmark_model",
                    "version": _version(delegate),
                    "timed": "invoke",
                    "accelerator": "cpu"
                    if delegate is None
                    else f"delegate {pathlib.Path(delegate).name}"[:50],
                    "delegate_nodes": found[0].claimed,
                },
                "verification": checking.not_verified(
                    "benchmark_model gives no outputs to compare"
                ),
                "latency": latency,
                "drift": stats.drift(latency, self.options.seed),
                "load_us": found[0].load,
                "first_run_us": found[0].first,
            }
        )
        nothing: tuple[None, list[ProfiledOp]] = (None, [])
        last, ops = self._last.get(job.record["name"], nothing)
        if last is not None and last.peak:
            note = "the peak that benchmark_model told"
            job.record["memory"] = {"peak_bytes": last.peak, "before_load_bytes": 0, "note": note}
        elif (memory := max((out.memory or 0 for out in found), default=0)) > 0:
            note = "what benchmark_model's footprint grew by"
            job.record["memory"] = {"peak_bytes": memory, "before_load_bytes": 0, "note": note}
        if self.options.profile:
            job.record["profile"] = ops
            if not ops:
                self.notes.append(f"--profile: the tool told of no ops of {job.record['name']}")

    def parts(self) -> Parts:
        self.notes.append(_NO_PERCENTILES)
        told, options = self.told, self.options
        machine: Machine = {
            "system": f"Android {told.get('android', '')} (SDK {told.get('sdk', '')})",
            "cpu": told.get("soc") or told.get("board") or "",
            "machine": told.get("abi", "")[:100],
            "device": f"{told.get('manufacturer', '')} {told.get('model', '')}".strip()[:200],
            "build": told.get("build", ""),
            "android": told.get("android", "")[:100],
            "cpus": int(told.get("cores", 0)),
        }
        if (memory := appresult.memory(told)) is not None:
            machine["memory_bytes"] = memory
        return {
            "method": {
                "order": f"{ROUNDS} rounds in seeded random order, a process a file",
                "seed": options.seed,
                "runs": options.runs,
                "seconds": options.seconds,
                "rounds": ROUNDS,
                "warm_up_seconds": options.warm_up,
                "cooldown_seconds": options.rest,
                "threads": options.threads,
                "cpus": self._cpus,
                "process": "a process of the tool for each file and round",
                "memory": "the tool's peak, where it tells that, else what its footprint grew by",
                "tool": "TFLite's benchmark_model; the samples are its rounds' medians",
            },
            "machine": machine,
            "state": self._state(),
        }

    def _state(self) -> States:
        told: States = {"start": self.states[0], "end": self.states[1]}
        if (during := clocks.told(self._clocks)) is not None:
            told["clocks"] = during
        return told


def _version(delegate: str | os.PathLike[str] | None) -> str:
    """Which delegate ran: its file's name and the start of its SHA-256; the tool tells neither."""
    if delegate is None:
        return ""
    path = pathlib.Path(delegate)
    return f"{path.name} sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
