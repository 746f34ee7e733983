"""Real processes to train in, and what two runs must have in common."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from xncaps_tf import training

HERE = pathlib.Path(__file__).resolve().parent


class Processes:
    """Starts `xncaps` in forks of a zygote; see zygote.py."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._count = 0
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "XNCAPS_LOG_DIR": str(folder)}
        self._zygote = subprocess.Popen(
            [sys.executable, str(HERE / "zygote.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        assert self._answer()["ready"]

    def _answer(self) -> Any:
        line = self._zygote.stdout.readline()  # pyright: ignore[reportOptionalMemberAccess]
        assert line, "the zygote ended"
        return json.loads(line)

    def _ask(self, **command: Any) -> Any:
        stdin = self._zygote.stdin
        stdin.write(json.dumps(command) + "\n")  # pyright: ignore[reportOptionalMemberAccess]
        stdin.flush()  # pyright: ignore[reportOptionalMemberAccess]
        return self._answer()

    def start(
        self, *args: str, env: dict[str, str] | None = None, kill_at_sync: int | None = None
    ) -> tuple[int, pathlib.Path]:
        """(process id, file with what it prints)."""
        self._count += 1
        log = self.folder / f"process-{self._count}.log"
        answer = self._ask(args=args, env=env, log=str(log), kill_at_sync=kill_at_sync)
        return answer["pid"], log

    def wait(self, pid: int, timeout: float = 300) -> int | None:
        """Exit code, -9 for a kill, None where it is still alive after `timeout` seconds."""
        return self._ask(wait=pid, timeout=timeout)["code"]

    def run(self, *args: str, kill_at_sync: int | None = None) -> tuple[int | None, str]:
        """(exit code, what it printed)."""
        pid, log = self.start(*args, kill_at_sync=kill_at_sync)
        return self.wait(pid), log.read_text()

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self._zygote.stdin.close()  # pyright: ignore[reportOptionalMemberAccess]
        self._zygote.wait(30)


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """One zygote for all tests of this folder."""
    started = Processes(tmp_path_factory.mktemp("processes"))
    yield started
    started.close()


def events(run: pathlib.Path, split: str) -> list[tuple[int, str, float]]:
    """(step, tag, value) of every scalar in a run's TensorBoard logs, in order."""
    from xncaps_tf._keras import tf

    found = []
    for path in sorted((run / "tensorboard" / split).iterdir()):
        assert "tfevents" in path.name
        for record in tf.data.TFRecordDataset(os.fsencode(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            found += [(event.step, entry.tag, entry.simple_value) for entry in event.summary.value]
    return found


def weights(path: pathlib.Path) -> list[np.ndarray]:
    import xncaps_tf

    return xncaps_tf.load_model(path).get_weights()


def assert_same_run(one: pathlib.Path, other: pathlib.Path) -> None:
    """Weights, optimizer, best model, rows of metrics and of TensorBoard are equal, bit for bit."""
    with np.load(one / "state/checkpoint.npz") as a, np.load(other / "state/checkpoint.npz") as b:
        assert sorted(a.files) == sorted(b.files)
        different = [name for name in a.files if a[name].tobytes() != b[name].tobytes()]
    assert not different
    for name in ("best.keras", "last.keras"):
        pairs = zip(weights(one / name), weights(other / name), strict=True)
        assert all(a.tobytes() == b.tobytes() for a, b in pairs), name
    for name in ("metrics.csv", "metrics.jsonl"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    for split in ("train", "validation"):
        assert events(one, split) == events(other, split)
        assert len(events(one, split)) == len(set(events(one, split)[0:])) > 0


def assert_whole(run: pathlib.Path, epochs: int) -> None:
    """A finished run has every row once, and nothing that a killed writer left."""
    with open(run / "metrics.csv", encoding="utf-8") as file:
        assert [int(row["epoch"]) for row in csv.DictReader(file)] == list(range(1, epochs + 1))
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == list(range(1, epochs + 1))
    steps = [step for step, tag, _ in events(run, "validation") if tag == "epoch_loss"]
    assert steps == list(range(epochs))
    assert not list(run.rglob(".tmp-*"))
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The run folder of a training by the test module's CONFIG."""
    out = tmp_path_factory.mktemp("trained") / "run"
    training.run(request.module.CONFIG, out)
    return out
