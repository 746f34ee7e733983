"""`xncaps reproduce --ray local`: a worker that is killed loses nothing and repeats nothing."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Iterable

import pytest
from click.testing import CliRunner

import logged_runs
import tiny_experiments
from xncaps.main import cli
from xncaps.reproduce import experiments, jobs, result_lines, running

STEPS = 3 * 4  # epochs of 80 digits, 20 a batch
KILLED_AFTER = 6  # half-way, in the second epoch
EVERY = list(range(1, STEPS + 1))


@pytest.fixture
def known(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, experiments.Experiment]:
    root = tiny_experiments.write(
        tmp_path / "experiments",
        [
            {"name": "tiny-xnodr", "files": [], "seeds": [0, 1]},
            {"name": "tiny-more", "files": ["fused"], "init": "tiny-xnodr"},
        ],
        epochs=3,
        limit=100,
        save_steps=1,
        threads=1,
    )
    monkeypatch.setattr(experiments, "folder", lambda: root)
    return experiments.read_all()


@pytest.fixture
def written_down(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The runs whose lines were added, one by one; workers write down their steps."""
    # Workers import what this process can import.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    monkeypatch.setattr(jobs, "running", logged_runs)
    add, added = result_lines.add, list[tuple[str, int]]()

    def counted(path: pathlib.Path, lines: Iterable[result_lines.ResultLine]) -> None:
        given = list(lines)
        added.extend((line["experiment"], line["seed"]) for line in given)
        add(path, given)

    monkeypatch.setattr(result_lines, "add", counted)
    return added


def _place(out: pathlib.Path) -> running.Place:
    return running.Place(out, out / "results.jsonl")


def _same(one: running.Place, other: running.Place, name: str) -> bool:
    """Whether the runs of seed 0 came to the same: which images are right, each epoch, the file."""
    found = []
    for place in (one, other):
        (line,) = (
            line
            for line in result_lines.read(place.results)
            if (line["experiment"], line["seed"]) == (name, 0)
        )
        files = [(file["to"], file["bytes"], file["score"]) for file in line["files"]]
        metrics = place.out / name / "seed-0" / "run" / "metrics.jsonl"
        found.append((line["keras"], line["best_epoch"], files, metrics.read_text()))
    return found[0] == found[1]


@pytest.mark.timeout(600)
def test_a_killed_worker_loses_nothing(
    known: dict[str, experiments.Experiment],
    written_down: list[tuple[str, int]],
    tmp_path: pathlib.Path,
) -> None:
    place, said = _place(tmp_path / "cluster"), list[str]()
    place.out.mkdir()
    (place.out / "kill").write_text(f"tiny-xnodr 0 {KILLED_AFTER}")
    wanted = jobs.plan(list(known.values()), known, None)
    keys = [("tiny-xnodr", 0), ("tiny-xnodr", 1), ("tiny-more", 0)]
    assert [job.key for job in wanted] == keys
    jobs.run_on_cluster(wanted, place, said.append, "local", workers=2)

    # None lost, none twice; the killed one went on from its last step's checkpoint.
    assert sorted(said) == sorted(f"{name}, seed {seed}: done" for name, seed in keys)
    assert sorted(written_down) == sorted(keys)
    assert len(result_lines.read(place.results)) == len(keys)
    killed, *others = (logged_runs.trainings(place, name, seed) for name, seed in keys)
    assert killed == [(0, EVERY[:KILLED_AFTER]), (KILLED_AFTER, EVERY[KILLED_AFTER:])]
    assert others == [[(0, EVERY)]] * 2
    # The one that follows began with the model of the one that was killed.
    start = place.out / "tiny-more" / "seed-0" / "run" / "init.keras"
    assert start.read_bytes() == place.model(known["tiny-xnodr"], 0).read_bytes()

    # By the command, and by workers too: here TensorFlow may run already, with other threads.
    calm, written_down[:] = _place(tmp_path / "calm"), []
    done = CliRunner().invoke(
        cli, ["reproduce", "tiny-more", "--out", str(calm.out), "--ray", "local"]
    )
    assert done.exit_code == 0, done.output
    assert done.output == "tiny-xnodr, seed 0: done\ntiny-more, seed 0: done\n"
    assert written_down == [keys[0], keys[2]]
    assert [logged_runs.trainings(calm, *key) for key in written_down] == [[(0, EVERY)]] * 2
    assert _same(place, calm, "tiny-xnodr") and _same(place, calm, "tiny-more")
    (file,) = result_lines.read(calm.results)[1]["files"]
    stored = calm.out / "tiny-more" / "seed-0" / "tiny-more-fused.tflite"
    assert (file["to"], file["bytes"]) == ("fused", stored.stat().st_size)

    again, written_down[:] = list[str](), []
    jobs.run_on_cluster(wanted, place, again.append, "local", workers=2)
    assert [text.endswith("done before") for text in again] == [True] * 3 and not written_down
    assert len(logged_runs.trainings(place, "tiny-xnodr", 0)) == 2


def test_a_cluster_that_is_not_there_is_one_line(
    known: dict[str, experiments.Experiment],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = jobs.plan(list(known.values()), known, None)
    text = "--ray: expected a Ray cluster.*on a machine of it --ray auto"
    with pytest.raises(running.XncapsError, match=text):
        jobs.run_on_cluster(wanted, _place(tmp_path), lambda text: None, "127.0.0.1:1")

    def init(**_: object) -> None:
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr("ray.init", init)
    text = "Received: --ray auto .*any running Ray instance.*; begin one by `ray start`, or give"
    with pytest.raises(running.XncapsError, match=text):
        jobs.run_on_cluster(wanted, _place(tmp_path), lambda text: None, "auto")
