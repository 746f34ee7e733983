"""From a file to the app on a phone, by the commands that the pages show.

The phone is the stand-in of these tests; what speaks to it is the real adb.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import zipfile

import pytest

from adb_lab import Lab
from adb_server import APP


@pytest.fixture
def adb(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with the command adb: the one that comes with the client library."""
    import adbutils

    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "adb").symlink_to(adbutils.adb_path())
    return folder


def run(line: str, folder: pathlib.Path, **environment: str) -> str:
    words = shlex.split(line.partition("#")[0])
    assert words[0] == "xncaps"
    ran = subprocess.run(
        [sys.executable, "-m", "xncaps", *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "XNCAPS_LOG_DIR": str(folder / "logs"), **environment},
        timeout=300,
    )
    assert ran.returncode == 0, f"{line}\n{ran.stdout[-1000:]}{ran.stderr[-1000:]}"
    return ran.stdout


def test_a_model_gets_to_the_phone(
    lab: Lab, root: pathlib.Path, adb: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    models = root / "android_demo" / "models"
    for name in ("digits.tflite", "digits.tflite.expected.npz"):
        shutil.copy(models / name, tmp_path / name)
    model = (tmp_path / "digits.tflite").read_bytes()
    said = run("xncaps android build --model digits.tflite -o digits.apk", tmp_path)
    assert "checked: " in said
    apk = tmp_path / "digits.apk"
    with zipfile.ZipFile(apk) as archive:
        assets = {name: archive.read(name) for name in archive.namelist() if "assets/" in name}
    assert model in assets.values()

    lab.phone.app = False
    path = f"{adb}:{os.environ['PATH']}"
    said = run(
        "xncaps android run digits.apk",
        tmp_path,
        PATH=path,
        ANDROID_ADB_SERVER_PORT=str(lab.server.port),
    )
    assert said.split() == ["installed", "digits.apk", "started", APP]
    assert lab.phone.installed == hashlib.sha256(apk.read_bytes()).hexdigest()
    assert f"am start -W -n {APP}/.camera.CameraActivity" in lab.phone.commands
    lab.phone.alive = False


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("offline", "device offline"),
        ("unauthorized", "device unauthorized"),
        ("gone", "no devices"),
    ],
)
def test_install_says_what_the_phone_lacks(
    lab: Lab, adb: pathlib.Path, tmp_path: pathlib.Path, state: str, words: str
) -> None:
    (tmp_path / "a.apk").write_bytes(b"PK\5\6" + bytes(18))
    lab.phone.state = state
    if state == "gone":
        lab.server.phones.clear()
    ran = subprocess.run(
        [sys.executable, "-m", "xncaps", "android", "install", "a.apk"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PATH": f"{adb}:{os.environ['PATH']}",
            "ANDROID_ADB_SERVER_PORT": str(lab.server.port),
        },
        timeout=60,
    )
    assert ran.returncode == 1 and ran.stdout == ""
    assert words in ran.stderr and ran.stderr.count("\n") == 1
