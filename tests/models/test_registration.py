"""Backbones and heads of people's own: built, checked, and refused with a reason."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from xncaps_tf import models
from xncaps_tf._keras import keras
from xncaps_tf.errors import TrainingError
from xncaps_tf.models import registration
from xncaps_tf.training import TrainConfig


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registration, "BACKBONES", {})
    monkeypatch.setattr(registration, "HEADS", {})
    yield


def stripes(image: Any) -> Any:
    return keras.layers.Conv2D(16, 3, strides=2, name="stripes")(image)


def peak(features: Any, options: models.HeadOptions) -> Any:
    x = keras.layers.GlobalMaxPooling2D(name="peak")(features)
    return keras.layers.Dense(options.num_classes, name="classes")(x)


@pytest.mark.parametrize("head", [*models.HEADS, "peak"])
def test_own_backbone_goes_with_each_head(head: str) -> None:
    models.register_backbone("stripes", stripes)
    models.register_head("peak", peak)
    model = models.build("stripes", head, (8, 8, 1), 3, class_names=("a", "b", "c"), seed=1)
    assert model.name == f"stripes_{head}" and models.class_names(model) == ("a", "b", "c")
    assert model(np.zeros((2, 8, 8, 1), np.float32)).shape == (2, 3)
    assert not models.is_capsule_head("peak")


@pytest.mark.parametrize("backbone", ["small_cnn", "efficientnet_lite0"])
def test_own_head_of_capsules_gets_channels_for_them(backbone: str) -> None:
    models.register_head("peak", peak, is_capsules=True)
    model = models.build(backbone, "peak", (28, 28, 1), 10)
    assert models.is_capsule_head("peak")
    assert model.get_layer("peak").input_shape[-1] == {"small_cnn": 512}.get(backbone, 1024)


def test_momentum_is_that_of_the_heads_norms() -> None:
    models.register_backbone("stripes", stripes, momentum=0.5)
    model = models.build("stripes", "xnodr", (8, 8, 1), 3)
    assert model.get_layer("primary_norm").momentum == 0.5


def test_a_config_knows_registered_names_only() -> None:
    with pytest.raises(TrainingError, match="backbone='stripes'; --plugin MODULE imports"):
        TrainConfig(backbone="stripes")
    with pytest.raises(TrainingError, match="head='peak'; --plugin MODULE imports"):
        TrainConfig(head="peak")
    models.register_backbone("stripes", stripes)
    models.register_head("peak", peak)
    assert TrainConfig.from_json(TrainConfig(backbone="stripes", head="peak").to_json()).head


@pytest.mark.parametrize("register", [models.register_backbone, models.register_head])
@pytest.mark.parametrize("name", ["Stripes", "", "../x", "a b", 3, None])
def test_names_are_words(register: Any, name: Any) -> None:
    with pytest.raises(ValueError, match="expected a name of small letters"):
        register(name, stripes)


def test_names_are_given_once() -> None:
    with pytest.raises(ValueError, match="register_backbone: expected a name that is not taken"):
        models.register_backbone("small_cnn", stripes)
    with pytest.raises(ValueError, match="register_head: expected a name that is not taken"):
        models.register_head("xnodr", peak)
    models.register_backbone("mine", stripes)
    models.register_backbone("mine", stripes)  # a notebook's cell, run again
    with pytest.raises(ValueError, match="name='mine'; choose another"):
        models.register_backbone("mine", keras.layers.Flatten())


def test_other_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="expected build to be a function"):
        models.register_head("peak", "peak")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"expected momentum in \[0, 1\)"):
        models.register_backbone("stripes", stripes, momentum=1.0)


def test_what_they_give_is_checked() -> None:
    models.register_backbone("flat", lambda image: keras.layers.Flatten()(image))
    models.register_head("map", lambda features, options: features)
    with pytest.raises(ValueError, match=r"the backbone flat to give a Keras tensor \[B, h, w, c]"):
        models.build("flat", "dense", (8, 8, 1), 3)
    with pytest.raises(ValueError, match=r"the head map to give scores \[B, 3]"):
        models.build("small_cnn", "map", (8, 8, 1), 3)
    with pytest.raises(ValueError, match="register_backbone adds others"):
        models.build("vgg", "dense", (8, 8, 1), 3)
    with pytest.raises(ValueError, match="register_head adds others"):
        models.build("small_cnn", "conv", (8, 8, 1), 3)


def test_registering_loads_no_tensorflow() -> None:
    code = (
        "import sys; from xncaps_tf import models; models.register_head('a', print); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
