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


def _stand_in(path: pathlib.Path, text: str) -> pathlib.Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("failing", "code"), [("nowhere", 0), ("tests/ops", 1), ("benchmark", 1)])
def test_unit_runs_every_test_file_once(tmp_path: pathlib.Path, failing: str, code: int) -> None:
    """A stand-in for Python notes what it is asked to test, and fails for one folder."""
    python = _stand_in(
        tmp_path / "python",
        f'echo "$@" >> {tmp_path}/asked\ncase "$*" in *{failing}*) echo broken; exit 1;; esac',
    )
    done = subprocess.run(
        [ROOT / "scripts" / "unit.sh", python], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.count("broken")) == (code, code), done.stderr
    asked = re.findall(r"tests/\S+", (tmp_path / "asked").read_text())
    run: list[pathlib.Path] = []
    for path in (ROOT / name for name in asked):
        run += path.rglob("test_*.py") if path.is_dir() else [path]
    assert sorted(run) == sorted((ROOT / "tests").rglob("test_*.py"))


def _adb(folder: pathlib.Path, camera: str) -> str:
    """A folder with an adb whose camera service last said `camera`, for the PATH."""
    _stand_in(
        folder / "adb",
        f"""echo "$@" >> {folder}/said
case "$*" in
  *media.camera*) echo '  11-29 02:00:00 : {camera}'
    echo '  11-29 01:00:00 : DISCONNECT device 0 client for package org.xncaps.demo (PID 1)';;
  *logcat\\ -d*) echo '11-29 02:00:00.000   77   77 W xncaps  : camera: no permission';;
  *pidof*) echo 77;;
  *screencap*) echo PNG;;
esac""",
    )
    return f"{folder}:{os.environ['PATH']}"


def _camera(tmp_path: pathlib.Path, camera: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "phone_camera.sh", "screen.png", "1"],
        cwd=tmp_path,
        env={**os.environ, "PATH": _adb(tmp_path, camera)},
        capture_output=True,
        text=True,
    )


def test_a_camera_that_opens_is_on_the_picture(tmp_path: pathlib.Path) -> None:
    done = _camera(tmp_path, "CONNECT device 0 client for package org.xncaps.demo (PID 77)")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "screen.png").read_text() == "PNG\n"
    said = (tmp_path / "said").read_text().splitlines()
    assert said[0] == "shell pm grant org.xncaps.demo android.permission.CAMERA"
    assert said[2].startswith("shell am start -S -W -n org.xncaps.demo/.camera.CameraActivity")


@pytest.mark.parametrize(
    "event",
    [
        "DISCONNECT device 0 client for package org.xncaps.demo (PID 7)",
        "CONNECT device 0 client for package another.app (PID 9)",
    ],
)
def test_a_camera_that_does_not_open_is_one_line(tmp_path: pathlib.Path, event: str) -> None:
    done = _camera(tmp_path, event)
    assert done.returncode == 1 and not (tmp_path / "screen.png").exists()
    assert re.match(
        r"phone-check: expected the camera to be open .* Received: .*no permission$", done.stderr
    )


def test_packages_may_be_there_by_another_way() -> None:
    command = [ROOT / "scripts" / "apt.sh", "this", "no-such-package"]
    done = subprocess.run(command, env={**os.environ, "XNCAPS_NO_APT": "1"})
    assert done.returncode == 0
