"""`xncaps reproduce --ray local`: a worker that is killed loses nothing and repeats nothing."""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest

import tiny_experiments
from xncaps.reproduce import experiments, jobs, result_lines, running


@pytest.fixture
def known(tmp_path: pathlib.Path) -> dict[str, experiments.Experiment]:
    root = tiny_experiments.write(
        tmp_path / "experiments",
        [{"name": "tiny-xnodr", "files": [], "seeds": [0, 1]}],
        epochs=3,
        limit=100,
        save_steps=1,
        threads=1,
    )
    return experiments.read_all(root)


@pytest.fixture
def killer(tmp_path: pathlib.Path) -> Iterator[list[int]]:
    """Kills the first worker that holds a run with a checkpoint; the list gets its number."""
    killed: list[int] = []
    ended = threading.Event()

    def hunt() -> None:
        while not ended.is_set() and not killed:
            for lock in tmp_path.glob("cluster/*/*/run/state/lock"):
                text = lock.read_text().strip()
                if (lock.parent / "checkpoint.npz").is_file() and text.isdigit():
                    os.kill(int(text), signal.SIGKILL)
                    killed.append(int(text))
                    return
            time.sleep(0.02)

    thread = threading.Thread(target=hunt, daemon=True)
    thread.start()
    yield killed
    ended.set()
    thread.join()


def _numbers(lines: list[result_lines.ResultLine]) -> dict[tuple[str, str, int], tuple[str, int]]:
    return {result_lines.key(line): (line["keras"]["right"], line["best_epoch"]) for line in lines}


@pytest.mark.timeout(600)
def test_a_killed_worker_loses_nothing(
    known: dict[str, experiments.Experiment],
    killer: list[int],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Workers import what this process can import.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    said: list[str] = []
    wanted = jobs.plan(list(known.values()), known, None)
    place = running.Place(tmp_path / "cluster", tmp_path / "cluster" / "results.jsonl")
    jobs.run_on_cluster(wanted, place, said.append, "local", workers=2)
    assert killer, "no worker was killed"

    # By workers too: in this process TensorFlow may run already, with threads of its own.
    calm = running.Place(tmp_path / "calm", tmp_path / "calm" / "results.jsonl")
    jobs.run_on_cluster(wanted, calm, lambda text: None, "local", workers=2)
    found, undisturbed = result_lines.read(place.results), result_lines.read(calm.results)
    assert len(found) == len(wanted) == 2
    assert _numbers(found) == _numbers(undisturbed)
    again: list[str] = []
    jobs.run_on_cluster(wanted, place, again.append, "local", workers=2)
    assert [text.endswith("done before") for text in again] == [True] * 2


def test_a_cluster_that_is_not_there_is_one_line(
    known: dict[str, experiments.Experiment], tmp_path: pathlib.Path
) -> None:
    place = running.Place(tmp_path, tmp_path / "results.jsonl")
    wanted = jobs.plan(list(known.values()), known, None)
    with pytest.raises(running.XncapsError, match="--ray: expected a Ray cluster"):
        jobs.run_on_cluster(wanted, place, lambda text: None, "127.0.0.1:1")
