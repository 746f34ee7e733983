"""Trainings with a decoder: rows, pictures, resuming, what it goes together with."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

import xncaps_tf
from compared_runs import assert_same_run, resumed
from xncaps_tf import data, models, training
from xncaps_tf._keras import keras
from xncaps_tf.errors import TrainingError
from xncaps_tf.models import decoder
from xncaps_tf.training import TrainConfig, reconstructions

CONFIG = TrainConfig(
    head="xnodr",
    decoder=True,
    limit=100,
    batch_size=20,
    save_steps=2,
    threads=2,
    seed=5,
    augment="shift",
    phases=({"epochs": 1}, {"epochs": 1, "ema": 0.5, "batch_size": 30}),
)


def test_a_run_has_its_column_and_its_pictures(run: pathlib.Path) -> None:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["phase"] for row in rows] == [1, 2]
    assert all(0 < row["reconstruction"] < 1 for row in rows)
    assert all(0 < row["val_reconstruction"] < 1 for row in rows)
    for name in ("reconstructions.png", "poses.png"):
        pixels = np.asarray(Image.open(run / name).convert("L"))
        assert len(np.unique(pixels)) > 50, name
    both = xncaps_tf.load_model(run / "last.keras", decoder=True)
    assert decoder.find(both) is not None
    assert models.class_names(xncaps_tf.load_model(run / "last.keras"))[9] == "9"


@pytest.mark.parametrize("steps", [3, 5])
def test_it_resumes_bit_for_bit(run: pathlib.Path, tmp_path: pathlib.Path, steps: int) -> None:
    again = resumed(CONFIG, tmp_path / "run", steps)
    assert_same_run(run, again)
    for name in ("best.keras", "last.keras"):
        one, other = (
            xncaps_tf.load_model(path / name, decoder=True).get_weights() for path in (run, again)
        )
        assert all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def test_the_loss_is_that_of_labels_and_of_each_pixel(tmp_path: pathlib.Path) -> None:
    """One step of the first batch: what is reported is of the weights at the start."""
    config = dataclasses.replace(
        CONFIG, phases=(), epochs=1, limit=20, validation=0, augment="none", head="capsfc"
    )
    row = training.run(config, tmp_path / "run").rows[0]
    train = data.sample(data.load("digits", "train"), 20, config.seed)
    images, labels = train.numpy()
    model = models.build("small_cnn", "capsfc", (8, 8, 1), 10, seed=5)
    graph = decoder.trained_graph(models.with_decoder(model, seed=5))
    targets = np.eye(10, dtype=np.float32)[labels]
    pixels = images.astype(np.float32)
    scores, pictures = graph([pixels, targets], training=True)
    squares = np.square(np.asarray(pictures) - pixels / 255).sum(axis=(1, 2, 3))
    of_labels = xncaps_tf.losses.margin_loss(targets, scores)
    assert row["loss"] == pytest.approx(float(np.mean(of_labels + 0.0005 * squares)), rel=1e-4)
    assert row["reconstruction"] == pytest.approx(squares.mean() / 64, rel=1e-4)


def test_a_teacher_may_teach_beside_it(tmp_path: pathlib.Path) -> None:
    models.build("small_cnn", "dense", (8, 8, 1), 10, seed=1).save(tmp_path / "teacher.keras")
    config = dataclasses.replace(
        CONFIG, phases=(), epochs=1, teacher=str(tmp_path / "teacher.keras")
    )
    row = training.run(config, tmp_path / "run").rows[0]
    assert {"reconstruction", "val_reconstruction"} <= set(row)


def test_training_further_keeps_the_decoder(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    config = dataclasses.replace(CONFIG, phases=(), init=str(run / "best.keras"))
    folder = training.RunFolder(tmp_path / "run")
    folder.create(config)
    train = data.load("digits", "train")
    first = xncaps_tf.load_model(run / "best.keras", decoder=True)

    def decoder_of(config: TrainConfig) -> list[np.ndarray]:
        start = training.networks.start_model(config, folder)
        model, _ = training.networks.build_model(config, start, train)
        return decoder.find(model).get_weights()

    kept, anew = decoder_of(config), decoder_of(dataclasses.replace(config, new_head=True))
    for one, other in zip(kept, decoder.find(first).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(kept[0], anew[0])
    plain = dataclasses.replace(config, decoder=False)
    start = training.networks.start_model(plain, folder)
    assert training.networks.build_model(plain, start, train)[0].output_shape == (None, 10)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"head": "dense"}, "a head of capsules with decoder.*head='dense'"),
        ({"freeze_backbone": True}, "no freeze_backbone with decoder"),
        ({"phases": ({"freeze_backbone": True},)}, "no freeze_backbone with decoder"),
    ],
)
def test_what_does_not_go_together(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(TrainingError, match=match):
        TrainConfig(decoder=True, **changes)


def test_networks_and_data_that_have_none(tmp_path: pathlib.Path) -> None:
    train = data.load("digits", "train")
    flat = keras.Sequential([keras.layers.Flatten(input_shape=(8, 8, 1)), keras.layers.Dense(10)])
    with pytest.raises(TrainingError, match="--decoder: .*expected a network with one layer"):
        training.run(TrainConfig(decoder=True), tmp_path / "flat", model=flat, data=train)
    two = dataclasses.replace(train, labels=np.eye(10, dtype=np.float32)[train.labels])
    with pytest.raises(TrainingError, match="--decoder: expected images of one label"):
        training.run(TrainConfig(decoder=True), tmp_path / "two", data=two)


def test_each_dimension_moves_alone() -> None:
    pose = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
    moved = reconstructions.moved_poses(pose, 1).reshape(4, 11, 3, 4)
    assert not moved[:, :, [0, 2]].any()
    difference = moved[:, :, 1] - pose[1]
    np.testing.assert_allclose(
        difference, np.eye(4)[:, None] * np.linspace(-0.25, 0.25, 11)[None, :, None], atol=1e-6
    )


def test_tiles_stand_row_by_row() -> None:
    pictures = np.arange(6, dtype=np.float32).reshape(6, 1, 1, 1) / 10
    whole = reconstructions.tiled(pictures, 3)
    assert whole.shape == (3, 5, 1)
    np.testing.assert_allclose(whole[::2, ::2, 0], [[0, 0.1, 0.2], [0.3, 0.4, 0.5]], atol=1e-6)
    assert (whole[1] == 1).all()
