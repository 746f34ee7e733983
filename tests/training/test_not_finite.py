"""A loss that is not finite ends the run and spoils nothing of it."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from typing import Any

import numpy as np
import pytest

from tests.training.conftest import Processes
from xncaps_tf import load_model, training
from xncaps_tf._keras import keras
from xncaps_tf.errors import TrainingError
from xncaps_tf.training import TrainConfig, optimizers, recipe
from xncaps_tf.training.state import State

TINY = TrainConfig(
    head="dense", limit=120, batch_size=30, epochs=3, validation=0.25, threads=2, save_steps=1
)


class _Sometimes(keras.losses.Loss):
    """A loss that is not a number from a given step on; 3 training steps, 1 batch of hold-out."""

    def __init__(self, bad_from: int) -> None:
        super().__init__()
        self._calls = keras.backend.variable(0.0)
        self._bad_from = bad_from

    def call(self, y_true: Any, y_pred: Any) -> Any:
        number = self._calls.assign_add(1.0)
        loss = keras.losses.categorical_crossentropy(y_true, y_pred)
        return loss * keras.backend.switch(number > self._bad_from, np.nan, 1.0)


def _run(out: pathlib.Path, monkeypatch: pytest.MonkeyPatch, bad_from: int) -> str:
    # Building the loss's sums calls it once.
    monkeypatch.setattr(recipe, "labels_loss", lambda config, model: _Sometimes(bad_from))
    with pytest.raises(TrainingError) as caught:
        training.run(TINY, out)
    monkeypatch.undo()
    return str(caught.value)


def test_the_step_is_named_and_the_last_state_kept(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    # One epoch is 3 steps and a look at the hold-out: the sixth call is the second of epoch 2.
    message = _run(out, monkeypatch, bad_from=5)
    assert "train: expected the loss to be finite. Received: nan or infinity after step 5 of 9" in (
        message
    )
    assert "\n" not in message and "keeps what it held before; train anew with a lower" in message
    state = State.read(out / "state" / "checkpoint.npz")
    assert (state.epoch, state.batch) == (1, 1)
    assert all(np.isfinite(array).all() for array in state.arrays["model"])
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1]
    load_model(out / "best.keras")
    assert len(training.resume(out).rows) == 3  # from there it goes on, with a loss that is one


def test_weights_and_the_hold_out_are_looked_at_too(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _run(tmp_path / "run", monkeypatch, bad_from=3)
    assert "expected the loss on the hold-out to be finite" in message and "step 3 of 9" in message

    def broken(config: TrainConfig, steps: int, backbone: Any) -> Any:
        return keras.optimizers.SGD(float("inf"))

    monkeypatch.setattr(optimizers, "optimizer", broken)
    with pytest.raises(TrainingError, match="expected every weight to be finite.*after step 1 of"):
        training.run(TINY, tmp_path / "other")
    assert not (tmp_path / "other" / "state" / "checkpoint.npz").exists()


def test_the_command_ends_with_one_line_and_1(processes: Processes, tmp_path: pathlib.Path) -> None:
    """Steps so long that weights overflow at once."""
    config = dataclasses.replace(
        TINY, optimizer="sgd", learning_rate=1e38, schedule="constant", save_steps=0
    )
    (tmp_path / "config.json").write_text(config.to_json())
    out = str(tmp_path / "run")
    code, text = processes.run("train", "--config", str(tmp_path / "config.json"), "--out", out)
    assert code == 1 and "Traceback" not in text
    # A run without a state is not left behind, so nothing is said of what it keeps.
    assert re.search("nan or infinity after step .*No state yet; train", text.splitlines()[-1])
    assert not (tmp_path / "run").exists()
