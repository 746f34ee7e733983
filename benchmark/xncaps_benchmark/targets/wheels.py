"""Which packages a board lacks, and their wheels for the board's Python, ready to be pushed.

Wheels are unpacked into a folder that PYTHONPATH names: the board needs neither pip nor a network,
and nothing outside of that folder changes.
"""

from __future__ import annotations

import importlib.util
import pathlib
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from xncaps_benchmark import __version__
from xncaps_benchmark.errors import TargetError

# import name -> distribution; a board that has all of these gets our own wheels alone.
NEEDED = {
    "numpy": "numpy",
    "click": "click",
    "rich": "rich",
    "jsonschema": "jsonschema",
    "ai_edge_litert": "ai-edge-litert",
}
OLDEST = (3, 10)  # a newer Python takes part where there are wheels for it
PYTHONS = "Python 3.10 or newer"
# Runs on the board with nothing but its standard library; any Python can tell its version.
PROBE = """
import json, os, platform, sys
told = {{"version": list(sys.version_info[:2]), "system": sys.platform}}
if sys.version_info >= (3, 10):
    import importlib.util, shutil
    home = os.path.expanduser("~")
    told.update(
        machine=platform.machine(), libc=platform.libc_ver(), home=home,
        free=shutil.disk_usage(home).free,
        missing=[name for name in {needed!r} if importlib.util.find_spec(name) is None])
print(json.dumps(told))
"""


class Probed(TypedDict):
    """What the probe prints, as it is hoped for; `board` looks at each."""

    version: list[int]
    machine: str
    system: str
    libc: list[str]
    home: str
    free: int
    missing: list[str]


@dataclass(frozen=True)
class Board:
    """What the probe told."""

    version: tuple[int, int]
    machine: str
    libc: tuple[str, str]
    home: str
    free: int
    missing: tuple[str, ...]


def probe() -> str:
    """The probe's source."""
    return PROBE.format(needed=list(NEEDED))


def board(told: Probed, host: str) -> Board:
    """The board, if it can take part.

    Raises:
        TargetError: another system than Linux, or a Python that is too old.
    """
    version = tuple(told["version"])
    if not str(told["system"]).startswith("linux"):
        raise TargetError(f"{host}: expected Linux. Received: {told['system']}.")
    if version < OLDEST:
        found = ".".join(map(str, version))
        raise TargetError(f"{host}: expected {PYTHONS}. Received: {found}. See --python.")
    return Board(
        version=(int(version[0]), int(version[1])),
        machine=str(told["machine"]),
        libc=(str(told["libc"][0]), str(told["libc"][1])),
        home=str(told["home"]),
        free=int(told["free"]),
        missing=tuple(name for name in NEEDED if name in told["missing"]),
    )


def platforms(board: Board) -> list[str]:
    """Wheel platforms that the board's glibc can load, newest first."""
    match = re.match(r"2\.(\d+)", board.libc[1])
    if board.libc[0] != "glibc" or not match:
        return [f"linux_{board.machine}"]
    newest = int(match[1])
    tags = [f"manylinux_2_{minor}_{board.machine}" for minor in range(newest, 16, -1)]
    return [*tags, f"manylinux2014_{board.machine}", f"linux_{board.machine}"]


def own(folder: pathlib.Path, board: Board, *, with_runtime: bool) -> list[pathlib.Path]:
    """Our wheels in --wheels DIR: what every board gets, and xncaps-runtime where a file needs it.

    Raises:
        TargetError: one is missing, or none fits the board.
    """
    found = [_own(folder, name, board) for name in ("xncaps_files", "xncaps_benchmark")]
    if with_runtime:
        found.append(_own(folder, "xncaps_runtime", board))
    return found


def _own(folder: pathlib.Path, name: str, board: Board) -> pathlib.Path:
    fitting = {*platforms(board), "any"}
    for wheel in sorted(folder.glob(f"{name}-{__version__}-*.whl")):
        tags = wheel.stem.split("-")[-1].split(".")
        if fitting & set(tags):
            return wheel
    raise TargetError(
        f"--wheels {folder}: expected {name}-{__version__} for {board.machine} (make dist). "
        f"Received: {', '.join(p.name for p in sorted(folder.glob('*.whl'))) or 'no wheel'}."[:300]
    )


def download(board: Board, folder: pathlib.Path, *, runtime: bool) -> list[pathlib.Path]:
    """Wheels of what the board lacks, and of what those need, by pip on this machine.

    Raises:
        TargetError: no pip here, or pip found no fitting wheel.
    """
    names = [NEEDED[name] for name in board.missing]
    if runtime:
        names.append("Pillow")  # xncaps-runtime needs it
    if not names:
        return []
    if importlib.util.find_spec("pip") is None:
        raise TargetError(
            f"the board lacks {', '.join(names)}, and this Python has no pip to get them"
        )
    ran = subprocess.run(
        [sys.executable, *_arguments(board, folder), *names], capture_output=True, text=True
    )
    if ran.returncode:
        lines = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")]
        raise TargetError(f"pip download: {' '.join(lines or ran.stderr.splitlines()[-1:])}"[:500])
    return sorted(folder.glob("*.whl"))


def _arguments(board: Board, folder: pathlib.Path) -> Sequence[str]:
    version = f"{board.version[0]}{board.version[1]}"
    arguments = ["-m", "pip", "download", "--quiet", "--only-binary=:all:", "--dest", str(folder)]
    arguments += ["--implementation", "cp", "--python-version", version]
    for abi in (f"cp{version}", "abi3", "none"):
        arguments += ["--abi", abi]
    for platform in platforms(board):
        arguments += ["--platform", platform]
    return arguments
