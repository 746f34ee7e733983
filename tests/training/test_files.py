"""Files are whole or not there."""

from __future__ import annotations

import pathlib

import pytest

from xncaps_tf.training import files


def test_write_replaces_as_a_whole(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "one")
    files.write_text(path, "two")
    assert path.read_text() == "two"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_write_leaves_the_old_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "one")

    def fail(beside: pathlib.Path) -> None:
        beside.write_text("ha")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write_atomically(path, fail)
    assert path.read_text() == "one"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_link_again_leaves_no_second_name(tmp_path: pathlib.Path) -> None:
    source, path = tmp_path / "a", tmp_path / "b"
    source.write_text("one")
    files.link(source, path)
    files.link(source, path)
    assert path.read_text() == "one"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b"]


def test_link_copies_where_there_are_no_hard_links(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(files.os, "link", refuse)
    (tmp_path / "a").write_text("one")
    files.link(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "one"


def test_make_folder_is_all_or_nothing(tmp_path: pathlib.Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("x")
    with pytest.raises(OSError):
        files.make_folder(full, lambda folder: (folder / "c").write_text("x"))
    assert [file.name for file in tmp_path.iterdir()] == ["full"]
    empty = tmp_path / "deep" / "empty"
    empty.mkdir(parents=True)
    files.make_folder(empty, lambda folder: (folder / "c").write_text("x"))
    assert (empty / "c").read_text() == "x"


def test_remove_temporary_takes_only_what_writers_left(tmp_path: pathlib.Path) -> None:
    (tmp_path / "state").mkdir()
    for name in (".tmp-123.npz", "state/.tmp-4.keras", "state/keep", ".hidden"):
        (tmp_path / name).write_text("x")
    files.remove_temporary(tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [".hidden", "keep"]
