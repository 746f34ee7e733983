"""This machine: a child process a file, turns in seeded random order."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from xncaps_benchmark import clocks, cores, machine, plan, stats, turns, worker
from xncaps_benchmark.checking import Checked, Evaluated
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.result_types import Method, Parts, States

_LOAD_SECONDS = 300.0
_GRACE_SECONDS = 120.0
_ACCURACY_SECONDS = 3600.0

# Tells a person how far it is: what is done, share from 0 to 1.
Progress = Callable[[str, float], None]


class Child:
    """A worker process: requests in JSON lines, answers with a time limit."""

    def __init__(self, job: plan.Job) -> None:
        self.job = job
        self._asked = 0
        self._log = tempfile.TemporaryFile()
        environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="2", PYTHONUNBUFFERED="1")
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        start = (
            "import sys; sys.path[:] = [p for p in sys.path if p]; "  # not from the working folder
            "from xncaps_benchmark.worker import main; main()"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", start],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            text=True,
            encoding="utf-8",
        )
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        stream = self._process.stdout
        if stream is not None:
            with contextlib.suppress(ValueError):  # closed while reading: the end
                for line in stream:
                    self._answers.put(line)
        self._answers.put("")

    def ask(self, do: str, timeout: float, **arguments: Any) -> Any:
        """The answer to a request: what `worker.Worker` returns there.

        Raises:
            BenchmarkError: the model or its runtime failed, the process died, or time is over.
        """
        self._asked += 1
        try:
            stream = self._process.stdin
            if stream is not None:
                stream.write(json.dumps({"do": do, "id": self._asked, **arguments}) + "\n")
                stream.flush()
            answer = self._answer(timeout)
        except queue.Empty:
            self.close()
            raise BenchmarkError(f"no answer within {timeout:.0f} s ({do})") from None
        except (BrokenPipeError, OSError):
            answer = {}
        if not answer:
            raise BenchmarkError(self._last_words(do))
        if "error" in answer:
            kind = answer.get("type", "")
            known = kind in ("ModelError", "BenchmarkError", "DataError", "ValueError")
            text = answer["error"] if known else f"{kind}: {answer['error']}"
            raise BenchmarkError(" ".join([text, *self._printed(answer["error"])]))
        return answer

    def _answer(self, timeout: float) -> dict[str, Any]:
        """The answer to the last request, {} where the process has ended."""
        end = time.monotonic() + timeout
        while line := self._answers.get(timeout=max(end - time.monotonic(), 0)):
            answer = json.loads(line)
            if answer.pop("id") == self._asked:  # else of one that Ctrl-C took us away from
                return answer
        return {}

    def _last_words(self, do: str) -> str:
        """Why the process ended: its signal or code and the last line it wrote."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        code = self._process.returncode
        how = f"code {code}"
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                how = signal.Signals(-code).name
        return ": ".join([f"its process ended with {how} ({do})", *self._printed("")])

    def _printed(self, known: str) -> list[str]:
        """The last line the process wrote, [] where it says nothing new."""
        self._log.seek(0)
        text = self._log.read()[-4000:].decode("utf-8", errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        lines = [line for line in lines if "INFO" not in line and "nodes claimed" not in line]
        return [f"({lines[-1].strip()[:300]})"] if lines and lines[-1].strip() not in known else []

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()


class Measurement:
    """One run of `bench` on this machine."""

    def __init__(self, jobs: list[plan.Job], options: plan.Options, progress: Progress) -> None:
        self.jobs = jobs
        self.options = options
        self.complete = True
        self.notes: list[str] = []
        self.checkpoint: Callable[[Measurement], None] | None = None
        self._progress = progress
        self._cpus = cores.check_threads(options.threads, machine.parse_cpus(options.cpus))
        self._children: list[Child] = []
        self._clocks = clocks.Clocks()
        self._rounds = 0
        self._began: dict[int, list[int]] = {}
        self._copies: dict[int, list[float]] = {}

    def run(self) -> Parts:
        """Measures and fills the jobs' records; returns `parts`."""
        self._start = machine.state()
        try:
            self._prepare()
            self._time()
        except KeyboardInterrupt:
            self.complete = False
            self.notes.append("interrupted: the times until then")
        finally:
            self._finish()
        return self.parts()

    def parts(self) -> Parts:
        """`method`, `machine` and `state` of the result, now."""
        return {
            "method": self._method(),
            "machine": machine.describe(),
            "state": self._state(),
        }

    def _state(self) -> States:
        during = self._clocks.told()
        told: States = {"start": self._start, "end": machine.state()}
        if during is not None:
            told["clocks"] = during
        return told

    def _prepare(self) -> None:
        """Loads and checks one file after the other: nothing else runs meanwhile."""
        todo = [job for job in self.jobs if not job.failed]
        for index, job in enumerate(todo):
            self._progress(f"checking {job.record['name']}", 0.2 * index / max(len(todo), 1))
            child = Child(job)
            self._children.append(child)
            try:
                self._prepare_one(child)
            except BenchmarkError as error:
                self._drop(child, str(error))

    def _prepare_one(self, child: Child) -> None:
        job, options = child.job, self.options
        loaded: worker.Loaded = child.ask(
            "load",
            _LOAD_SECONDS,
            path=str(job.path.resolve()),
            runtime=job.record["runtime"]["name"],
            threads=options.threads,
            cpus=self._cpus,
            expected=str(job.expected.resolve()) if job.expected else None,
            seed=options.seed,
        )
        job.record.update({**loaded})
        checked: Checked = child.ask(
            "check", options.check_seconds + _GRACE_SECONDS, seconds=options.check_seconds
        )
        job.record.update({**checked})
        if checked["verification"]["status"] == "failed":
            raise BenchmarkError(f"wrong outputs: {checked['verification']['reason']}")
        if options.accuracy is not None:
            self._score(child)

    def _score(self, child: Child) -> None:
        """`--accuracy`: takes the place of the accuracy on the stored rows, which are few."""
        path = pathlib.Path(str(self.options.accuracy))
        source = self.options.images_name
        told: Evaluated = child.ask(
            "accuracy", _ACCURACY_SECONDS, path=str(path.resolve()), source=source
        )
        child.job.record["predictions"] = told["predictions"]
        if told["accuracy"] is not None:
            child.job.record["accuracy"] = told["accuracy"]

    def _time(self) -> None:
        """Rounds in which every file has one turn; warmed up directly before the first."""
        planned = turns.schedule(self.options, [self._warm(child) for child in self._children])
        self._rounds = len(planned.rounds)
        worked = 0.0
        self._clocks.sample()
        self._progress("measuring", 0.2)
        for number, round_ in enumerate(planned.rounds):
            for turn in round_:
                child = self._children[turn.index]
                if child.job.failed or self._enough(child.job):
                    continue
                began = time.monotonic()
                self._turn(child, turn.runs)
                worked += time.monotonic() - began
                if worked > plan.COOLDOWN_EVERY_SECONDS:
                    self._pause(0.2 + 0.8 * number / self._rounds)
                    worked = 0.0
            self._clocks.sample()
        self._progress("measuring", 1.0)

    def _warm(self, child: Child) -> float:
        """Untimed runs; microseconds of one, 1 s where the file has failed."""
        seconds = self.options.warm_up
        if child.job.failed:
            return 1e6
        try:
            wait, runs = seconds + _GRACE_SECONDS, 3 if seconds else 1
            warm: worker.Warm = child.ask("warm_up", wait, seconds=seconds, runs=runs)
            return warm["run_us"]
        except BenchmarkError as error:
            self._drop(child, str(error))
            return 1e6

    def _pause(self, share: float) -> None:
        """A rest; files are written before it, and at no other time while turns are timed."""
        self._progress("measuring", share)
        if self.checkpoint is not None:
            for child in self._children:
                if not child.job.failed:
                    self._times(child)
            self.checkpoint(self)
        if self.options.rest:
            time.sleep(self.options.rest)

    def _enough(self, job: plan.Job) -> bool:
        done = sum(len(turn) for turn in job.turns)
        spent = sum(sum(turn) for turn in job.turns) / 1e6
        return done >= self.options.runs or spent >= self.options.seconds

    def _turn(self, child: Child, runs: int) -> None:
        wait = self.options.seconds + _GRACE_SECONDS
        try:
            answer: worker.Turn = child.ask("turn", wait, runs=runs, settle=plan.SETTLE_RUNS)
            if not answer["same"]:
                raise BenchmarkError(
                    "a timed run gave other outputs than the check on the same input"
                )
        except BenchmarkError as error:
            self._drop(child, str(error))
            return
        child.job.turns.append([ns / 1e3 for ns in answer["ns"]])
        self._began.setdefault(id(child), []).append(answer["began_ns"])
        self._copies.setdefault(id(child), []).append(answer["set_ns"] / 1e3)

    def _drop(self, child: Child, reason: str) -> None:
        child.job.fail(reason)
        child.close()

    def _finish(self) -> None:
        for child in self._children:
            job = child.job
            if not job.failed:
                with contextlib.suppress(BenchmarkError):  # the times are good without it
                    job.record["memory"] = child.ask("memory", 10)
                self._times(child)
            child.close()
        self._settle()

    def _settle(self) -> None:
        for job in self.jobs:
            if not job.failed and job.record["latency"] is None:
                job.fail("interrupted before it was timed")

    def _times(self, child: Child) -> None:
        job = child.job
        if not job.turns:
            return
        first = min(began[0] for began in self._began.values())
        starts = [(began - first) / 1e9 for began in self._began[id(child)]]
        latency = stats.summarise(job.turns, starts)
        job.record.update({"latency": latency, "drift": stats.drift(latency, self.options.seed)})
        if job.record["runtime"]["name"] != "lce":  # its copies are in the times
            job.record["copy_us"] = round(float(np.median(self._copies[id(child)])), 3)
        job.record["status"] = "ok" if self.complete else "partial"

    def _method(self) -> Method:
        options = self.options
        return {
            "order": turns.ORDER,
            "seed": options.seed,
            "runs": options.runs,
            "seconds": options.seconds,
            "rounds": self._rounds,
            "settle_runs": plan.SETTLE_RUNS,
            "block_runs": plan.BLOCK_RUNS,
            "warm_up_seconds": options.warm_up,
            "cooldown_seconds": options.rest,
            "threads": options.threads,
            "cpus": self._cpus,
            "process": "a child process of this program for each file",
            "memory": "the process's peak resident set since the file was loaded",
        }
