"""Phases: the head first, then all; rates, sizes, averages; each resumed bit for bit."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np
import pytest

import xncaps_tf
from compared_runs import assert_same_run, resumed
from xncaps_tf import data, models, training
from xncaps_tf._keras import keras
from xncaps_tf.errors import DataError, TrainingError
from xncaps_tf.models import trunk
from xncaps_tf.training import TrainConfig, networks, optimizers

CONFIG = TrainConfig(
    head="xnodr",
    limit=100,
    batch_size=20,
    save_steps=2,
    threads=2,
    seed=5,
    augment="shift",
    phases=(
        {"epochs": 1, "freeze_backbone": True},
        {"epochs": 2, "backbone_learning_rate": 1e-4, "freeze_norms": True, "ema": 0.5},
        {"epochs": 1, "batch_size": 30, "optimizer": "sgd", "ema": 0.5},
    ),
)


def test_each_phase_has_its_rows(run: pathlib.Path) -> None:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["phase"] for row in rows] == [1, 2, 2, 3]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert [row["step"] for row in rows] == [4, 8, 12, 15]
    assert json.loads((run / "config.json").read_text())["phases"] == list(CONFIG.phases)
    assert TrainConfig.read(run / "config.json") == CONFIG.resolved()


@pytest.mark.parametrize("steps", [3, 7])
def test_phases_resume_bit_for_bit(run: pathlib.Path, tmp_path: pathlib.Path, steps: int) -> None:
    assert_same_run(run, resumed(CONFIG, tmp_path / "run", steps))


def _trained(tmp_path: pathlib.Path, **changes: Any) -> Any:
    small = TrainConfig(head="dense", limit=80, batch_size=20, epochs=1, threads=2, seed=5)
    config = dataclasses.replace(small, validation=0, **changes)
    training.run(config, tmp_path / "run")
    return xncaps_tf.load_model(tmp_path / "run" / "last.keras")


def _start() -> Any:
    return models.build("small_cnn", "dense", (8, 8, 1), 10, seed=5)


def test_the_backbone_moves_at_a_rate_of_its_own(tmp_path: pathlib.Path) -> None:
    """By sgd without momentum a step is the rate times the gradient."""
    moved = []
    for rate in (1e-3, 1e-4):
        model = _trained(
            tmp_path / str(rate),
            optimizer="sgd",
            momentum=0.0,
            schedule="constant",
            learning_rate=1e-3,
            backbone_learning_rate=rate,
            limit=20,
        )
        moved.append(
            {
                name: np.abs(model.get_layer(name).kernel - _start().get_layer(name).kernel).max()
                for name in ("conv1", "conv4", "classes")
            }
        )
    for name, times in (("conv1", 10), ("conv4", 10), ("classes", 1)):
        assert moved[0][name] == pytest.approx(times * moved[1][name], rel=1e-2), name


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_an_optimizer_knows_which_variable_is_slow(name: str) -> None:
    """Adam's first step is its rate, whatever the gradient."""
    from xncaps_tf._keras import tf

    slow, fast = tf.Variable(1.0), tf.Variable(1.0)
    config = TrainConfig(
        optimizer=name, schedule="constant", learning_rate=0.1, backbone_learning_rate=0.01
    )
    found = optimizers.optimizer(config, 10, [slow])
    found.build([slow, fast])
    found.apply_gradients([(tf.constant(1.0), slow), (tf.constant(1.0), fast)])
    assert float(1.0 - fast) == pytest.approx(0.1, rel=1e-4)
    assert float(1.0 - slow) == pytest.approx(0.01, rel=1e-4)
    assert float(found.learning_rate) == pytest.approx(0.1)


def test_fixed_norms_keep_their_averages_and_train_their_scales(tmp_path: pathlib.Path) -> None:
    before, after = _start(), _trained(tmp_path, freeze_norms=True)
    norms = [layer.name for layer in before.layers if isinstance(layer, models.BatchNorm)]
    assert len(norms) == 4
    for name in norms:
        one, other = before.get_layer(name), after.get_layer(name)
        np.testing.assert_array_equal(one.moving_mean, other.moving_mean)
        np.testing.assert_array_equal(one.moving_variance, other.moving_variance)
        assert np.any(one.gamma != other.gamma)


