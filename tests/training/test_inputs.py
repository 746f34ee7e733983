"""The pictures of a training: as many as were asked for."""

from __future__ import annotations

import pytest

from xncaps_tf import data
from xncaps_tf.errors import DataError
from xncaps_tf.training import TrainConfig, inputs


@pytest.mark.parametrize("limit", [1, 5, 13])
def test_a_limit_below_the_number_of_classes_is_kept(limit: int) -> None:
    train, held = inputs.load(TrainConfig(limit=limit, validation=0.0), (8, 8, 1))
    assert (len(train), held) == (limit, None)


def test_the_hold_out_is_of_the_limited_images() -> None:
    train, held = inputs.load(TrainConfig(limit=40, validation=0.25), (8, 8, 1))
    assert held is not None and (len(train), len(held)) == (30, 10)


def test_a_limit_that_leaves_nothing_to_hold_out_says_what_to_do() -> None:
    with pytest.raises(DataError, match="Received: 5 images in 5 classes; .*validation 0"):
        inputs.load(TrainConfig(limit=5), (8, 8, 1))
    few = data.sample(data.load("digits", "train"), 3, seed=0)
    with pytest.raises(DataError, match="a class with two images or more"):
        inputs.prepared(TrainConfig(), few, None)


def test_where_reading_takes_long_it_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    config = TrainConfig(validation=0.25)
    inputs.load(config, (8, 8, 1), say=said.append)
    assert said == []
    monkeypatch.setattr(inputs, "_SAY_SECONDS", 0.0)
    inputs.load(config, (8, 8, 1), say=said.append)
    words = "looking whether every picture can be read: "
    assert said[:3] == [f"{words}{done} of 1075 (train[rest])" for done in (512, 1024, 1075)]
    assert said[3:] == [f"{words}358 of 358 (train[validation])"]
    inputs.load(config, (8, 8, 1), check=False, say=said.append)
    assert len(said) == 4
