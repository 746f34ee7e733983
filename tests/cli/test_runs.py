"""A run that is begun or taken up in a folder, whatever was moved meanwhile."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil

import pytest

import drawn_grocery
from compared_runs import StopAt, assert_same_run
from xncaps.runs import run_or_resume
from xncaps_files.errors import XncapsError
from xncaps_tf._keras import keras
from xncaps_tf.training import RunFolder, TrainConfig


def _start(path: pathlib.Path, seed: int = 1) -> pathlib.Path:
    """A small network of the drawn groceries."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(8, 3)(image))
    path.parent.mkdir()
    keras.Model(image, keras.layers.Dense(3, activation="softmax")(x)).save(path)
    return path


def test_a_run_goes_on_where_its_data_start_and_folder_have_moved(tmp_path: pathlib.Path) -> None:
    splits = {"train": [0, 1, 2] * 2, "val": [2, 0, 1], "test": [1, 2, 0]}
    drawn_grocery.write(tmp_path / "data", splits)
    start = _start(tmp_path / "models" / "start.keras")
    config = TrainConfig(
        data="grocery",
        data_dir=str(tmp_path / "data"),
        init=str(start),
        teacher=str(start),
        freeze_backbone=True,
        feature_cache=str(tmp_path / "out" / "features"),
        loss="crossentropy",
        batch_size=3,
        epochs=2,
        save_steps=1,
        threads=2,
    )
    run_or_resume(config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_or_resume(config, tmp_path / "out" / "run", StopAt(3))
    for name in ("data", "models", "out"):
        shutil.move(tmp_path / name, tmp_path / f"{name}-moved")
    moved = dataclasses.replace(
        config,
        data_dir=str(tmp_path / "data-moved"),
        init=str(tmp_path / "models-moved" / "start.keras"),
        teacher=str(tmp_path / "models-moved" / "start.keras"),
        feature_cache=str(tmp_path / "out-moved" / "features"),
    )
    run = tmp_path / "out-moved" / "run"
    other = str(_start(tmp_path / "others" / "start.keras", seed=2))
    for name in ("init", "teacher"):
        with pytest.raises(XncapsError, match="expected a run of this config. Received: a run of"):
            run_or_resume(dataclasses.replace(moved, **{name: other}), run)
        lost = dataclasses.replace(moved, **{name: str(tmp_path / "gone.keras")})
        told = rf"--{name}: expected the model .*{run} has.*gone.keras, .*--resume {run}"
        with pytest.raises(XncapsError, match=told):
            run_or_resume(lost, run)
    run_or_resume(moved, run)
    assert RunFolder(run).read_config() == moved.resolved()
    assert_same_run(tmp_path / "whole", run)
    assert not (tmp_path / "out").exists()
    assert run_or_resume(moved, run).was_finished


def test_a_run_that_fails_at_once_leaves_the_place_free(tmp_path: pathlib.Path) -> None:
    config = TrainConfig(data="grocery", data_dir=str(tmp_path / "none"))
    with pytest.raises(XncapsError, match="none"):
        run_or_resume(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(XncapsError, match="other files in it"):
        run_or_resume(config, tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]
