"""Strategies: the weights of one process, whoever computes them; and what happens when one dies."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from compared_runs import assert_whole, weights

if TYPE_CHECKING:
    from tests.training.conftest import Processes

# Ten steps of SGD: one epoch of 200 images in batches of 20; BatchNorm and dropout are in it.
STEPS = 10
TEN_STEPS = (
    "--head=xnodr --data=digits --limit=220 --validation=0.09 --batch-size=20 --epochs=1 "
    "--optimizer=sgd --learning-rate=0.01 --schedule=constant --dropout=0.3 --seed=5 --threads=1"
).split()
LONG = (
    "--head=capsfc --data=digits --limit=240 --batch-size=24 --epochs=300 --optimizer=sgd "
    "--learning-rate=0.001 --save-steps=2 --threads=1 --strategy=multi_worker"
).split()
LIMIT_SECONDS = 60


def _cluster(index: int, ports: list[int]) -> dict[str, str]:
    workers = [f"127.0.0.1:{port}" for port in ports]
    task = {"type": "worker", "index": index}
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": task})}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _start_two(processes: Processes, *args: str) -> list[tuple[int, pathlib.Path]]:
    ports = _free_ports(2)
    return [processes.start("train", *args, env=_cluster(i, ports)) for i in range(2)]


def _assert_close(one: pathlib.Path, other: pathlib.Path) -> None:
    """Weights after ten steps agree to 1e-5; the integers among them (dropout's steps) exactly."""
    pairs = list(zip(weights(one / "last.keras"), weights(other / "last.keras"), strict=True))
    worst = max(float(np.abs(a.astype(np.float64) - b).max()) for a, b in pairs)
    print(f"largest difference after {STEPS} steps: {worst:.2e}")
    assert worst <= 1e-5
    assert all((a == b).all() for a, b in pairs if a.dtype.kind == "i")
    rows = [list(csv.DictReader((run / "metrics.csv").open())) for run in (one, other)]
    assert len(rows[0]) == len(rows[1]) == 1
    for name, value in rows[0][0].items():
        assert float(value) == pytest.approx(float(rows[1][0][name]), abs=1e-4), name


@pytest.fixture(scope="module")
def single(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """One process with the whole batch."""
    run = tmp_path_factory.mktemp("single") / "run"
    code, output = processes.run("train", *TEN_STEPS, "--out", str(run))
    assert code == 0, output
    assert [int(row["step"]) for row in csv.DictReader((run / "metrics.csv").open())] == [STEPS]
    return run


def test_two_workers_equal_one_process_and_only_the_chief_writes(
    processes: Processes, single: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    run = tmp_path / "run"
    args = (*TEN_STEPS, "--strategy=multi_worker", "--out", str(run))
    started = _start_two(processes, *args)
    for pid, log in started:
        assert processes.wait(pid) == 0, log.read_text()
    assert_whole(run, 1)
    _assert_close(run, single)
    lock = (run / "state" / "lock").read_text()
    assert int(lock) == started[0][0]
    assert started[1][1].read_text() == ""  # the other worker has nothing to say
    assert sorted(path.name for path in run.iterdir()) == [
        "best.keras",
        "config.json",
        "curves.png",
        "last.keras",
        "metrics.csv",
        "metrics.jsonl",
        "state",
        "tensorboard",
    ]


MIRRORED = """
import sys
from xncaps_tf._keras import tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from xncaps_tf import training
config = training.TrainConfig.read(sys.argv[1])
result = training.run(config, sys.argv[2])
"""


def test_two_replicas_equal_one(single: pathlib.Path, tmp_path: pathlib.Path) -> None:
    from xncaps_tf.training import TrainConfig

    config = dataclasses.replace(TrainConfig.read(single / "config.json"), strategy="mirrored")
    (tmp_path / "config.json").write_text(config.to_json())
    run = tmp_path / "run"
    command = [sys.executable, "-c", MIRRORED, str(tmp_path / "config.json"), str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    _assert_close(run, single)


def _loss_is_noticed(
    processes: Processes, run: pathlib.Path, options: tuple[str, ...], victim: int, sent: Any
) -> None:
    """One of two training workers gets the signal; the other ends in time and says what to do."""
    started = _start_two(processes, *options)
    before = _position(run)
    _wait_for_a_new_state(processes, run, before, started)
    os.kill(started[victim][0], sent)
    began = time.monotonic()
    code = processes.wait(started[1 - victim][0], LIMIT_SECONDS)
    print(f"the other worker ended after {time.monotonic() - began:.1f} s with code {code}")
    output = started[1 - victim][1].read_text()
    processes.kill(started[victim][0])
    assert processes.wait(started[victim][0]) == -signal.SIGKILL
    assert code == 1, output
    told = [line for line in output.splitlines() if line.startswith("xncaps:")]
    assert len(told) == 1 and f"xncaps train --resume {run}" in told[0], output


def _wait_for_a_new_state(
    processes: Processes, run: pathlib.Path, before: int, started: list[tuple[int, pathlib.Path]]
) -> None:
    until = time.monotonic() + 240
    while _position(run) == before:
        is_alive = all(processes.wait(pid, 0) is None for pid, _ in started)
        assert is_alive and time.monotonic() < until, [log.read_text() for _, log in started]
        time.sleep(0.05)


def _position(run: pathlib.Path) -> int:
    """Changes with every saved state."""
    try:
        return (run / "state" / "checkpoint.npz").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _all_resume(processes: Processes, run: pathlib.Path) -> None:
    """Both workers go on: the state moves once more. Then both are ended."""
    started = _start_two(processes, "--resume", str(run))
    before = _position(run)
    _wait_for_a_new_state(processes, run, before, started)
    for pid, _ in started:
        processes.kill(pid)
    assert [processes.wait(pid) for pid, _ in started] == [-signal.SIGKILL] * 2


def test_a_stopped_chief_ends_the_other_worker_and_both_resume(
    processes: Processes, tmp_path: pathlib.Path
) -> None:
    run = tmp_path / "run"
    _loss_is_noticed(processes, run, (*LONG, "--out", str(run)), 0, signal.SIGSTOP)
    _all_resume(processes, run)


@pytest.mark.slow
def test_four_losses_then_the_weights_of_a_single_process(
    processes: Processes, tmp_path: pathlib.Path
) -> None:
    """Chief and worker, killed and stopped; all resume, and the run ends as if nothing happened."""
    run, alone = tmp_path / "run", tmp_path / "alone"
    options = tuple(option for option in LONG if "epochs" not in option)
    first = (*options, "--epochs=40", "--out", str(run))
    for victim, sent in ((0, 9), (1, 9), (0, signal.SIGSTOP), (1, signal.SIGSTOP)):
        _loss_is_noticed(processes, run, first, victim, sent)
        first = ("--resume", str(run))
    for pid, log in _start_two(processes, "--resume", str(run)):
        assert processes.wait(pid) == 0, log.read_text()
    assert_whole(run, 40)
    single = tuple(option for option in options if "strategy" not in option)
    code, output = processes.run("train", *single, "--epochs=40", "--out", str(alone))
    assert code == 0, output
    pairs = zip(weights(run / "last.keras"), weights(alone / "last.keras"), strict=True)
    assert max(float(np.abs(a - b).max()) for a, b in pairs) < 1e-2
