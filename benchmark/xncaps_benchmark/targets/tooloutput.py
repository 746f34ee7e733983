"""What TFLite's benchmark_model prints, parsed: its times, its delegate, its memory, its ops.

The words are those of tensorflow/lite/tools/benchmark, of old and of new versions.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.result_types import Latency, ProfiledOp

_STATS = re.compile(r"\bcount=(\d+)\b(.*)")
_FIELD = re.compile(r"\b(first|curr|min|max|avg|std|median|p5|p95)=([0-9.eE+-]+)")
_TIMINGS = re.compile(
    r"Inference timings in us:\s*Init:\s*([0-9.eE+-]+),\s*First inference:\s*([0-9.eE+-]+),"
    r"\s*Warmup \(avg\):\s*([0-9.eE+-]+),\s*Inference \(avg\):\s*([0-9.eE+-]+)"
)
_MEMORY = re.compile(r"Memory footprint delta.*?init=([0-9.eE+-]+)\s+overall=([0-9.eE+-]+)")
_PEAK = re.compile(r"Overall peak memory footprint \(MB\)[^:]*:\s*([0-9.eE+-]+)")
# A delegate that was asked for and takes nothing: the times are those of the tool's own kernels.
_NOT_DELEGATED = re.compile(
    r"(Though \S+ delegate is (?:explicitly )?applied, the model graph will not be executed.*"
    r"|Failed to (?:apply|create) .*delegate.*)"
)
_CLAIMED = re.compile(r"Replacing (\d+) out of \d+ node\(s\) with delegate \(([^)]*)\)")
_OP = re.compile(
    r"^\s*(\S[^\t\[]*?)\s+[0-9.]+\s+([0-9.]+)\s+[0-9.]+%\s+[0-9.]+%\s+[0-9.]+\s+(\d+)\s+\[?([^\]]*)"
)
_MOST_OPS = 2_000


@dataclass(frozen=True)
class Output:
    """What one run of the tool told, in microseconds and bytes."""

    count: int
    minimum: float
    maximum: float
    average: float
    deviation: float
    median: float | None
    load: float
    first: float
    memory: int | None
    peak: int | None
    claimed: int | None


def parse(text: str) -> Output:
    """The tool's output.

    Raises:
        BenchmarkError: it did not measure; with the line that says why.
    """
    timings = _TIMINGS.search(text)
    rows = _STATS.findall(text)
    if refused := _NOT_DELEGATED.search(text):
        raise BenchmarkError(f"benchmark_model: {refused[1].strip()[:300]}")
    if timings is None or not rows:
        errors = [line.strip() for line in text.splitlines() if "ERROR" in line or "error" in line]
        last = (errors or [line for line in text.splitlines() if line.strip()] or ["no output"])[-1]
        raise BenchmarkError(f"benchmark_model: {last.strip()[:300]}")
    count, rest = rows[-1]  # the first row is the warm-up
    fields = {name: float(value) for name, value in _FIELD.findall(rest)}
    memory = _MEMORY.search(text)
    average = fields.get("avg", float(timings[4]))
    return Output(
        count=int(count),
        minimum=fields.get("min", average),
        maximum=fields.get("max", average),
        average=average,
        deviation=fields.get("std", 0.0),
        median=fields.get("median"),
        load=float(timings[1]),
        first=float(timings[2]),
        memory=int(float(memory[2]) * (1 << 20)) if memory else None,
        peak=int(float(peak[1]) * (1 << 20)) if (peak := _PEAK.search(text)) else None,
        claimed=_claimed(text),
    )


def _claimed(text: str) -> int | None:
    """Nodes that an external delegate took; the tool's own XNNPACK is none."""
    found = [int(count) for count, name in _CLAIMED.findall(text) if "XNNPack" not in name]
    return sum(found) if found else None


def parse_ops(text: str) -> list[ProfiledOp]:
    """The ops of a run with --enable_op_profiling, in the order in which they ran: the schema's
    `profile`; [] where the tool has no profiler."""
    section = text.partition("Operator-wise Profiling Info for Regular Benchmark Runs")[2]
    section = section.partition("Run Order")[2].partition("= Top by")[0]
    rows = (_OP.match(line) for line in section.splitlines())
    ops: list[ProfiledOp] = [
        {
            "op": row[1].strip()[:200],
            "name": row[4].strip()[:400],
            "microseconds": round(float(row[2]) * 1000, 3),
            "calls": int(row[3]),
        }
        for row in rows
        if row is not None
    ]
    return ops[:_MOST_OPS]


def pooled(rounds: list[Output]) -> Latency:
    """Rounds as one latency: counts add up, means are weighted, the deviation is of all runs."""
    counts = np.array([out.count for out in rounds], float)
    means = np.array([out.average for out in rounds])
    total = max(counts.sum(), 1.0)
    mean = float((counts * means).sum() / total)
    spread = counts * (np.array([out.deviation for out in rounds]) ** 2 + (means - mean) ** 2)
    middles = [out.average if out.median is None else out.median for out in rounds]
    return {
        "n": int(total),
        "min_us": min(out.minimum for out in rounds),
        "median_us": round(float(np.median(middles)), 3),
        "mean_us": round(mean, 3),
        "std_us": round(math.sqrt(spread.sum() / total), 3),
        "p90_us": None,
        "p99_us": None,
        "samples_us": middles,
        "turns": [1] * len(rounds),
    }
