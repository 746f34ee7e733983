"""Files that are whole or not there: written beside their name, synced, then renamed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Callable, Generator, Mapping

from xncaps_files.errors import DataError

TEMPORARY = ".tmp-"
# Names of a process's own streams. Where one is a file (`> page.html`) the name looks like it, and
# renaming would replace the name.
_STREAMS = ("/dev/std", "/dev/fd/", "/proc/")


def write_atomically(path: pathlib.Path, write: Callable[[pathlib.Path], object]) -> None:
    """Lets `write` make a file beside `path`, syncs it and renames it to `path`.

    A process that is killed leaves the old file or the new one, and perhaps a temporary one, whose
    name starts with `.tmp-` and which `remove_temporary` clears away.

    Args:
        path: of the file; its folder exists.
        write: makes the file at the path it is given, which has the suffix of `path`.

    Raises:
        OSError: it cannot be written; names `path`.
    """
    beside = _beside(path)
    with _named(path, beside):
        try:
            write(beside)
            sync(beside)
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    sync(path.parent)


@contextlib.contextmanager
def _named(path: pathlib.Path, beside: pathlib.Path) -> Generator[None]:
    """Lets an error say which file could not be written; a full disk names none."""
    try:
        yield
    except OSError as error:
        is_ours = error.filename in (None, str(beside)) and error.errno is not None
        if not is_ours:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a UTF-8 text atomically."""
    write_atomically(path, lambda beside: beside.write_bytes(text.encode()))


def write_all(contents: Mapping[pathlib.Path, bytes]) -> None:
    """Writes files beside their places, all to the disk, then renames each, in order.

    A crash leaves old or new files, never a part of one; where one cannot be written, none is, and
    the OSError names it.
    """
    written: list[tuple[pathlib.Path, pathlib.Path]] = []
    try:
        for path, data in contents.items():
            written.append((_beside(path), path))
            with _named(path, written[-1][0]):
                written[-1][0].write_bytes(data)
                sync(written[-1][0])
        for beside, path in written:
            os.replace(beside, path)
    finally:
        for beside, _ in written:
            beside.unlink(missing_ok=True)
    for folder in {path.parent for path in contents}:
        sync(folder)


def may_be_replaced(path: pathlib.Path, is_kind: Callable[[bytes], bool]) -> bool:
    """Whether nothing of worth lies where a file is to be written.

    That is nothing at all, an empty file, which somebody has made to hold the place, or one of the
    kind that is written there: no model, no device, no stream.

    Args:
        path: of the file.
        is_kind: whether a file that starts with these 512 bytes is of that kind.
    """
    if not path.exists():
        return True
    if not path.is_file() or str(path.absolute()).startswith(_STREAMS):
        return False
    with open(path, "rb") as file:
        head = file.read(512)
    return not head or is_kind(head)


def nearest_parent(path: pathlib.Path) -> pathlib.Path:
    """The nearest of the folders above that exists; a file stands there where it is no folder."""
    return next(parent for parent in path.absolute().parents if parent.exists())


def check_place(
    path: pathlib.Path, option: str, kind: str, is_kind: Callable[[bytes], bool]
) -> None:
    """Refuses a place where a file cannot be written, before minutes are spent on making it.

    Args:
        path: what was given.
        option: by which.
        kind: of file, in words.
        is_kind: see `may_be_replaced`.

    Raises:
        DataError: it lies in what is no folder or cannot be written to, or something else than
            `may_be_replaced` takes lies there.
    """
    place = nearest_parent(path)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise DataError(f"{option}: expected a place to write to. Received: {path}, in {place}.")
    if not may_be_replaced(path, is_kind):
        raise DataError(
            f"{option}: expected a new file to write, or an older {kind} to replace. Received: "
            f"{path}, which is something else; choose another name."
        )


def link(source: pathlib.Path, path: pathlib.Path) -> None:
    """Makes `path` another name of the file `source`, or a copy where there are no hard links."""

    if path.exists() and path.samefile(source):
        return  # rename(2) between two names of one file would leave both

    def write(beside: pathlib.Path) -> None:
        try:
            os.link(source, beside)
        except OSError:  # a file system without hard links; a real fault shows in the copy, too
            beside.write_bytes(source.read_bytes())

    write_atomically(path, write)


def make_folder(path: pathlib.Path, fill: Callable[[pathlib.Path], object]) -> None:
    """Makes the folder `path` (absent or empty before) with all that `fill` puts in, or nothing.

    Raises:
        OSError: `path` is there and holds something.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / f"{TEMPORARY}{uuid.uuid4().hex[:12]}"
    with _named(path, beside):
        beside.mkdir()
        try:
            fill(beside)
            sync(beside)
            os.rename(beside, path)
        except BaseException:
            shutil.rmtree(beside)
            raise
    sync(path.parent)


def remove_temporary(folder: pathlib.Path) -> None:
    """Removes what killed writers left in a folder, its subfolders included."""
    for file in folder.rglob(f"{TEMPORARY}*"):
        if file.is_file():
            file.unlink(missing_ok=True)


def sync(path: pathlib.Path) -> None:
    """Waits until a file or the entries of a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(path: pathlib.Path) -> pathlib.Path:
    return path.parent / f"{TEMPORARY}{uuid.uuid4().hex[:12]}{path.suffix}"
