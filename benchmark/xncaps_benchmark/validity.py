"""Whether a time may be quoted, and which sources measured it."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import pathlib
import re
import subprocess
import urllib.parse
from typing import TypedDict

from xncaps_benchmark import plan
from xncaps_benchmark.result_types import Model


def judge(record: Model, options: plan.Options) -> None:
    """Fills `measured_seconds`, `valid` and `invalid_because` of a model's record."""
    latency = record["latency"]
    seconds = None
    if latency is not None:
        # A tool that tells no single times tells their mean and how many there were.
        seconds = round(latency["n"] * latency["mean_us"] / 1e6, 6)
    reasons = list(_reasons(record, seconds, options))
    record.update({"measured_seconds": seconds, "valid": not reasons, "invalid_because": reasons})


def _reasons(record: Model, seconds: float | None, options: plan.Options) -> list[str]:
    latency = record["latency"]
    found: list[str] = []
    if latency is None or seconds is None:
        return ["it has no time"]
    if record["status"] == "partial":
        found.append("the run ended early")
    if latency["n"] < options.minimum_runs:
        found.append(f"{latency['n']} runs of at least {options.minimum_runs}")
    if seconds < options.minimum_seconds:
        found.append(f"{seconds:.3g} s of run time of at least {options.minimum_seconds:g} s")
    if record["verification"]["status"] != "verified":
        found.append("its outputs are not verified")
    drift = record.get("drift")
    if drift and drift["slowed"]:
        found.append("it was slower at the end than at the start")
    return found


class _Dir(TypedDict, total=False):
    editable: bool


class _Vcs(TypedDict, total=False):
    commit_id: str


class DirectUrl(TypedDict, total=False):
    """What pip notes of where a distribution came from (PEP 610)."""

    url: str
    dir_info: _Dir
    vcs_info: _Vcs


@functools.cache
def commit() -> str | None:
    """The commit of the sources that measure, '-dirty' where they were changed; None: not known.

    Where pip installed from version control it noted the commit (PEP 610); sources that are
    installed as they lie there are asked by git.
    """
    try:
        text = importlib.metadata.distribution("xncaps-benchmark").read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        text = None
    told: DirectUrl = json.loads(text) if text else {}
    if "vcs_info" in told:
        return str(told["vcs_info"].get("commit_id", ""))[:60] or None
    folder = pathlib.Path(__file__).resolve().parent
    if told.get("dir_info", {}).get("editable"):
        folder = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(told.get("url", "")).path))
    elif "site-packages" in folder.parts:
        return None
    return _of_checkout(folder)


def _of_checkout(folder: pathlib.Path) -> str | None:
    """What git says, without writing there: `describe --dirty` would write a new index."""
    words = ["git", "--no-optional-locks", "-C", str(folder), "status", "--porcelain=v2"]
    more = ["--branch", "--no-ahead-behind", "--untracked-files=no"]
    try:
        ran = subprocess.run(
            [*words, *more], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    told = re.search(r"^# branch\.oid ([0-9a-f]{40,64})$", ran.stdout, re.MULTILINE)
    if told is None:  # nothing was committed yet
        return None
    is_changed = any(not line.startswith("#") for line in ran.stdout.splitlines())
    return told[1] + ("-dirty" if is_changed else "")
