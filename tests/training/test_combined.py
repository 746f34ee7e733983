"""Choices of a training that are often made together: each works beside the others, and resumes."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest

import xncaps_tf
from compared_runs import assert_same_run, resumed
from xncaps_tf import data, models, training
from xncaps_tf.models import decoder
from xncaps_tf.training import TrainConfig

CONFIG = TrainConfig(
    init="replaced by each test",
    new_head=True,
    head="xnodr",
    scales="capsule",
    limit=80,
    batch_size=20,
    save_steps=2,
    threads=2,
    seed=5,
    augment="shift",
    dropout=0.2,
    teacher_weight=0.7,
)
# A head of its own on frozen features, then all layers, the backbone slowly, as people tune.
TUNED = (
    {"epochs": 1, "freeze_backbone": True, "augment": "flip"},
    {"epochs": 1, "backbone_learning_rate": 1e-4, "freeze_norms": True, "ema": 0.9},
)
# Pictures are drawn again by what is averaged.
DRAWN = ({"epochs": 1, "ema": 0.5}, {"epochs": 1, "ema": 0.9, "loss": "squared_hinge"})


@pytest.fixture(scope="module")
def trunk(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder of a run, whose model is the start and the teacher."""
    out = tmp_path_factory.mktemp("trunk") / "run"
    training.run(TrainConfig(head="capsfc", limit=80, batch_size=20, epochs=1, threads=2), out)
    return out


@pytest.mark.parametrize(
    "changes", [{"phases": TUNED}, {"phases": DRAWN, "decoder": True}], ids=["tuned", "drawn"]
)
def test_a_new_head_with_a_teacher_and_averages_resumes_bit_for_bit(
    trunk: pathlib.Path, tmp_path: pathlib.Path, changes: dict[str, Any]
) -> None:
    config = dataclasses.replace(CONFIG, init=str(trunk), teacher=str(trunk), **changes)
    training.run(config, tmp_path / "whole")
    assert_same_run(tmp_path / "whole", resumed(config, tmp_path / "again", 4))
    assert TrainConfig.read(tmp_path / "again" / "config.json") == config.resolved()
    both = xncaps_tf.load_model(tmp_path / "again" / "last.keras", decoder=True)
    assert (decoder.find(both) is not None) == config.decoder
    assert models.without_decoder(both).get_layer("capsules").scales == "capsule"
    images = data.load("digits", "test").numpy()[0][:20].astype(np.float32)
    assert np.isfinite(models.without_decoder(both)(images)).all()
