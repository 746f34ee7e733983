"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile


def write_whole(contents: dict[pathlib.Path, bytes]) -> None:
    """Writes files beside their places, all to the disk, then renames each, in order.

    A crash leaves old or new files, never a part of one; where one cannot be written, none is.
    """
    written: list[tuple[pathlib.Path, pathlib.Path]] = []
    try:
        for path, data in contents.items():
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            written.append((pathlib.Path(name), path))
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_umask())
        for name, path in written:
            os.replace(name, path)
    finally:
        for name, _ in written:
            with contextlib.suppress(FileNotFoundError):
                name.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
