"""Workflows of a public CI and the hook before a commit: well-formed, doors of the Makefile.

What needs a phone, an emulator or Android's SDK says so in one line where there is none.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
from typing import Any

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def _yaml(path: pathlib.Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_well_formed(path: pathlib.Path) -> None:
    jobs = _yaml(path)["jobs"]
    for name, job in jobs.items():
        assert job["runs-on"] and 0 < job["timeout-minutes"] <= 90, name
        assert set(job.get("needs", "").split()) <= set(jobs), name
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step), step
            # A third party's action has a version.
            assert "uses" not in step or re.fullmatch(r"[\w-]+/[\w/-]+@v\d+", step["uses"])
    assert _yaml(path)["permissions"] == {"contents": "read"}


def test_the_runners_that_are_promised_are_there() -> None:
    jobs = {name: job for path in WORKFLOWS for name, job in _yaml(path)["jobs"].items()}
    runners = {job["runs-on"] for job in jobs.values()}
    assert {"ubuntu-24.04-arm", "macos-15"} <= runners
    assert jobs["emulator"]["strategy"]["matrix"]["api"] == [30, 34, 36]
    for path in WORKFLOWS:
        if path.name != "test.yml":
            assert path.read_text().startswith("# Not run where this project is built")


def test_what_is_asked_of_who_files_an_issue() -> None:
    forms = {path.name: _yaml(path) for path in TEMPLATES}
    assert all(form["name"] and form["description"] and form["body"] for form in forms.values())
    [info] = [part for part in forms["bug.yml"]["body"] if part["id"] == "info"]
    assert "xncaps info" in info["attributes"]["label"] and info["validations"]["required"]


def test_the_hook_before_a_commit_is_make_lint() -> None:
    [repo] = _yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    [hook] = repo["hooks"]
    assert (repo["repo"], hook["entry"], hook["language"]) == ("local", "make lint", "system")


def _make(*arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path}
    environment.pop("ANDROID_HOME", None)
    environment.pop("ANDROID_SDK_ROOT", None)
    command = ["make", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_gradle_and_the_sdk_are_asked_for_in_one_line(tmp_path: pathlib.Path) -> None:
    done = _make("gradle-assemble", path="/usr/bin:/bin")
    assert done.returncode == 2
    assert done.stderr.startswith("gradle-assemble: expected Gradle 8.9 or newer. Received: no")
    (tmp_path / "gradle").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "gradle").chmod(0o755)
    done = _make("gradle-assemble", path=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 2
    assert done.stderr.startswith("gradle-assemble: expected the Android SDK. Received: ANDROID_H")


@pytest.mark.parametrize("target", ["phone-check", "board-result", "gradle-assemble", "apk", "aar"])
def test_targets_of_the_workflows_can_be_planned(target: str) -> None:
    done = _make("-n", target, "APK=x.apk", "OUT=x.json", path=os.environ["PATH"])
    assert done.returncode == 0, done.stderr
