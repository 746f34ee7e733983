"""The Android app from Python: finds the checkout with its sources, builds by it, talks to adb."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

from xncaps_files import writing
from xncaps_tf.errors import XncapsError

PACKAGE = "org.xncaps.demo"
_BUILD = pathlib.Path("android_demo/tools/build.py")
_ADB_SECONDS = 120


class AndroidError(XncapsError):
    """What keeps the app from being built, installed or started."""


def find_checkout(source: pathlib.Path | None = None) -> pathlib.Path:
    """The folder with the app's sources: the one given, else the one this package runs from.

    Raises:
        AndroidError: there is none.
    """
    folder = source or pathlib.Path(__file__).resolve().parents[2]
    if not (folder / _BUILD).is_file():
        where = f"--source {source}" if source else "this installation has no app sources"
        raise AndroidError(
            f"expected a checkout of this project with {_BUILD}. Received: {where}. "
            "Clone it and pass --source DIR."
        )
    return folder


def check_out(out: pathlib.Path) -> None:
    """Refuses a place where no APK can be written, before minutes are spent on one.

    Raises:
        AndroidError: it is a folder, or no name of an APK.
        DataError: as of `writing.check_place`.
    """
    if out.is_dir() or out.suffix.lower() != ".apk":
        what = ", a folder" if out.is_dir() else ""
        raise AndroidError(f"-o: expected the name of an APK, NAME.apk. Received: {out}{what}.")
    writing.check_place(out, "-o", "APK", lambda head: head.startswith(b"PK"))


def check_model(checkout: pathlib.Path, model: pathlib.Path) -> None:
    """Refuses a file that is no model or that the app cannot run.

    Raises:
        AndroidError: with the reason.
    """
    if not model.is_file():
        found = "no file" if model.exists() else "not there"
        raise AndroidError(
            f"--model: expected a .tflite file. Received: {model}, which is {found}."
        )
    _build(checkout, ["check", "--model", str(model)])


def build(
    checkout: pathlib.Path,
    model: pathlib.Path,
    out: pathlib.Path,
    *,
    label: str | None = None,
    keystore: pathlib.Path | None = None,
) -> list[str]:
    """Builds a signed APK with the model; the build's report, a line each.

    Raises:
        AndroidError: the build failed; the message is its last word.
    """
    command = ["apk", "--model", str(model.absolute()), "--out", str(out.absolute())]
    if label is not None:
        command += ["--label", label]
    if keystore is not None:
        command += ["--keystore", str(keystore.absolute())]
    return _build(checkout, command)


def _build(checkout: pathlib.Path, arguments: list[str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, str(checkout / _BUILD), *arguments], capture_output=True, text=True
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise AndroidError(lines[-1].removeprefix("android: "))
    return done.stdout.splitlines()


def install(apk: pathlib.Path, serial: str | None = None) -> str:
    """Installs an APK by adb; a line that says so.

    Raises:
        AndroidError: no APK, no adb, no device, or the device refused.
    """
    if not apk.is_file():
        raise AndroidError(f"expected an APK. Received: {apk}, which is not there.")
    _adb(["install", "-r", str(apk)], serial)
    return f"installed {apk.name}"


def start(serial: str | None = None) -> str:
    """Starts the installed app by adb; a line that says so.

    Raises:
        AndroidError: no adb, no device, or the app is not installed.
    """
    said = _adb(["shell", "am", "start", "-W", "-n", f"{PACKAGE}/.camera.CameraActivity"], serial)
    if "Error" in said:  # am exits with 0 whatever happened
        raise AndroidError(f"the app did not start: {' '.join(said.split())[-200:]}")
    return f"started {PACKAGE}"


def _adb(arguments: list[str], serial: str | None) -> str:
    adb = shutil.which("adb")
    if adb is None:
        raise AndroidError("expected the command adb; on Debian: apt-get install adb")
    command = [adb, *(["-s", serial] if serial else []), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ADB_SECONDS)
    except subprocess.TimeoutExpired:
        raise AndroidError(f"adb {arguments[0]}: no answer within {_ADB_SECONDS} s") from None
    said = (done.stderr + done.stdout).strip()
    if done.returncode != 0 or "Failure [" in said:
        raise AndroidError(f"adb {arguments[0]}: {' '.join(said.split())[-300:]}")
    return said
