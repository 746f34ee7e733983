"""The ssh target against a real sshd on loopback: this machine is the board."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmark_files import ROWS, Digits
from ssh_lab import Board
from xncaps_benchmark import results
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.targets import connection

Make = Callable[..., pathlib.Path]


def test_measures_on_the_board(board: Board, model: Make) -> None:
    told = board.measure([model("first"), model("second", hidden=4)])
    assert told["complete"] and told["target"] == {"kind": "ssh", "name": f"ssh:{board.name}"}
    assert [entry["status"] for entry in told["models"]] == ["ok", "ok"]
    assert [entry["name"] for entry in told["models"]] == ["first", "second"]
    assert all(entry["verification"]["status"] == "verified" for entry in told["models"])
    assert told["models"][0]["latency"]["n"] == 128
    assert told["ratios"][0]["baseline"] == "first"
    assert told["machine"]["runtimes"]["ai-edge-litert"]


def test_predictions_are_compared_with_the_hosts(
    board: Board, model: Make, digits: Digits, tmp_path: pathlib.Path
) -> None:
    images = tmp_path / "images.npz"
    np.savez(images, inputs=digits.images.astype(np.uint8), labels=digits.labels)
    (entry,) = board.measure([model("first")], accuracy=images)["models"]
    assert entry["agreement"] == {"rows": ROWS, "equal": ROWS, "data": "images.npz"}
    assert entry["accuracy"]["rows"] == ROWS and entry["accuracy"]["source"] == "images.npz"
    assert "predictions" not in entry


def test_a_folder_of_pictures_is_scored_here_and_there(
    board: Board, model: Make, digits: Digits, tmp_path: pathlib.Path
) -> None:
    right = digits.write_pictures(tmp_path / "photos", 30)
    (entry,) = board.measure([model("a")], accuracy=tmp_path / "photos")["models"]
    assert entry["agreement"] == {"rows": 30, "equal": 30, "data": "photos"}
    assert entry["accuracy"]["correct"] == right and entry["accuracy"]["rows"] == 30
    assert entry["accuracy"]["source"] == "photos"


def test_files_that_fail_here_or_there_are_reported(
    board: Board, model: Make, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    files = [tmp_path / "bad.tflite", model("wrong", wrong=1.0), model("good")]
    bad, wrong, good = board.measure(files)["models"]
    assert bad["status"] == "failed" and "TFL3" in bad["error"]
    assert wrong["status"] == "failed" and "wrong outputs" in wrong["error"]
    assert good["status"] == "ok" and good["latency"]["n"] == 128


def test_a_result_that_is_replaced_while_it_is_fetched_is_whole(
    board: Board, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer and shorter one comes between its size and its bytes."""
    import asyncssh

    stat, replaced, before = asyncssh.SFTPClientFile.stat, [], board.left()

    async def then(self: Any, *arguments: Any) -> Any:
        told = await stat(self, *arguments)
        for place in board.left() - before:
            if (place / "result.json").exists():
                (place / "newer").write_text("{}")
                (place / "newer").rename(place / "result.json")
                replaced.append(place)
        return told

    monkeypatch.setattr(asyncssh.SFTPClientFile, "stat", then)
    assert board.measure([model("first")])["complete"] and replaced


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
@pytest.mark.parametrize("when", ["asking", "measuring"])
def test_an_interrupted_run_leaves_nothing_and_keeps_its_times(
    board: Board, model: Make, tmp_path: pathlib.Path, number: int, when: str
) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in board.settings.items()]
    options = [option for option in options if not option.startswith("--config")]
    out, progress = tmp_path / "r.json", tmp_path / "progress"
    command = [sys.executable, "-m", "xncaps_benchmark", str(model("first", hidden=150))]
    command += ["--target", f"ssh:{board.name}", "--runs", "1000000", "--seconds", "60", *options]
    command += ["-o", str(out), "--progress-file", str(progress)]
    before = board.left()
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, and so all it starts, ignores SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        for _ in range(1200):
            share, _, what = (progress.read_text() if progress.exists() else "0").partition(" ")
            if when in what and (when == "asking" or float(share) > 0.3):  # it has times
                break
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert board.left() == before
    if when == "asking":
        assert process.returncode == 130 and "interrupted" in error, error
        return
    told = results.read_result(out)
    assert process.returncode == 1 and not error
    assert not told["complete"] and "interrupted" in " ".join(told["notes"])
    assert told["models"][0]["status"] == "partial" and told["models"][0]["latency"]["n"] > 0


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("pi", ("pi", None)),
        ("pi:2222", ("pi", 2222)),
        ("::1", ("::1", None)),
        ("[::1]:2222", ("::1", 2222)),
    ],
)
def test_hosts_have_ports(text: str, place: tuple[str, int | None]) -> None:
    assert connection.split_port(text) == place


def test_a_port_that_is_none_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="expected HOST or HOST:PORT"):
        connection.split_port("pi:ssh")
