"""Commands of the build, which fail in one line."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence

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


def java_home() -> pathlib.Path:
    javac = shutil.which("javac")
    if javac is None:
        raise BuildError(f"expected a JDK on the PATH; apt-get install {PACKAGES['javac']}")
    return pathlib.Path(javac).resolve().parents[1]
