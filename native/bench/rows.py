"""A speed table: rows of two times, their ratio, what it has to be; printed, and put into docs."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from xncaps_runtime import info

FLOOR = 0.8  # of its figure: below it `--check` fails


def processor() -> str:
    """What Linux calls this machine's."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^(model name|cpu family)\s*: (.*)$", text, re.MULTILINE))
    family = fields.get("cpu family")
    return fields.get("model name", "a processor") + (f" (family {family})" if family else "")


def write_between(page: Path, mark: str, text: str) -> None:
    """Puts the text between the page's marks `<!-- mark -->` and `<!-- /mark -->`.

    Raises:
        ValueError: the page has not both of them once.
    """
    old = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    if old.count(begin) != 1 or old.count(end) != 1:
        raise ValueError(f"bench: expected {begin} and {end} in {page}. Received: no such marks.")
    head, tail = old.split(begin)[0], old.split(end)[1]
    page.write_text(f"{head}{begin}\n\n{text.strip()}\n\n{end}{tail}", encoding="utf-8")


@dataclass
class Report:
    """Rows as they are measured."""

    lines: list[str] = field(default_factory=list)
    good: bool = True  # no ratio is below `FLOOR` of its figure

    def __post_init__(self) -> None:
        sys.stdout.write(f"kernels: {info()['isa']}\n")

    def add(
        self, name: str, ours: float, theirs: float, figure: float | None = None, note: str = ""
    ) -> None:
        """Prints microseconds of ours and theirs, how many times faster ours is, and `note`."""
        ratio = theirs / ours
        good = figure is None or ratio >= FLOOR * figure
        self.good = self.good and good
        asked = "" if figure is None else f" (at least {figure})"
        below = "" if figure is None or ratio >= figure else "  below" if good else "  TOO SLOW"
        sys.stdout.write(
            f"{name:56} {ours:10.2f} us {theirs:10.2f} us {ratio:6.2f} x{asked}{below}{note}\n"
        )
        sys.stdout.flush()
        goal = "" if figure is None else f"{figure}"
        self.lines.append(f"| {name} | {ours:.1f} | {theirs:.1f} | {ratio:.2f} | {goal} |")

    def write(self, page: Path, mark: str, command: str) -> None:
        """Puts the table into the page, with the command that made it and the machine."""
        said = f"`{command}` on {processor()}, kernels {info()['isa']}; microseconds of ours and"
        head = "| row | ours | theirs | times faster | goal |\n| --- | --- | --- | --- | --- |"
        write_between(page, mark, f"{said} theirs:\n\n{head}\n" + "\n".join(self.lines))
