"""Runs that are ended and resumed, and what two of them must have in common."""

from __future__ import annotations

import csv
import json
import os
import pathlib

import numpy as np
import pytest

from xncaps_tf import training
from xncaps_tf.training import TrainConfig
from xncaps_tf.training.progress import Reporter


class StopAt(Reporter):
    """Ctrl-C after so many steps of all."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self, epoch: int, batch: int) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def resumed(config: TrainConfig, out: pathlib.Path, steps: int) -> pathlib.Path:
    """The folder of a run that was ended after each so many steps until it came to its end."""
    with pytest.raises(KeyboardInterrupt):
        training.run(config, out, reporter=StopAt(steps))
    while not (out / "state" / "finished").exists():
        try:
            training.resume(out, reporter=StopAt(steps))
        except KeyboardInterrupt:
            continue
    return out


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
