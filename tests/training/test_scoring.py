"""`evaluate`: which images are right; whether a model fits the data."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

import numpy as np
import pytest

import xncaps_tf
from xncaps_tf import data, models, reference, training
from xncaps_tf._keras import keras
from xncaps_tf.data import Dataset
from xncaps_tf.errors import TrainingError
from xncaps_tf.training import TrainConfig, networks


def _model() -> Any:
    return models.build("small_cnn", "dense", (8, 8, 1), 10, seed=3)


def _test() -> Dataset:
    return data.load("digits", "test").subset(np.arange(60))


def test_right_are_the_images_whose_highest_score_is_their_class() -> None:
    model, ds = _model(), _test()
    found = training.evaluate(model, ds)
    scores = model.predict(ds.numpy()[0].astype(np.float32), verbose=0)
    expected = reference.score_accuracy(ds.labels, scores)
    assert found.right.tolist() == [bool(value) for value in expected]
    assert found.accuracy == pytest.approx(np.mean(expected))
    assert found.right.sum() == np.trace(found.confusion)
    told = json.loads(json.dumps(found.to_dict()))
    assert "right" not in told and told["images"] == 60


def test_of_two_labels_each_of_the_two_highest_is_right_or_not() -> None:
    model, ds = _model(), _test()
    labels = np.zeros((60, 10), np.float32)
    labels[np.arange(60), ds.labels] = labels[np.arange(60), (ds.labels + 1) % 10] = 1
    two = dataclasses.replace(ds, labels=labels)
    found = training.evaluate(model, two)
    scores = model.predict(ds.numpy()[0].astype(np.float32), verbose=0)
    expected = reference.two_label_accuracy(labels, scores)
    assert found.right.shape == (60, 2) and not found.per_class
    np.testing.assert_allclose(found.right.mean(axis=1), expected)
    assert found.accuracy == pytest.approx(np.mean(expected))


def test_a_model_that_does_not_fit_is_named_by_who_asks() -> None:
    train = data.load("digits", "train")
    with pytest.raises(TrainingError, match="evaluate: expected a model of images .* 3 classes"):
        training.evaluate(models.build("small_cnn", "dense", (8, 8, 1), 3), train)
    other = models.build("small_cnn", "dense", (8, 8, 1), 10, class_names=list("abcdefghij"))
    with pytest.raises(TrainingError, match="--teacher: expected .*classes 0, 1.*T.keras of a, b"):
        networks.check_fit(other, train, "--teacher", source="T.keras")


def test_a_network_of_any_size_trains_further(tmp_path: pathlib.Path) -> None:
    image = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(10, activation="softmax")(x))
    config = TrainConfig(epochs=1, limit=60, batch_size=20, threads=2)
    training.run(config, tmp_path / "run", model=model)
    assert xncaps_tf.load_model(tmp_path / "run" / "best.keras").output_shape == (None, 10)
