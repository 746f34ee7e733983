from __future__ import annotations

from typing import Any

import pytest

from xncaps_tf import layers, models
from xncaps_tf._keras import keras, tf

K = keras.layers


def _ended(*tail: Any) -> Any:
    return keras.Sequential([keras.Input((6,)), *tail])


@pytest.mark.parametrize(("head", "kind"), [("dense", "probabilities"), ("xnodr", "lengths")])
def test_networks_of_the_registry(head: str, kind: str) -> None:
    model = models.build("small_cnn", head, (8, 8, 1), 4, class_names=list("abcd"))
    assert models.score_kind(model) == kind
    wrapped = keras.Sequential([keras.Input((8, 8, 1)), K.Rescaling(0.5), model])
    assert models.score_kind(wrapped) == kind


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        (lambda: [K.Dense(3)], "logits"),
        (lambda: [K.Dense(3), layers.ClassScores(list("abc"))], "logits"),
        (lambda: [K.Dense(3), K.Softmax()], "probabilities"),
        (lambda: [K.Dense(3, activation="sigmoid")], "probabilities"),
        (lambda: [K.Dense(3, activation=tf.nn.softmax)], "probabilities"),
        (lambda: [K.Dense(3), K.Reshape((3,))], "logits"),
        (lambda: [K.Dense(3, activation="relu")], None),
        (lambda: [K.Dense(3), K.BatchNormalization()], None),
    ],
    ids=["dense", "named", "softmax", "sigmoid", "tf softmax", "reshaped", "relu", "norm"],
)
def test_networks_of_people(tail: Any, kind: str | None) -> None:
    assert models.score_kind(_ended(*tail())) == kind


@pytest.mark.parametrize("function", [tf.nn.softmax, tf.sigmoid, keras.activations.softmax])
def test_a_function_of_tensorflow_is_an_end_as_well(function: Any) -> None:
    inputs = keras.Input((6,))
    assert models.score_kind(keras.Model(inputs, function(K.Dense(3)(inputs)))) == "probabilities"
    others = tf.nn.log_softmax(K.Dense(3)(inputs))
    assert models.score_kind(keras.Model(inputs, others)) is None


def test_an_end_of_two_inputs_does_not_tell() -> None:
    inputs = keras.Input((6,))
    added = K.Add()([K.Dense(3)(inputs), K.Dense(3)(inputs)])
    assert models.score_kind(keras.Model(inputs, added)) is None
    assert models.score_kind(keras.Model(inputs, [added, added])) is None
