"""One taker a layer; shapes are followed through a model after every pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from xncaps_converters import passes
from xncaps_converters.claims import Claims
from xncaps_converters.clone import Replacement, copy_weights
from xncaps_tf._keras import keras
from xncaps_tf.errors import ConversionError


def _model() -> keras.Model:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="first")(image)
    x = keras.layers.Conv2D(5, 1, name="linear")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, keras.layers.Dense(2, name="scores")(x), name="net")


def _maker(layer: Callable[[], keras.layers.Layer]) -> Callable[[], Replacement]:
    return lambda: Replacement(layer(), copy_weights)


def test_a_second_claim_on_a_layer_is_refused_and_claims_nothing() -> None:
    model = _model()
    claims = Claims(model)
    passes.claim(model, claims)
    conv, first = model.get_layer("linear"), model.get_layer("first")
    assert conv in claims and first not in claims
    same = _maker(lambda: keras.layers.Conv2D(4, 3))
    with pytest.raises(
        ConversionError, match="Received: again for 'linear', which pool_before_linear has claimed"
    ):
        claims.add("again", {id(first): same, id(conv): same})
    assert first not in claims and claims.replace(first) is None


@pytest.mark.parametrize(
    ("name", "layer", "message"),
    [
        ("first", lambda: keras.layers.Conv2D(6, 3), r"layer 'linear'.*to get.*4\].*6\]"),
        ("first", lambda: keras.layers.Conv2D(4, 5), r"layer 'linear'.*\[None, 6, 6, 4\]"),
        ("scores", lambda: keras.layers.Dense(3), r"'net' to keep its outputs \[None, 2\].*3\]"),
    ],
    ids=["channels", "size", "end"],
)
def test_another_shape_for_what_is_not_replaced_is_refused(
    name: str, layer: Callable[[], keras.layers.Layer], message: str
) -> None:
    model = _model()
    claims = Claims(model)
    with pytest.raises(ConversionError, match="wrong: expected " + message):
        claims.add("wrong", {id(model.get_layer(name)): _maker(layer)})
    assert model.get_layer(name) not in claims


def test_shapes_are_followed_into_nested_models() -> None:
    inner = _model()
    image = keras.Input((8, 8, 3))
    outer = keras.Model(image, keras.layers.Softmax()(inner(image)), name="outer")
    claims = Claims(outer)
    wrong = {id(inner.get_layer("scores")): _maker(lambda: keras.layers.Dense(3))}
    with pytest.raises(ConversionError, match="'net' to keep its outputs"):
        claims.add("wrong", wrong)
    claims.add("right", {id(inner.get_layer("scores")): _maker(lambda: keras.layers.Dense(2))})
    assert inner.get_layer("scores") in claims
