"""Files are whole or not there."""

from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import resource
import signal
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from xncaps_files import npz, writing
from xncaps_files.errors import DataError, error_text


def test_write_replaces_as_a_whole(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.txt"
    writing.write_text(path, "one")
    writing.write_text(path, "two")
    assert path.read_text() == "two"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_write_leaves_the_old_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.txt"
    writing.write_text(path, "one")

    def fail(beside: pathlib.Path) -> None:
        beside.write_text("ha")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        writing.write_atomically(path, fail)
    assert path.read_text() == "one"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may be larger than 1,000 bytes, nor may the log of the tests."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_names_the_file_that_was_asked_for(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "net.tflite"
    long = "x" * 2000
    writers: list[Callable[[], None]] = [
        lambda: writing.write_text(path, long),
        lambda: writing.write_all({path: long.encode()}),
        lambda: writing.make_folder(path, lambda inside: writing.write_text(inside / "a", long)),
    ]
    for write in writers:
        with full_disk(), pytest.raises(OSError, match=r"File too large: '.*/(net\.tflite|a)'"):
            write()
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_file_is_told_by_the_files_name(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none/net\.tflite'$"):
        writing.write_text(tmp_path / "none" / "net.tflite", "x")


def test_arrays_on_a_full_disk_are_one_error_and_no_second(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", later.append)
    path = tmp_path / "checkpoint.npz"
    with full_disk(), pytest.raises(OSError, match=r"File too large: '.*/checkpoint\.npz'"):
        writing.write_atomically(path, lambda beside: npz.write(beside, {"a": np.zeros(1000)}))
    gc.collect()
    assert later == [] and list(tmp_path.iterdir()) == []


def test_arrays_come_back(tmp_path: pathlib.Path) -> None:
    held = {"a": np.arange(6).reshape(2, 3), "words": np.array(["x", "yz"])}
    npz.write(tmp_path / "a.npz", held)
    np.savez(tmp_path / "b.npz", **held)
    found = npz.read(tmp_path / "a.npz", {"a": ("i", 2), "words": ("U", 1)})
    assert all(np.array_equal(found[name], held[name]) for name in held)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_link_again_leaves_no_second_name(tmp_path: pathlib.Path) -> None:
    source, path = tmp_path / "a", tmp_path / "b"
    source.write_text("one")
    writing.link(source, path)
    writing.link(source, path)
    assert path.read_text() == "one"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b"]


def test_link_copies_where_there_are_no_hard_links(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(writing.os, "link", refuse)
    (tmp_path / "a").write_text("one")
    writing.link(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "one"


def test_make_folder_is_all_or_nothing(tmp_path: pathlib.Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("x")
    with pytest.raises(OSError):
        writing.make_folder(full, lambda folder: (folder / "c").write_text("x"))
    assert [file.name for file in tmp_path.iterdir()] == ["full"]
    empty = tmp_path / "deep" / "empty"
    empty.mkdir(parents=True)
    writing.make_folder(empty, lambda folder: (folder / "c").write_text("x"))
    assert (empty / "c").read_text() == "x"


def test_remove_temporary_takes_only_what_writers_left(tmp_path: pathlib.Path) -> None:
    (tmp_path / "state").mkdir()
    for name in (".tmp-123.npz", "state/.tmp-4.keras", "state/keep", ".hidden"):
        (tmp_path / name).write_text("x")
    writing.remove_temporary(tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [".hidden", "keep"]


def test_a_folder_that_cannot_be_filled_leaves_nothing(tmp_path: pathlib.Path) -> None:
    def fail(folder: pathlib.Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "a").write_text("ha")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        writing.make_folder(tmp_path / "run", fail)
    assert not list(tmp_path.iterdir())


def test_several_files_are_written_all_or_none(tmp_path: pathlib.Path) -> None:
    first, second = tmp_path / "a.bin", tmp_path / "b.bin"
    writing.write_all({first: b"1", second: b"2"})
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        writing.write_all({first: b"new", tmp_path / "nowhere" / "c": b"3"})
    assert first.read_bytes() == b"1"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.bin", "b.bin"]


def test_files_have_the_mode_that_the_user_asked_for(tmp_path: pathlib.Path) -> None:
    before = os.umask(0o027)
    try:
        writing.write_text(tmp_path / "a", "x")
        writing.write_all({tmp_path / "b": b"x"})
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


@pytest.mark.usefixtures("capfd")  # so /dev/stdout is an empty file
def test_only_a_file_of_the_kind_is_replaced(tmp_path: pathlib.Path) -> None:
    def is_kind(head: bytes) -> bool:
        return head.startswith(b"K")

    contents = {"new": None, "empty": b"", "kind": b"K" * 1000, "other": b"other"}
    for name, data in contents.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
    for name in ("new", "empty", "kind"):
        writing.check_place(tmp_path / name, "-o", "kind", is_kind)
    streams = (pathlib.Path("/dev/null"), pathlib.Path("/dev/stdout"))
    assert streams[1].is_file()
    for path in (tmp_path / "other", tmp_path, *streams):
        with pytest.raises(DataError, match=f"-o: .*an older kind to replace. Received: {path}, "):
            writing.check_place(path, "-o", "kind", is_kind)


def test_a_place_that_takes_no_file_is_told_before(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    new = tmp_path / "new" / "deep" / "r.json"
    writing.check_place(new, "-o", "result", bool)
    with pytest.raises(DataError, match=f"-o: expected a place to write to. .*, in {tmp_path}/fil"):
        writing.check_place(tmp_path / "file" / "r.json", "-o", "result", bool)
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever is root may write anywhere
    with pytest.raises(DataError, match=rf"Received: {new}, in {tmp_path}\."):
        writing.check_place(new, "-o", "result", bool)


def test_the_systems_own_errors_are_told_by_the_files_name(tmp_path: pathlib.Path) -> None:
    with pytest.raises(OSError) as caught:
        (tmp_path / "none" / "r.json").write_text("")
    expected = f"{tmp_path}/none/r.json: cannot be read or written: No such file or directory."
    assert error_text(caught.value) == expected
    assert error_text(FileNotFoundError("expected a folder")) == "expected a folder"
    assert error_text(DataError("a: expected b")) == "a: expected b"
