"""Options that would change nothing are refused, not passed over in silence."""

from __future__ import annotations

import pathlib

import pytest
from click.testing import CliRunner

from xncaps.commands.train import train
from xncaps_tf.training import TrainConfig
from xncaps_tf.training.unused import unused

INIT = ("--init", "trunk.keras")
CYCLIC = ("--schedule", "triangular2")
PHASES = ("--phase", "epochs=1,freeze-backbone=true", "--phase", "epochs=2")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((*INIT, "--head", "dense"), "no --head here: the model of --init keeps its head"),
        ((*INIT, "--dropout", "0.2"), "no --dropout here: the model of --init keeps its head"),
        ((*INIT, "--new-head", "--backbone", "quicknet"), "no --backbone here: the model of"),
        ((*INIT, "--weights", "w.h5"), "no --weights here: the model of --init brings its"),
        ((*INIT, "--freeze-tail", "3"), "no --freeze-tail here: the model of --init brings its"),
        (
            ("--upsampling", "bilinear"),
            "no --upsampling here: it is inside mobilenet_v2 and",
        ),
        ((*INIT, "--resizing", "nearest"), "no --resizing here: the model of --init brings its"),
        (("--teacher-weight", "0.7"), "no --teacher-weight here: there is no --teacher."),
        (("--data-dir", "photos"), "no --data-dir here: the digits come along; --data names the"),
        (("--data", "grocery", "--download"), "no --download here: nothing downloads grocery;"),
        ((*PHASES, "--epochs", "9"), "no --epochs here: each phase has a value of its own."),
        (("--feature-cache", "kept"), "no --feature-cache here: it keeps what --freeze-backbone"),
        (("--freeze-backbone", "--backbone-learning-rate", "1e-4"), "keeps those weights as they"),
        (("--momentum", "0.8"), "no --momentum here: it is of --optimizer sgd."),
        (("--cycle-steps", "5"), "no --cycle-steps here: it is of --schedule triangular2."),
        ((*CYCLIC, "--warmup-steps", "5"), "--schedule triangular2 has no warm-up."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_option_that_changes_nothing_is_a_usage_error(
    options: tuple[str, ...], text: str, tmp_path: pathlib.Path
) -> None:
    result = CliRunner().invoke(train, [*options, "--out", str(tmp_path / "run")])
    assert result.exit_code == 2, result.output
    assert text in " ".join(result.output.split())
    assert not (tmp_path / "run").exists()


def test_what_is_looked_at_is_taken() -> None:
    config = TrainConfig(
        init="trunk.keras",
        new_head=True,
        head="capsfc",
        dropout=0.1,
        teacher="t.keras",
        teacher_weight=0.7,
        data="folder",
        data_dir="photos",
        feature_cache="kept",
        epochs=3,
        momentum=0.5,
        backbone_learning_rate=1e-4,
        cycle_steps=9,
        warmup_steps=3,
        phases=(
            {"freeze_backbone": True, "optimizer": "sgd"},
            {"schedule": "triangular2", "epochs": 2},
        ),
    )
    given = [name for name, value in vars(config).items() if value != getattr(TrainConfig(), name)]
    assert len(given) > 12
    assert list(unused(config, given)) == []
    assert list(unused(TrainConfig(backbone="resnet50"), ["upsampling", "backbone"])) == []
    assert list(unused(TrainConfig(), ["download"])) == []  # --no-download
