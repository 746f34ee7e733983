"""The stand-in's table of Android's rules on files, and the fault that it is there to show."""

from __future__ import annotations

import pathlib

import pytest

from android_files import ADBD, API_LEVELS, APP, SHELL, Storage

ID = "org.xncaps.demo"
BENCH = f"/sdcard/Android/data/{ID}/files/bench"
TMP = "/data/local/tmp/xncaps-1"


@pytest.fixture(params=API_LEVELS)
def storage(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Storage:
    return Storage(tmp_path, ID, request.param)


def test_a_job_in_a_folder_that_the_shell_made_fails_on_phones_of_today(storage: Storage) -> None:
    """What the first protocol did: the app makes a folder, the shell one in it, adbd pushes."""
    storage.make_folder(APP, BENCH, parents=True)

    def job() -> bytes:
        storage.make_folder(SHELL, f"{BENCH}/host-1")
        storage.write(ADBD, f"{BENCH}/host-1/m.tflite", b"model")
        return storage.read(APP, f"{BENCH}/host-1/m.tflite")

    if storage.api < 30:
        assert job() == b"model"
    else:
        with pytest.raises(PermissionError):
            job()


def test_the_app_itself_cannot_enter_what_the_shell_made_there(tmp_path: pathlib.Path) -> None:
    storage = Storage(tmp_path, ID, 34)
    storage.make_folder(SHELL, f"{BENCH}/host-1", parents=True)  # before the app ever ran
    with pytest.raises(PermissionError, match="Permission denied"):
        storage.make_folder(APP, f"{BENCH}/host-2")


def test_the_shells_own_folder_can_be_read_by_apps_and_not_written(storage: Storage) -> None:
    storage.make_folder(SHELL, TMP, 0o755)
    storage.write(ADBD, f"{TMP}/m.tflite", b"model", 0o644)
    assert storage.read(APP, f"{TMP}/m.tflite") == b"model"
    for path in (f"{TMP}/m.tflite", f"{TMP}/outputs"):
        with pytest.raises(PermissionError):
            storage.write(APP, path, b"x")
    storage.change_mode(SHELL, f"{TMP}/m.tflite", 0o600)
    with pytest.raises(PermissionError):
        storage.read(APP, f"{TMP}/m.tflite")


def test_the_apps_own_files_are_its_own(storage: Storage) -> None:
    private = f"/data/data/{ID}/files"
    storage.make_folder(APP, private)
    storage.write(APP, f"{private}/m", b"x", 0o666)
    for who in (SHELL, ADBD):
        with pytest.raises(PermissionError):
            storage.read(who, f"{private}/m")
        with pytest.raises(PermissionError):
            storage.remove(who, private)


def test_the_shell_reads_what_the_app_wrote_outside_where_the_fallback_needs_it(
    tmp_path: pathlib.Path,
) -> None:
    for api in (26, 27):
        storage = Storage(tmp_path / str(api), ID, api)
        storage.make_folder(APP, f"/sdcard/Android/data/{ID}/files/measure", parents=True)
        frames = f"/sdcard/Android/data/{ID}/files/measure/frames"
        storage.write(APP, frames, b"frames")
        assert storage.read(SHELL, frames) == b"frames"
        storage.remove(SHELL, frames)


def test_paths_stay_inside(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match=r"\.\."):
        Storage(tmp_path, ID, 34).place("/data/../../x")