def test_what_is_saved_under_ema_is_the_average(tmp_path: pathlib.Path) -> None:
    """With a decay of almost 1 the average is the start, whatever was trained."""
    after, start = _trained(tmp_path, ema=0.999999), _start()
    for one, other in zip(start.trainable_weights, after.trainable_weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    with np.load(tmp_path / "run" / "state" / "checkpoint.npz") as state:
        assert np.abs(state["model_0"] - start.variables[0]).max() > 1e-4  # it was trained


def test_the_average_is_that_of_its_formula() -> None:
    from xncaps_tf._keras import tf

    weight = tf.Variable(1.0)
    config = TrainConfig(optimizer="sgd", momentum=0.0, schedule="constant", ema=0.9)
    found = optimizers.optimizer(dataclasses.replace(config, learning_rate=0.5), 10)
    found.build([weight])
    average = 1.0
    for step in range(3):
        found.apply_gradients([(tf.constant(1.0), weight)])
        average = 0.9 * average + 0.1 * (1.0 - 0.5 * (step + 1))
        found.finalize_variable_values([weight])  # as fit does after an epoch
    assert float(weight) == pytest.approx(-0.5)
    assert float(optimizers.averages(found)[0]) == pytest.approx(average)


def _resizing() -> Any:
    """A small network with the layer that EfficientNet-Lite resizes by."""
    image = keras.Input((16, 16, 3), name="image")
    x = keras.layers.Resizing(16, 16, name="resize")(image)
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", name="conv")(x)
    x = models.BatchNorm(name="norm", momentum=0.9)(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, keras.layers.Dense(3, activation="softmax", name="classes")(x))


def test_sizes_grow_from_phase_to_phase(tmp_path: pathlib.Path) -> None:
    import drawn_grocery

    drawn_grocery.write(tmp_path, {"train": [0, 1, 2] * 4, "val": [2, 0, 1], "test": [1, 2, 0]})
    _resizing().save(tmp_path / "start.keras")
    config = TrainConfig(
        data="grocery",
        data_dir=str(tmp_path),
        init=str(tmp_path / "start.keras"),
        loss="crossentropy",
        batch_size=6,
        threads=2,
        save_steps=1,
        phases=(
            {"epochs": 1, "resolution": 32, "freeze_backbone": True},
            {"epochs": 1, "resolution": 64},
        ),
    )
    training.run(config, tmp_path / "run")
    last = xncaps_tf.load_model(tmp_path / "run" / "last.keras")
    assert last.input_shape == (None, 16, 16, 3)
    assert last.get_layer("conv").output_shape == (None, 32, 32, 8)
    assert_same_run(tmp_path / "run", resumed(config, tmp_path / "again", 3))


def test_a_network_that_does_not_resize_has_no_resolution(tmp_path: pathlib.Path) -> None:
    with pytest.raises(TrainingError, match="resolution with one of efficientnet_lite0.*small_cnn"):
        TrainConfig(phases=({"resolution": 64},))
    with pytest.raises(TrainingError, match="expected resolution with a network that resizes"):
        networks.rebuilt(_start(), 64)


def _with_new_head(tmp_path: pathlib.Path, start: Any, head: str, **changes: Any) -> Any:
    start.save(tmp_path / "start.keras")
    config = TrainConfig(init=str(tmp_path / "start.keras"), new_head=True, head=head, **changes)
    folder = training.RunFolder(tmp_path / f"run-{head}")
    folder.create(config)
    train = data.load("digits", "train").subset(np.arange(40))
    return networks.build_model(config, networks.start_model(config, folder), train)


@pytest.mark.parametrize("head", models.HEADS)
def test_another_head_on_a_trained_trunk(head: str, tmp_path: pathlib.Path) -> None:
    start = models.build("small_cnn", "capsfc", (8, 8, 1), 4, seed=8, class_names=list("abcd"))
    model, end = _with_new_head(tmp_path, start, head)
    expected = models.build("small_cnn", head, (8, 8, 1), 10, seed=0)
    assert end == "conv4_relu" and model.output_shape == (None, 10)
    assert [layer.name for layer in model.layers] == [layer.name for layer in expected.layers]
    assert models.class_names(model) == data.load("digits", "train").class_names
    kept = [layer.name for layer in trunk.layers(model, end)] + ["features"]
    for layer in model.layers:
        source = start if layer.name in kept else expected
        for one, other in zip(
            layer.get_weights(), source.get_layer(layer.name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, other)
    pixels = data.load("digits", "train").numpy()[0][:4].astype("float32")
    assert np.isfinite(model(pixels)).all()


@pytest.mark.parametrize(("old", "new"), [("xnodr", "dense"), ("dense", "xnodr")])
def test_lites_linear_layer_goes_with_a_head_of_capsules(old: str, new: str) -> None:
    start = models.build("efficientnet_lite0", old, (32, 32, 3), 4, resolution=32, seed=1)
    model = models.registry.with_head(start, new, 7, seed=2)
    expected = models.build("efficientnet_lite0", new, (32, 32, 3), 7, resolution=32)
    assert model.name == expected.name
    assert [w.shape for w in model.weights] == [w.shape for w in expected.weights]


@pytest.mark.parametrize(("head", "features"), [("xnodr", "last_block"), ("dense", "last_conv")])
def test_a_new_head_taps_the_trunk_elsewhere(head: str, features: str) -> None:
    """From either tap of a network to that of a new one, so far as its trunk goes."""
    start = models.build("efficientnet_lite0", "xnodr", (32, 32, 3), 4, resolution=32, seed=1)
    model = models.registry.with_head(start, head, 7, features=features, seed=2)
    expected = models.build(
        "efficientnet_lite0", head, (32, 32, 3), 7, resolution=32, features=features
    )
    assert [layer.name for layer in model.layers] == [layer.name for layer in expected.layers]
    assert [w.shape for w in model.weights] == [w.shape for w in expected.weights]
    for name in ("stem_conv", "block16_project_conv"):
        assert model.get_layer(name) is start.get_layer(name)
    again = models.registry.with_head(model, "capsfc", 3, features=features)
    assert (
        again.get_layer("features").kernel.shape[2]
        == {"last_block": 320, "last_conv": 1280}[features]
    )
    if features == "last_block":
        assert again.get_layer("features") is model.get_layer("features")
        with pytest.raises(DataError, match="expected features 'last_conv' with a network of"):
            models.registry.with_head(model, "xnodr", 3, features="last_conv")


def test_a_network_without_taps(tmp_path: pathlib.Path) -> None:
    with pytest.raises(TrainingError, match="expected features with a new head, which taps"):
        TrainConfig(init="start.keras", features="last_block")
    start = models.build("small_cnn", "dense", (8, 8, 1), 10)
    with pytest.raises(DataError, match="small_cnn_dense: expected features.*efficientnet_lite0"):
        _with_new_head(tmp_path, start, "dense", features="last_block")


def test_a_trunk_whose_channels_are_no_capsules() -> None:
    image = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(12, 3, activation="relu")(image)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    with pytest.raises(DataError, match="a multiple of 8 channels.*Received: 12"):
        models.registry.with_head(model, "xnodr", 3)
    assert models.registry.with_head(model, "dense", 3).output_shape == (None, 3)
    with pytest.raises(ValueError, match="expected scales with the head xnodr"):
        models.registry.with_head(model, "dense", 3, scales="none")


def test_a_network_without_a_trunk_is_named(tmp_path: pathlib.Path) -> None:
    image = keras.Input((8, 8, 1))
    flat = keras.layers.Flatten()(image)
    model = keras.Model(image, keras.layers.Dense(10)(flat), name="flat")
    with pytest.raises(TrainingError, match="--init: flat: expected one GlobalAveragePooling2D"):
        model.save(tmp_path / "start.keras")
        config = TrainConfig(init=str(tmp_path / "start.keras"), freeze_norms=True)
        networks.build_model(config, model, data.load("digits", "train"))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"phases": ({"seed": 3},)}, "expected keys of phase 1 among .*epochs.*Received: 'seed'"),
        ({"phases": ({"epochs": 1}, {"epochs": 0})}, "expected epochs to be an int of 1 or more"),
        ({"phases": "epochs=3"}, "expected phases to be a list of objects"),
        ({"new_head": True}, "expected init with new_head"),
        ({"ema": 0.9, "strategy": "mirrored"}, "expected strategy 'none' with ema"),
        ({"features": "last_block"}, "expected features with one of efficientnet_lite0"),
    ],
)
def test_what_does_not_go_together(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(TrainingError, match=match):
        TrainConfig(**changes)


def test_a_phase_in_words() -> None:
    from xncaps_tf.training.options import parse_phase

    assert parse_phase("epochs=3, freeze-backbone=true,augment=flip,learning_rate=1e-3") == {
        "epochs": 3,
        "freeze_backbone": True,
        "augment": "flip",
        "learning_rate": 1e-3,
    }
    with pytest.raises(ValueError, match="expected NAME=VALUE,NAME=VALUE. Received: 'epochs'"):
        parse_phase("epochs")
