"""The state of a run as a file: whatever is wrong with it is one line."""

from __future__ import annotations

import json
import pathlib
import random

import numpy as np
import pytest

from xncaps_files import npz
from xncaps_tf.errors import TrainingError
from xncaps_tf.training.state import GROUPS, State

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "formats" / "v1" / "checkpoint.npz"


def test_what_is_written_is_read_again(tmp_path: pathlib.Path) -> None:
    values = {group: [np.arange(6.0).reshape(2, 3), np.array(True)] for group in GROUPS}
    State(2, 3, 1, 1, [{"epoch": 1, "step": 4, "learning_rate": 0.5}], 1, values).write(
        tmp_path / "state.npz"
    )
    found = State.read(tmp_path / "state.npz")
    assert (found.epoch, found.batch, found.phase, found.rows[0]["step"]) == (2, 3, 1, 4)
    for group in GROUPS:
        for wanted, got in zip(values[group], found.arrays[group], strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_a_damaged_state_is_one_error_that_says_what_to_do(tmp_path: pathlib.Path) -> None:
    """zipfile's NotImplementedError, RuntimeError and OSError (of a seek) came through."""
    chance, good = random.Random(7), GOLDEN.read_bytes()
    path, refused = tmp_path / "checkpoint.npz", 0
    for number in range(600):
        bad = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        path.write_bytes(bad[: chance.randrange(len(bad))] if number % 5 == 0 else bad)
        try:
            State.read(path)
        except TrainingError as error:
            refused += 1
            assert str(error).startswith(f"{path}: expected ")
    assert refused > 500


@pytest.mark.parametrize("count", [10**9, -1, "2", None])
def test_how_many_arrays_there_are_is_not_believed(tmp_path: pathlib.Path, count: object) -> None:
    about = {"format_version": 1, "epoch": 0, "batch": 0, "rows": [], "best_epoch": 0}
    text = json.dumps({**about, "counts": {"model": count}}).encode()
    npz.write(tmp_path / "state.npz", {"about": np.frombuffer(text, np.uint8)})
    with pytest.raises(TrainingError, match="state of a run.*arrays of model.*the run starts anew"):
        State.read(tmp_path / "state.npz")


def test_a_number_without_end_is_damage(tmp_path: pathlib.Path) -> None:
    about = {"format_version": 1, "epoch": float("inf"), "batch": 0, "rows": [], "best_epoch": 0}
    text = json.dumps({**about, "counts": {}}).encode()
    npz.write(tmp_path / "state.npz", {"about": np.frombuffer(text, np.uint8)})
    with pytest.raises(TrainingError, match="Received: a damaged file .*infinity"):
        State.read(tmp_path / "state.npz")
