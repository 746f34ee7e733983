"""What a person sees on a terminal: a bar while it runs, a table of at most 80 columns after."""

from __future__ import annotations

import io
import pathlib
import sys
from types import TracebackType
from typing import Any

from xncaps_benchmark.number_text import bytes_text, ratio_text, time_text
from xncaps_benchmark.report.sentences import accuracy, percent
from xncaps_benchmark.result_types import Model, Ratio, Result
from xncaps_files.printable import printable

WIDTH = 80


class Progress:
    """A bar with the time that is left on stderr where a person looks, nothing elsewhere.

    Args:
        file: written 'SHARE WHAT' whenever something changes: for a host that looks on.
    """

    def __init__(self, file: pathlib.Path | None = None) -> None:
        self._file = file

    def __enter__(self) -> Progress:
        self._bar: Any = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description:<32.32}", markup=False),
                BarColumn(bar_width=24),
                TimeRemainingColumn(),
                console=Console(file=sys.stderr),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("starting", total=1.0)
        return self

    def __call__(self, what: str, share: float) -> None:
        if self._file is not None:
            part = self._file.with_name(self._file.name + ".part")
            part.write_text(f"{share:.4f} {what}", encoding="utf-8")
            part.replace(self._file)
        if self._bar is not None:
            self._bar.update(self._task, description=what, completed=share)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def table(result: Result) -> str:
    """The result as text, no line longer than 80 characters."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    ratios = {row["model"]: row for row in result["ratios"]}
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for heading, justify in (
        ("model", "left"),
        ("median", "right"),
        ("p90", "right"),
        ("speed", "right"),
        ("right", "right"),
        ("size", "right"),
        ("outputs", "left"),
    ):
        grid.add_column(Text(heading), justify=justify, overflow="fold", min_width=5)  # type: ignore[arg-type]
    for model in result["models"]:
        grid.add_row(*(Text(printable(cell)) for cell in _cells(model, ratios, result)))
    console = Console(file=io.StringIO(), width=WIDTH, no_color=True, legacy_windows=False)
    console.print(grid)
    for line in _below(result):
        console.print(Text(printable(line)))
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()).strip("\n")  # type: ignore[attr-defined]


def _cells(model: Model, ratios: dict[str, Ratio], result: Result) -> list[str]:
    correct, rows, _ = accuracy(model)
    right = percent(correct, rows) if rows else "-"
    latency = model["latency"]
    if latency is None:
        return [model["name"], "failed", "-", "-", right, bytes_text(model["bytes"]), "see below"]
    speed = "baseline" if model["name"] == result["method"].get("baseline") else "-"
    if model["name"] in ratios:
        speed = ratio_text(ratios[model["name"]]["ratio"])
    return [
        model["name"],
        time_text(latency["median_us"]),
        time_text(latency["p90_us"]),
        speed,
        right,
        bytes_text(model["bytes"]),
        model["verification"]["status"],
    ]


def _below(result: Result) -> list[str]:
    lines = [f"{m['name']} failed: {m['error']}" for m in result["models"] if m["error"]]
    lines += [
        f"{m['name']} is not valid: {'; '.join(m['invalid_because'])}"
        for m in result["models"]
        if m["latency"] and m["valid"] is False
    ]
    lines += [
        f"{row['model']}: the interval of its speed is too narrow: too few runs"
        for row in result["ratios"]
        if row["narrow"]
    ]
    lines += result["notes"]
    method, machine = result["method"], result["machine"]
    threads = f"{method['threads']} thread" + ("s" if method["threads"] != 1 else "")
    cpus = f", CPUs {','.join(map(str, method['cpus']))}" if method["cpus"] else ""
    load = result["state"]["start"].get("load")
    told = f", load {load[0]:.1f}" if load else ""
    lines.append(f"{result['target']['name']}: {machine['cpu']}, {threads}{cpus}{told}")
    return lines
