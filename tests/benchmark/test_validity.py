from __future__ import annotations

import importlib.metadata
import json
import os
import pathlib
import subprocess
import types
from typing import Any

import pytest

from benchmark_results import failed, model
from xncaps_benchmark import plan, validity

LOOSE = {"status": "not verified", "reason": "", "rows": 0}
SLOW = {"ratio": 1.5, "low": 1.4, "high": 1.6, "slowed": True}


@pytest.mark.parametrize(
    ("record", "options", "why"),
    [
        (model("a", 100.0), {}, []),
        (failed("a", "no"), {}, ["it has no time"]),
        (model("a", 100.0, status="partial"), {}, ["the run ended early"]),
        (model("a", 100.0), {"minimum_runs": 2000}, ["1024 runs of at least 2000"]),
        (model("a", 1.0), {"minimum_seconds": 5}, ["of run time of at least 5 s"]),
        (model("a", 100.0, verification=LOOSE), {}, ["its outputs are not verified"]),
        (model("a", 100.0, drift=SLOW), {}, ["slower at the end"]),
    ],
    ids=["good", "failed", "partial", "runs", "seconds", "unverified", "slowed"],
)
def test_a_time_is_valid_or_says_why_not(
    record: dict[str, Any], options: dict[str, Any], why: list[str]
) -> None:
    validity.judge(record, plan.Options(**options))
    assert record["valid"] is (not why) and len(record["invalid_because"]) == len(why)
    for words, reason in zip(why, record["invalid_because"], strict=True):
        assert words in reason
    if record["latency"]:
        seconds = sum(record["latency"]["samples_us"]) / 1e6
        assert record["measured_seconds"] == pytest.approx(seconds, rel=1e-3)


def test_the_commit_is_what_pip_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    validity.commit.cache_clear()
    noted = json.dumps({"url": "https://x", "vcs_info": {"commit_id": "abc123"}})
    found = types.SimpleNamespace(read_text=lambda name: noted)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: found)
    assert validity.commit() == "abc123"
    validity.commit.cache_clear()


def test_the_commit_is_the_trees_where_the_sources_lie(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        line = ["git", "-C", str(tmp_path), *identity, *words]
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()

    (tmp_path / "a").write_text("1")
    git("init", "-q")
    noted = json.dumps({"url": f"file://{tmp_path}", "dir_info": {"editable": True}})
    found = types.SimpleNamespace(read_text=lambda name: noted)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: found)
    validity.commit.cache_clear()
    assert validity.commit() is None  # nothing is committed
    for words in (["add", "a"], ["commit", "-qm", "a"]):
        git(*words)
    head = git("rev-parse", "HEAD")
    index = (tmp_path / ".git" / "index").read_bytes()
    for change, wanted in (("1", head), ("2", f"{head}-dirty")):
        (tmp_path / "a").write_text(change)
        os.utime(tmp_path / "a", (1, 1))  # git has to look at what is in it
        validity.commit.cache_clear()
        assert validity.commit() == wanted
        assert (tmp_path / ".git" / "index").read_bytes() == index  # nothing is written there
    validity.commit.cache_clear()
