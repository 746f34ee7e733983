"""Paths, versions, and commands that fail in one line."""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence

ANDROID = pathlib.Path(__file__).resolve().parents[2]
ROOT = ANDROID.parent
BUILD = ANDROID / "build"
ARTIFACTS = BUILD / "artifacts"
AAPT2 = pathlib.Path("/usr/lib/android-sdk/build-tools/debian/aapt2")

# command -> Debian's package of it
PACKAGES = {
    "aapt2": "aapt",
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    "apksigner": "apksigner",
    "dexdump": "dexdump",
    "g++": "g++",
    "java": "openjdk-17-jdk-headless",
    "javac": "openjdk-17-jdk-headless",
    "keytool": "openjdk-17-jdk-headless",
    "mvn": "maven",
    "readelf": "binutils",
    "zipalign": "zipalign",
}


class BuildError(Exception):
    """What stops a build, in one line."""


def versions() -> dict[str, str]:
    """versions.properties as a dictionary."""
    lines = (ANDROID / "versions.properties").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def abis() -> list[str]:
    return versions()["abis"].split()


def run(
    command: Sequence[str | pathlib.Path],
    *,
    cwd: pathlib.Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Runs a command and returns what it prints; BuildError with its last lines if it fails."""
    words = [str(word) for word in command]
    if words[0] == "aapt2" and shutil.which("aapt2") is None and AAPT2.exists():
        words[0] = str(AAPT2)
    try:
        done = subprocess.run(
            words, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except FileNotFoundError:
        package = PACKAGES.get(words[0], words[0])
        raise BuildError(f"expected the command {words[0]}; apt-get install {package}") from None
    if done.returncode != 0:
        last = " | ".join(line.strip() for line in done.stdout.splitlines() if line.strip())[-600:]
        raise BuildError(f"{pathlib.Path(words[0]).name} failed ({done.returncode}): {last}")
    return done.stdout


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """One build at a time makes what is shared (libraries, shim, artifacts)."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / f".{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fresh(folder: pathlib.Path) -> pathlib.Path:
    """The folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def java_home() -> pathlib.Path:
    javac = shutil.which("javac")
    if javac is None:
        raise BuildError(f"expected a JDK on the PATH; apt-get install {PACKAGES['javac']}")
    return pathlib.Path(javac).resolve().parents[1]
