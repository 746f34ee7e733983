"""Learning from a teacher's answers."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest

from compared_runs import assert_same_run
from xncaps_tf import data, load_model, models, training
from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import DataError, TrainingError
from xncaps_tf.losses import MarginLoss
from xncaps_tf.training import TrainConfig, distillation

TINY = TrainConfig(
    head="xnodr", limit=120, batch_size=30, epochs=2, validation=0.25, threads=2, save_steps=1
)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """It takes every digit for the next one, so that its answers are not the labels."""
    path = tmp_path_factory.mktemp("teacher") / "teacher.keras"
    ds = data.load("digits", "train")
    images, labels = ds.numpy()
    model = models.build("small_cnn", "dense", (8, 8, 1), 10, class_names=ds.class_names, seed=5)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, (labels + 1) % 10, epochs=5, verbose=0)
    model.save(path)
    return path


@pytest.mark.parametrize(
    ("head", "kind"), [("dense", "probabilities"), ("xnodr", "lengths"), ("logits", "logits")]
)
def test_the_kind_of_scores_is_seen(head: str, kind: str) -> None:
    if head == "logits":
        image = keras.Input((8, 8, 1))
        model = keras.Model(image, keras.layers.Dense(10)(keras.layers.Flatten()(image)))
    else:
        model = models.build("small_cnn", head, (8, 8, 1), 10)
    assert models.score_kind(model) == kind
    outer = keras.Input((8, 8, 1))
    assert models.score_kind(keras.Model(outer, model(outer))) == kind


@pytest.mark.parametrize(
    ("kind", "to_logits"),
    [("lengths", lambda s: s / 0.1), ("probabilities", np.log), ("logits", lambda s: s)],
)
def test_the_loss_by_hand(kind: str, to_logits: object) -> None:
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(4), 3)
    shares, labels = rng.dirichlet(np.ones(4), 3), np.eye(4)[[2, 0, 3]]
    loss = distillation.Distillation(MarginLoss(), kind, weight=0.3, temperature=2.0)
    found = loss.call(
        tf.constant(np.concatenate([labels, shares], 1), tf.float32),
        tf.constant(scores, tf.float32),
    )
    logits = to_logits(scores) / 2  # pyright: ignore[reportCallIssue]
    own = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    divergence = (shares * np.log(shares / own)).sum(1)
    plain = MarginLoss().call(tf.constant(labels), tf.constant(scores)).numpy()
    # Logarithms of float32 numbers down to 1e-3: a few of 2e-7 times 7.
    np.testing.assert_allclose(found, 0.7 * plain + 0.3 * 4 * divergence, atol=2e-5)
    of_labels = loss.call(tf.constant(labels, tf.float32), tf.constant(scores, tf.float32))
    np.testing.assert_allclose(of_labels, plain, atol=1e-6)


@pytest.mark.parametrize(
    ("head", "powers"),
    [
        ("capsfc", lambda lengths, t: np.exp(lengths / (t * 0.1))),
        ("xnodr", lambda lengths, t: np.exp(lengths / (t * 0.1))),
        ("dense", lambda probabilities, t: probabilities ** (1 / t)),
        ("logits", lambda logits, t: np.exp(logits / t)),
    ],
)
def test_the_teachers_shares_by_hand(head: str, powers: Any, tmp_path: pathlib.Path) -> None:
    ds, temperature = data.load("digits", "test").subset(slice(30)), 2.5
    if head == "logits":
        image = keras.Input((8, 8, 1))
        dense = keras.layers.Dense(10, kernel_initializer=keras.initializers.GlorotUniform(3))
        model = keras.Model(image, dense(keras.layers.Flatten()(image / 16)))
    else:
        model = models.build("small_cnn", head, (8, 8, 1), 10, class_names=ds.class_names, seed=3)
    if head in ("capsfc", "xnodr"):  # as training does: untrained ones have all lengths near 0
        model.get_layer("primary_norm").gamma.assign([1e5] * 8)
    model.save(tmp_path / "teacher.keras")
    path, kept = str(tmp_path / "teacher.keras"), tmp_path / "kept.npz"
    found = distillation.answers_of(path, temperature, kept, len(ds), lambda shape: ds)
    scores = model(ds.numpy()[0].astype(np.float32)).numpy().astype(np.float64)
    wanted = powers(scores, temperature)
    wanted /= wanted.sum(1, keepdims=True)
    assert np.ptp(wanted, axis=1).mean() > 1e-3  # from class to class, in shares of about 0.1
    # Scores of float32 are off by some 1e-6, which counts four times over 2.5 x 0.1.
    np.testing.assert_allclose(found, wanted, rtol=5e-5)
    np.testing.assert_array_equal(distillation.kept_answers(kept, len(ds)), found)


def test_a_student_learns_the_answers_alone(teacher: pathlib.Path, tmp_path: pathlib.Path) -> None:
    config = dataclasses.replace(
        TINY, teacher=str(teacher), teacher_weight=1.0, limit=None, epochs=4, save_steps=0
    )
    training.run(config, tmp_path / "run")
    images, labels = data.load("digits", "test").numpy()
    student = load_model(tmp_path / "run" / "last.keras")
    found = student.predict(images.astype(np.float32), verbose=0).argmax(1)
    assert np.mean(found == (labels + 1) % 10) > 0.8 and np.mean(found == labels) < 0.1


def test_answers_are_made_once_and_the_run_resumes(
    teacher: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    config = dataclasses.replace(TINY, teacher=str(tmp_path / "own.keras"))
    (tmp_path / "own.keras").write_bytes(teacher.read_bytes())
    training.run(config, tmp_path / "whole")
    with np.load(tmp_path / "whole" / "teacher.npz") as kept:
        assert kept["shares"].shape == (90, 10)  # of the images that are not held out
        np.testing.assert_allclose(kept["shares"].sum(1), 1, atol=1e-6)

    class Stop(training.progress.Reporter):
        def step(self, epoch: int, batch: int) -> None:
            if (epoch, batch) == (2, 1):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.run(config, tmp_path / "again", reporter=Stop())
    (tmp_path / "own.keras").unlink()  # not needed any more
    training.resume(tmp_path / "again")
    assert_same_run(tmp_path / "whole", tmp_path / "again")


def test_pictures_are_read_once_for_the_student_and_once_for_its_teacher(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import drawn_grocery
    from xncaps_files import pictures

    drawn_grocery.write(tmp_path, {"train": [0, 1, 2] * 2, "val": [2, 0, 1], "test": [1, 2, 0]})
    image = keras.Input((24, 16, 3))
    keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image))).save(
        tmp_path / "teacher.keras"
    )
    decode, read = pictures.decode, []

    def counted(path: str, *rest: object, **more: object) -> object:
        read.append(path)
        return decode(path, *rest, **more)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(pictures, "decode", counted)
    config = dataclasses.replace(
        TINY,
        data="grocery",
        data_dir=str(tmp_path),
        image_size=16,
        teacher=str(tmp_path / "teacher.keras"),
        limit=None,
        batch_size=3,
    )
    training.run(config, tmp_path / "run")
    assert len(read) == 6 + 3 + 6  # checked, and the training ones in the teacher's size
    read.clear()
    (tmp_path / "run" / "state" / "finished").unlink()
    training.resume(tmp_path / "run")
    assert len(read) == 6 + 3


def test_a_teacher_of_other_things_is_refused(
    teacher: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    config = dataclasses.replace(TINY, teacher=str(tmp_path / "none.keras"))
    with pytest.raises(TrainingError, match="--teacher: expected a model file .*none.keras"):
        training.run(config, tmp_path / "a")
    for number, (shape, names) in enumerate([((9, 9, 1), "0123456789"), ((8, 8, 1), "abcdefghij")]):
        path = tmp_path / f"{number}.keras"
        models.build("small_cnn", "dense", shape, 10, class_names=tuple(names)).save(path)
        with pytest.raises(
            TrainingError, match=r"--teacher: expected a model of .*Received: .*\d.k"
        ):
            training.run(dataclasses.replace(TINY, teacher=str(path)), tmp_path / f"run{number}")
    with pytest.raises(TrainingError, match="teacher_weight to be a number above 0 and at most 1"):
        TrainConfig(teacher_weight=0)


def test_damaged_or_foreign_answers_are_named(
    teacher: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    path, ds = tmp_path / "teacher.npz", data.load("digits", "test")

    def answers() -> np.ndarray:
        return distillation.answers_of(str(teacher), 2.0, path, len(ds), lambda shape: ds)

    answers()
    with np.load(path) as kept:
        parts = dict(kept)
    np.savez(path, **{**parts, "format_version": np.array([9])})
    with pytest.raises(
        DataError, match="teacher.npz: expected format_version 1. Received: 9; a newer"
    ):
        answers()
    np.savez(path, **{**parts, "shares": parts["shares"][1:]})
    with pytest.raises(TrainingError, match="for the 364 training images. Received: 363; have"):
        answers()
