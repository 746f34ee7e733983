"""What a training does with its config, in this process."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
from typing import Any

import numpy as np
import pytest

import xncaps_tf
from compared_runs import assert_whole, events
from xncaps_tf import data, models, training
from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import TrainingError
from xncaps_tf.training import (
    RunFolder,
    TrainConfig,
    fields,
    networks,
    optimizers,
    recipe,
    records,
)
from xncaps_tf.training.progress import Lines, Reporter
from xncaps_tf.training.state import State

TINY = TrainConfig(
    head="dense", limit=120, batch_size=30, epochs=2, validation=0.25, threads=2, seed=3
)


class Listener(Reporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.steps: list[tuple[int, int]] = []

    def step(self, epoch: int, batch: int) -> None:
        self.steps.append((epoch, batch))

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, Any, Listener]:
    out = tmp_path_factory.mktemp("fit") / "run"
    listener = Listener()
    return out, training.run(TINY, out, reporter=listener), listener


def test_a_run_folder_is_whole(trained: tuple[pathlib.Path, Any, Listener]) -> None:
    out, result, listener = trained
    assert_whole(out, 2)
    assert listener.steps == [(epoch, batch) for epoch in (1, 2) for batch in (1, 2, 3)]
    assert [row["step"] for row in result.rows] == [3, 6]
    assert TrainConfig.read(out / "config.json") == TINY.resolved()
    tags = {tag for _, tag, _ in events(out, "train")}
    assert tags == {f"epoch_{n}" for n in ("learning_rate", "loss", "accuracy", "dead_classes")}
    values = [value for _, tag, value in events(out, "validation") if tag == "epoch_accuracy"]
    assert values == pytest.approx([row["val_accuracy"] for row in result.rows])


def test_models_are_whole_and_hold_the_class_names(
    trained: tuple[pathlib.Path, Any, Listener],
) -> None:
    out, result, _ = trained
    for name in ("best.keras", "last.keras"):
        model = xncaps_tf.load_model(out / name)
        assert models.class_names(model) == tuple("0123456789")
        assert not model._is_compiled  # no optimizer in the file
    model = xncaps_tf.load_model(out / "best.keras")
    held_out = data.split_validation(
        data.split_validation(
            data.load("digits", "train"), TINY.limit / len(data.load("digits", "train")), TINY.seed
        )[1],
        TINY.validation,
        TINY.seed,
    )[1]
    found = training.evaluate(model, held_out)
    assert found.accuracy == pytest.approx(result.rows[result.best_epoch - 1]["val_accuracy"])
    assert np.sum(found.confusion) == found.images == len(held_out)
    assert found.accuracy == pytest.approx(np.trace(found.confusion) / found.images)


def test_resuming_a_finished_run_does_nothing(
    trained: tuple[pathlib.Path, Any, Listener],
) -> None:
    out, result, _ = trained
    again = training.resume(out)
    assert again.was_finished and again.rows == result.rows


def test_a_second_run_in_the_folder_is_refused(
    trained: tuple[pathlib.Path, Any, Listener],
) -> None:
    with pytest.raises(TrainingError, match="holds a run already"):
        training.run(TINY, trained[0])


def test_init_starts_from_the_model(
    trained: tuple[pathlib.Path, Any, Listener], tmp_path: pathlib.Path
) -> None:
    source = trained[0] / "last.keras"
    tiny_rate = dataclasses.replace(
        TINY, init=str(source), epochs=1, learning_rate=1e-12, optimizer="sgd", validation=0.0
    )
    training.run(tiny_rate, tmp_path / "run")
    before, after = (xncaps_tf.load_model(p) for p in (source, tmp_path / "run" / "last.keras"))
    for one, other in zip(before.trainable_weights, after.trainable_weights, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-6)
    best, last = (tmp_path / "run" / name for name in ("best.keras", "last.keras"))
    assert best.read_bytes() == last.read_bytes()  # nothing is held out


def test_init_of_other_images_or_classes_is_refused(tmp_path: pathlib.Path) -> None:
    train = data.load("digits", "train")
    folder = RunFolder(tmp_path / "run")
    for shape, classes, names, reason in (
        ((9, 9, 1), 10, None, r"images \(9, 9, 1\)"),
        ((8, 8, 1), 3, None, "3 classes"),
        ((8, 8, 1), 10, list("abcdefghij"), "of a, b, c"),
    ):
        model = models.build("small_cnn", "dense", shape, classes, class_names=names)
        model.save(tmp_path / "m.keras")
        config = TrainConfig(init=str(tmp_path / "m.keras"))
        folder.create(config)
        with pytest.raises(TrainingError, match=f"--init: expected a model of .*{reason}"):
            networks.build_model(config, networks.start_model(config, folder), train)
        for file in folder.path.iterdir():
            file.unlink()


def test_patience_ends_a_training_that_no_longer_gets_better(tmp_path: pathlib.Path) -> None:
    still = dataclasses.replace(
        TINY, epochs=9, patience=2, optimizer="sgd", learning_rate=1e-30, schedule="constant"
    )
    result = training.run(still, tmp_path / "run")
    best = result.best_epoch
    assert len(result.rows) == best + 2 < 9
    assert training.resume(tmp_path / "run").was_finished


def test_dead_classes_are_reported(tmp_path: pathlib.Path) -> None:
    train = data.load("digits", "train")
    image = keras.Input(train.image_shape)
    flat = keras.layers.Flatten()(image)
    dense = keras.layers.Dense(10, activation="relu")
    model = keras.Model(image, dense(flat))
    kernel = np.full(dense.kernel.shape, 1e-4, np.float32)
    kernel[:, [3, 7]] = -1.0
    dense.kernel.assign(kernel)
    model.save(tmp_path / "half_dead.keras")
    listener = Listener()
    still = {"optimizer": "sgd", "learning_rate": 1e-12}
    config = dataclasses.replace(TINY, init=str(tmp_path / "half_dead.keras"), epochs=1, **still)
    result = training.run(config, tmp_path / "run", reporter=listener)
    assert result.rows[0]["val_dead_classes"] == 2
    assert listener.messages == [
        "epoch 1: the score is zero on all images of the hold-out for 2 of 10 classes: 3, 7"
    ]
    found = training.evaluate(xncaps_tf.load_model(tmp_path / "run" / "last.keras"), train)
    assert found.dead_classes == ["3", "7"]
    named = xncaps_tf.load_model(tmp_path / "run" / "best.keras")
    assert models.class_names(named) == train.class_names  # the model to fine-tune had none


def test_a_half_epoch_keeps_the_sums_of_its_metrics(tmp_path: pathlib.Path) -> None:
    config = dataclasses.replace(TINY, save_steps=2, epochs=1, head="xnodr")
    whole = training.run(config, tmp_path / "whole").rows

    class Interrupt(Reporter):
        def step(self, epoch: int, batch: int) -> None:
            if batch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.run(config, tmp_path / "cut", reporter=Interrupt())
    assert State.read(tmp_path / "cut" / "state" / "checkpoint.npz").batch == 2
    assert training.resume(tmp_path / "cut").rows == whole


def test_a_damaged_state_is_named(
    trained: tuple[pathlib.Path, Any, Listener], tmp_path: pathlib.Path
) -> None:
    content = (trained[0] / "state" / "checkpoint.npz").read_bytes()
    path = tmp_path / "checkpoint.npz"
    middle = bytearray(content)
    middle[len(middle) // 2] ^= 0xFF
    for broken in (b"", content[: len(content) // 2], b"x" + content[:100], bytes(middle)):
        path.write_bytes(broken)
        with pytest.raises(TrainingError, match="checkpoint.npz: expected the state of a run"):
            State.read(path)


def test_a_state_of_another_model_is_refused(
    trained: tuple[pathlib.Path, Any, Listener], tmp_path: pathlib.Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.create(dataclasses.replace(TINY, head="capsfc"))
    folder.state.mkdir()
    folder.checkpoint.write_bytes((trained[0] / "state" / "checkpoint.npz").read_bytes())
    with pytest.raises(TrainingError, match="expected the model's variables of the run's state"):
        training.resume(folder.path)


def test_a_batch_is_at_most_the_data(tmp_path: pathlib.Path) -> None:
    config = dataclasses.replace(TINY, batch_size=1000, epochs=1)
    assert training.run(config, tmp_path / "run").rows[0]["step"] == 1


def test_schedules() -> None:
    base = TrainConfig(learning_rate=1.0, epochs=10)

    def at(step: int, **changes: Any) -> float:
        schedule = optimizers.schedule(dataclasses.replace(base, **changes), 100)
        return float(schedule(step)) if callable(schedule) else float(schedule)

    assert 0 < at(0, schedule="cosine") < 0.02
    assert at(100, schedule="cosine") == pytest.approx(1.0)  # a tenth of 1,000 steps
    assert at(550, schedule="cosine") == pytest.approx(0.5)
    assert at(1000, schedule="cosine") == pytest.approx(0.0, abs=1e-6)
    assert at(50, schedule="cosine", warmup_steps=0) == pytest.approx(
        0.5 * (1 + math.cos(math.pi * 0.05))
    )
    assert at(0, schedule="constant") == at(999, schedule="constant") == 1.0
    assert at(0, schedule="constant", warmup_steps=9) == pytest.approx(0.1)
    assert at(500, schedule="constant", warmup_steps=9) == pytest.approx(1.0)
    assert at(0, schedule="triangular2") == pytest.approx(0.1)
    assert at(200, schedule="triangular2") == pytest.approx(1.0)
    assert at(5, schedule="triangular2", cycle_steps=5) == pytest.approx(1.0)
    assert at(0, schedule="triangular2", base_learning_rate=0.0) == 0.0


@pytest.mark.parametrize(("name", "kind"), [("adam", "Adam"), ("sgd", "SGD")])
def test_optimizers(name: str, kind: str) -> None:
    found = optimizers.optimizer(TrainConfig(optimizer=name, momentum=0.5), 10)
    assert type(found).__name__ == kind
    assert name == "adam" or found.momentum == 0.5


@pytest.mark.parametrize("name", fields.LOSSES)
def test_losses_are_finite_and_lower_for_the_right_class(name: str) -> None:
    loss = recipe.labels_loss(TrainConfig(loss=name), None)
    target = tf.one_hot([0], 3)
    right, wrong = loss(target, [[0.9, 0.05, 0.05]]), loss(target, [[0.05, 0.9, 0.05]])
    assert 0 <= float(right) < float(wrong) < math.inf


def test_lines_say_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    lines: list[str] = []
    reporter = Lines(lines.append)
    reporter.start(epochs=2, steps=100, done=0)
    now[0] = 10.0
    reporter.step(1, 10)
    assert lines == []
    now[0] = 50.0
    reporter.step(1, 50)
    now[0] = 100.0
    reporter.epoch({"epoch": 1, "step": 100, "loss": 0.5, "accuracy": 0.25})
    assert lines == [
        "epoch 1/2 batch 50/100 left 2:30",
        "epoch 1/2 loss 0.5000 accuracy 0.2500 left 1:40",
    ]


def test_records_are_written_from_rows_alone(tmp_path: pathlib.Path) -> None:
    tmp_path /= "caf\udce9"  # a name of any bytes
    tmp_path.mkdir()
    folder = RunFolder(tmp_path)
    rows = [
        {"epoch": n, "step": n, "learning_rate": 0.1, "loss": 1 / n, "accuracy": 0.5}
        for n in (1, 2, 3)
    ]
    records.write_tables(folder, rows)
    assert [json.loads(line) for line in folder.metrics_jsonl.read_text().splitlines()] == rows
    records.write_tensorboard(folder, rows, rewrite=True)
    records.write_tensorboard(folder, rows, rewrite=True)
    steps = [step for step, tag, _ in events(tmp_path, "train") if tag == "epoch_loss"]
    assert steps == [0, 1, 2]
    assert not (folder.tensorboard / "validation").exists()
