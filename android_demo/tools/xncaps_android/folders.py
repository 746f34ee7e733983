"""Where things lie, and what is shared there by builds that run at the same time."""

from __future__ import annotations

import contextlib
import fcntl
import pathlib
import shutil
from collections.abc import Iterator

ANDROID = pathlib.Path(__file__).resolve().parents[2]
ROOT = ANDROID.parent
BUILD = ANDROID / "build"
ARTIFACTS = BUILD / "artifacts"


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
