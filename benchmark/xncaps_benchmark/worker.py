"""The child process that holds one model: started by `local.py`, spoken to in JSON lines.

One process a file: a file that crashes its interpreter takes nothing else along, and the peak
memory is that file's. Descriptor 1 is kept for the answers; native libraries print to stderr.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import pathlib
import re
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO, TypedDict

if TYPE_CHECKING:
    from xncaps_benchmark.backends import Session
    from xncaps_benchmark.backends import Tensor as Spec
    from xncaps_benchmark.checking import Checked, Evaluated, Rows
    from xncaps_benchmark.result_types import Memory, Runtime, Tensor

_clock = time.perf_counter_ns
_MOST_LOG_BYTES = 1 << 20
_CLAIMED = re.compile(rb"xncaps: (\d+) of \d+ nodes claimed")


class Loaded(TypedDict):
    """Answer to `load`: keys of a model's record."""

    load_us: float
    first_run_us: float
    runtime: Runtime
    inputs: list[Tensor]
    outputs: list[Tensor]


class Warm(TypedDict):
    """Answer to `warm_up`."""

    runs: int
    run_us: float


class Turn(TypedDict):
    """Answer to `turn`: each run's time, when the first began, and whether the outputs were those
    of the check."""

    ns: list[int]
    began_ns: int
    set_ns: int
    same: bool


class Worker:
    """Answers one request at a time; `load` comes first."""

    def __init__(self) -> None:
        self._kept: tuple[Session, Rows] | None = None
        self._row = 0
        self._before_load = 0

    @property
    def _session(self) -> Session:
        return self._loaded()[0]

    @property
    def _rows(self) -> Rows:
        return self._loaded()[1]

    def _loaded(self) -> tuple[Session, Rows]:
        if self._kept is None:
            raise ValueError("worker: expected `load` first")
        return self._kept

    def load(
        self,
        path: str,
        runtime: str,
        threads: int,
        cpus: list[int],
        expected: str | None,
        seed: int,
    ) -> Loaded:
        """Loads the model and runs it once."""
        if cpus:
            os.sched_setaffinity(0, cpus)
        from xncaps_benchmark import backends, checking
        from xncaps_files.expected import read

        stored = read(pathlib.Path(expected)) if expected else None
        backends.prepare(runtime, pathlib.Path(path))
        self._before_load = reset_peak_memory()
        start = _clock()
        session = backends.load(runtime, pathlib.Path(path), threads)
        load_ns = _clock() - start
        rows = checking.Rows(session, stored, seed)
        self._kept = session, rows
        rows.set(0)
        start = _clock()
        session.run()
        first_ns = _clock() - start
        info = session.info
        return {
            "load_us": load_ns / 1e3,
            "first_run_us": first_ns / 1e3,
            "runtime": {
                "name": info.name,
                "version": info.version,
                "timed": info.timed,
                "details": info.details,
                "accelerator": "cpu",
                "delegate_nodes": claimed_nodes(),
            },
            "inputs": [_told(tensor) for tensor in session.inputs],
            "outputs": [_told(tensor) for tensor in session.outputs],
        }

    def check(self, seconds: float) -> Checked:
        from xncaps_benchmark import checking

        return checking.check(self._rows, seconds)

    def accuracy(self, path: str, source: str) -> Evaluated:
        """Scores the model on the images of a file."""
        from xncaps_benchmark import checking, images

        stored = self._rows.expected
        found = images.read(pathlib.Path(path))
        names = stored.class_names if stored is not None else found.class_names
        return checking.evaluate(self._session, found, names, source)

    def warm_up(self, seconds: float, runs: int) -> Warm:
        """Runs for so long, and at least so often; returns the time of a run."""
        start = _clock()
        done = 0
        session = self._session
        while done < runs or _clock() - start < seconds * 1e9:
            session.run()
            done += 1
        return {"runs": done, "run_us": (_clock() - start) / done / 1e3}

    def turn(self, runs: int, settle: int) -> Turn:
        """One turn: new inputs, `settle` runs that are not timed (caches), `runs` that are."""
        row, self._row = self._row, self._row + 1
        start = _clock()
        self._rows.set(row)
        copied = _clock() - start
        run = self._session.run
        gc.collect()
        gc.disable()
        times: list[int] = []
        for _ in range(settle):
            run()
        began = _clock()
        for _ in range(runs):
            start = _clock()
            run()
            times.append(_clock() - start)
        gc.enable()
        return {"ns": times, "began_ns": began, "set_ns": copied, "same": self._rows.same(row)}

    def memory(self) -> Memory:
        """Bytes: the process's peak since the model was loaded, and what it had before."""
        return {"peak_bytes": peak_memory(), "before_load_bytes": self._before_load}


def peak_memory() -> int:
    """Peak resident bytes of this process."""
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def reset_peak_memory() -> int:
    """Forgets the peak of the imports (Linux) and returns the resident bytes now."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    return peak_memory()


def claimed_nodes() -> int | None:
    """Nodes that our delegate said on stderr it claimed; None where there is no such word."""
    try:
        text = os.pread(2, _MOST_LOG_BYTES, 0)  # a file of the parent's
    except OSError:
        return None
    found = [int(count) for count in _CLAIMED.findall(text)]
    return sum(found) if found else None


def _told(tensor: Spec) -> Tensor:
    return {"name": tensor.name[:200], "shape": list(tensor.shape), "dtype": tensor.dtype}


def serve(requests: TextIO, answers: TextIO) -> None:
    """Reads {"do": name, "id": n, ...arguments} a line, writes the result or {"error": text},
    with the same id."""
    worker = Worker()
    todo: dict[str, Callable[..., Any]] = {
        "load": worker.load,
        "check": worker.check,
        "accuracy": worker.accuracy,
        "warm_up": worker.warm_up,
        "turn": worker.turn,
        "memory": worker.memory,
    }
    for line in requests:
        request = json.loads(line)
        name, number = request.pop("do"), request.pop("id")
        try:
            answer = todo[name](**request)
        except (
            Exception
        ) as error:  # whatever the file makes its runtime raise: the parent reports it
            text = " ".join(str(error).split())
            answer = {"error": text[:500] or type(error).__name__, "type": type(error).__name__}
        answers.write(json.dumps({**answer, "id": number}) + "\n")
        answers.flush()


def main() -> None:
    # Ctrl-C and a shutdown reach the whole group; the parent still asks for what there is, and the
    # end of its pipe is the end of this process.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
