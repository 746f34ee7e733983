"""kill -9 at any moment: a resumed run ends as an undisturbed one, bit for bit."""

from __future__ import annotations

import os
import pathlib
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from compared_runs import assert_same_run, assert_whole

if TYPE_CHECKING:
    from tests.training.conftest import Processes

EPOCHS = 4
# Dropout, augmentation, shuffling, triangular2 and best-model tracking; states inside epochs.
OPTIONS = (
    "--head=capsfc --data=digits --limit=260 --batch-size=24 --validation=0.2 --dropout=0.3 "
    f"--augment=affine --schedule=triangular2 --cycle-steps=7 --epochs={EPOCHS} --save-steps=3 "
    "--seed=11 --threads=2"
).split()


@pytest.fixture(scope="module")
def undisturbed(
    processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> tuple[pathlib.Path, float]:
    """A run that nobody killed, and what it took."""
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    began = time.monotonic()
    code, output = processes.run("train", *OPTIONS, "--out", str(run))
    assert code == 0, output
    assert_whole(run, EPOCHS)
    return run, time.monotonic() - began


def _kill_the_command_in_its_first_second(run: pathlib.Path) -> None:
    """The real command; it is killed as soon as there is a config, before TensorFlow is loaded."""
    command = [sys.executable, "-m", "xncaps", "train", *OPTIONS, "--out", str(run)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (run / "config.json").exists():
        assert process.poll() is None
        time.sleep(0.005)
    maps = pathlib.Path(f"/proc/{process.pid}/maps").read_text()
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert "tensorflow" not in maps, "the config is written before TensorFlow is imported"


def _kill_inside_a_write(processes: Processes, run: pathlib.Path) -> None:
    """Killed from outside while a file is half-written."""
    pid, log = processes.start("train", "--resume", str(run))
    until = time.monotonic() + 120
    while not any((run / "state").glob(".tmp-*")):
        assert time.monotonic() < until, log.read_text()
    processes.kill(pid)
    assert processes.wait(pid) == -signal.SIGKILL


def _kill_after(processes: Processes, run: pathlib.Path, seconds: float) -> bool:
    """Whether the run was still going."""
    pid, log = processes.start("train", "--resume", str(run))
    code = processes.wait(pid, seconds)
    if code is not None:
        assert code == 0, log.read_text()
        return False
    processes.kill(pid)
    assert processes.wait(pid) == -signal.SIGKILL
    return True


def _kill_on_the_way(processes: Processes, run: pathlib.Path, draw: random.Random) -> None:
    """Killed while it starts, or a moment after its next state; never so late that it may end."""
    checkpoint = run / "state" / "checkpoint.npz"
    before = checkpoint.stat().st_mtime_ns
    pid, log = processes.start("train", "--resume", str(run))
    if draw.random() < 0.3:
        time.sleep(draw.uniform(0.0, 1.0))
    else:
        until = time.monotonic() + 120
        while checkpoint.stat().st_mtime_ns == before:
            assert time.monotonic() < until, log.read_text()
        time.sleep(draw.uniform(0.0, 0.05))
    processes.kill(pid)
    assert processes.wait(pid) == -signal.SIGKILL, log.read_text()


def _finish(processes: Processes, run: pathlib.Path, undisturbed: pathlib.Path) -> None:
    code, output = processes.run("train", "--resume", str(run))
    assert code == 0, output
    assert_whole(run, EPOCHS)
    assert_same_run(run, undisturbed)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    code, output = processes.run("train", "--resume", str(run))
    assert code == 0 and "finished already" in output
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_three_kills_change_nothing(
    processes: Processes, undisturbed: tuple[pathlib.Path, float], tmp_path: pathlib.Path
) -> None:
    reference, seconds = undisturbed
    draw = random.Random(20211110)
    run = tmp_path / "run"
    _kill_the_command_in_its_first_second(run)
    code, output = processes.run("train", "--resume", str(run), kill_at_sync=draw.randint(5, 40))
    assert code == -signal.SIGKILL, output
    _kill_inside_a_write(processes, run)
    _kill_after(processes, run, draw.uniform(0.3, 0.8) * seconds)
    _finish(processes, run, reference)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_twenty_kills_change_nothing(
    processes: Processes,
    undisturbed: tuple[pathlib.Path, float],
    tmp_path: pathlib.Path,
    number: int,
) -> None:
    """Five kills in each of four runs: 4 epochs have 12 states, and these go past 9 at most."""
    seed = int(os.environ.get("XNCAPS_KILL_SEED", 20211110))
    draw = random.Random(seed + number)
    print(f"kills drawn from seed {seed} + {number} (XNCAPS_KILL_SEED)")
    run = tmp_path / "run"
    _kill_the_command_in_its_first_second(run)
    code, output = processes.run("train", "--resume", str(run), kill_at_sync=draw.randint(3, 22))
    assert code == -signal.SIGKILL, output
    _kill_inside_a_write(processes, run)
    for _ in range(2):
        _kill_on_the_way(processes, run, draw)
    _finish(processes, run, undisturbed[0])
