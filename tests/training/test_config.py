"""Run configs: exact, re-usable, and refused with a reason where they are wrong."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from xncaps_tf import data, load_model, models, training
from xncaps_tf.errors import DataError, TrainingError
from xncaps_tf.saving import model_path
from xncaps_tf.training import RunFolder, TrainConfig, fields, options
from xncaps_tf.training.task import Task


def test_json_round_trip() -> None:
    one = TrainConfig(
        head="xnidr", learning_rate=1e-3 / 3, patience=4, dropout=0.25, seed=2**31 - 1
    )
    assert TrainConfig.from_json(one.to_json()) == one


def test_the_words_are_those_of_models_and_data() -> None:
    assert fields.BACKBONES == models.BACKBONES
    assert fields.DATA == data.NAMES
    assert set(fields.AUGMENTATIONS) == {"none", *data.AUGMENTATIONS}


def test_resolved_fills_in_what_a_machine_or_folder_decides(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = TrainConfig(data="mnist", data_dir="d", weights="w.h5", init="i.keras").resolved()
    assert found.data_dir == str(tmp_path / "d")
    assert found.weights == str(tmp_path / "w.h5")
    assert found.init == str(tmp_path / "i.keras")
    assert found.threads == len(os.sched_getaffinity(0))
    assert found.augment == "shift"
    assert TrainConfig().resolved().augment == "none"
    assert TrainConfig(weights="imagenet").resolved().weights == "imagenet"
    assert found.resolved() == found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backbone", "vgg"),
        ("head", None),
        ("data", 3),
        ("data_dir", ""),
        ("data_dir", "a\0b"),
        ("download", "yes"),
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", True),
        ("batch_size", -1),
        ("momentum", 1.0),
        ("learning_rate", 0),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("learning_rate", "1e-3"),
        ("loss", ["margin"]),
        ("schedule", {}),
        ("warmup_steps", -1),
        ("augment", "blur"),
        ("validation", 1.0),
        ("validation", -0.1),
        ("patience", 0),
        ("limit", 0),
        ("dropout", 1),
        ("seed", 2**31),
        ("seed", -1),
        ("strategy", "tpu"),
        ("threads", -2),
        ("save_steps", None),
        ("freeze_tail", -1),
    ],
)
def test_a_wrong_value_is_named(name: str, value: Any) -> None:
    document = json.loads(TrainConfig().to_json())
    document[name] = value
    with pytest.raises(TrainingError, match=f"f.json: TrainConfig: expected {name} to be .*"):
        TrainConfig.from_json(json.dumps(document), "f.json")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a JSON object"),
        ("[1]", "expected a JSON object. Received: list"),
        ('{"epochs": 3', "expected a JSON object"),
        ("[" * 200_000, "expected a JSON object. Received: maximum recursion depth"),
        ('{"format_version": 2}', "expected format_version 1. Received: 2"),
        ('{"epoch": 3}', "Received: 'epoch'"),
    ],
)
def test_a_damaged_config_is_refused(text: str, reason: str) -> None:
    with pytest.raises(TrainingError, match=reason):
        TrainConfig.from_json(text, "f.json")


def test_a_binary_config_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "config.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TrainingError, match="expected a JSON text"):
        RunFolder(tmp_path).read_config()


def test_values_that_clash() -> None:
    with pytest.raises(TrainingError, match="patience=3, validation=0"):
        TrainConfig(patience=3, validation=0.0)
    with pytest.raises(TrainingError, match="drop_remainder=False"):
        TrainConfig(strategy="mirrored", drop_remainder=False)
    too_high = {"schedule": "triangular2", "base_learning_rate": 0.1}
    with pytest.raises(TrainingError, match="Received: base_learning_rate=0.1, learning_rate=0.01"):
        TrainConfig(**too_high, learning_rate=0.01)
    with pytest.raises(TrainingError, match="base_learning_rate=0.1, learning_rate=0.001"):
        TrainConfig(**too_high, phases=({"learning_rate": 0.2}, {"learning_rate": 0.001}))
    TrainConfig(**too_high, learning_rate=0.01, phases=({"learning_rate": 0.2},))


def test_folder_is_made_with_its_config_or_not_at_all(tmp_path: pathlib.Path) -> None:
    folder = RunFolder(tmp_path / "run")
    written = folder.create(TrainConfig())
    assert folder.read_config() == written == TrainConfig().resolved()
    with pytest.raises(TrainingError, match="holds a run already; continue it with --resume"):
        folder.create(TrainConfig())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x")
    with pytest.raises(TrainingError, match="with other files"):
        RunFolder(tmp_path / "other").create(TrainConfig())
    with pytest.raises(TrainingError, match="Received: a file"):
        RunFolder(tmp_path / "other" / "thesis.tex").create(TrainConfig())
    with pytest.raises(TrainingError, match="no config.json"):
        RunFolder(tmp_path / "none").read_config()


def test_the_model_to_fine_tune_is_copied(tmp_path: pathlib.Path) -> None:
    with pytest.raises(TrainingError, match="--init: expected a model file"):
        RunFolder(tmp_path / "run").create(TrainConfig(init=str(tmp_path / "no.keras")))
    (tmp_path / "m.keras").write_bytes(b"model")
    folder = RunFolder(tmp_path / "run")
    written = folder.create(TrainConfig(init=str(tmp_path / "m.keras")))
    (tmp_path / "m.keras").unlink()
    copy = folder.init_model(written)
    assert copy is not None and copy.read_bytes() == b"model"


def test_of_a_run_as_a_start_or_teacher_its_best_model_is_meant(tmp_path: pathlib.Path) -> None:
    old = RunFolder(tmp_path / "old")
    old.create(TrainConfig())
    config = TrainConfig(init=str(old.path), teacher=str(old.path))
    with pytest.raises(TrainingError, match="old/best.keras, which is not there"):
        RunFolder(tmp_path / "run").create(config)
    old.best.write_bytes(b"model")
    folder = RunFolder(tmp_path / "run")
    written = folder.create(config)
    assert written.teacher == str(old.best)
    copy = folder.init_model(written)
    assert copy is not None and copy.read_bytes() == b"model"


def test_one_writer_at_a_time(tmp_path: pathlib.Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.create(TrainConfig())
    with folder.locked():
        with pytest.raises(TrainingError, match=f"process {os.getpid()} is training in it"):
            with RunFolder(tmp_path / "run").locked():
                pass
    with folder.locked():
        pass


def test_config_and_folder_load_no_tensorflow() -> None:
    code = (
        "import sys, xncaps_tf.training, xncaps_tf.training.task, xncaps.commands.train; "
        "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


TWO = {"worker": ["a:1", "b:2"]}


@pytest.mark.parametrize(
    ("document", "chief", "peers"),
    [
        ({"cluster": TWO, "task": {"type": "worker", "index": 0}}, True, ["worker 1"]),
        ({"cluster": TWO, "task": {"type": "worker", "index": 1}}, False, ["worker 0"]),
        (
            {"cluster": {"chief": ["c:3"], **TWO}, "task": {"type": "worker", "index": 0}},
            False,
            ["chief 0", "worker 1"],
        ),
        (
            {"cluster": {"chief": ["c:3"], **TWO}, "task": {"type": "chief", "index": 0}},
            True,
            ["worker 0", "worker 1"],
        ),
    ],
)
def test_tf_config(
    document: Any, chief: bool, peers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", json.dumps(document))
    task = Task.from_environment("multi_worker")
    assert task.is_chief is chief
    assert list(task.peers()) == peers
    assert Task.from_environment("none").peers() == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        json.dumps({"cluster": TWO, "task": {"type": "worker", "index": 2}}),
        json.dumps({"cluster": TWO, "task": {"type": "ps", "index": 0}}),
        json.dumps({"cluster": {**TWO, "ps": ["c:1"]}, "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}),
    ],
)
def test_a_wrong_tf_config_is_explained(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(TrainingError, match="expected TF_CONFIG to be like"):
        Task.from_environment("multi_worker")


def test_every_field_is_explained() -> None:
    assert all(option.help for option in options.of(TrainConfig).values())


def test_scales_go_with_a_new_xnodr_head() -> None:
    assert TrainConfig(scales="capsule").scales == "capsule"
    for others in ({"head": "capsfc"}, {"init": "model.keras"}):
        with pytest.raises(TrainingError, match="expected scales with a new head xnodr.*'none'"):
            TrainConfig(scales="none", **others)  # pyright: ignore[reportArgumentType]


def test_the_quantizer_and_the_turns_of_routing_go_with_a_new_head_that_has_them() -> None:
    assert TrainConfig(head="xnidr", quantizer="ste_sign").quantizer == "ste_sign"
    assert TrainConfig(head="capsfc", routing_iterations=1).routing_iterations == 1
    with pytest.raises(TrainingError, match="expected quantizer with a new head xnodr or xnidr"):
        TrainConfig(head="capsfc", quantizer="ste_sign")
    with pytest.raises(TrainingError, match="expected routing_iterations with a new head of caps"):
        TrainConfig(head="dense", routing_iterations=2)
    with pytest.raises(
        TrainingError, match="expected routing_iterations with a new.*'model.keras'"
    ):
        TrainConfig(routing_iterations=2, init="model.keras")


def test_a_run_has_the_head_that_its_config_names(tmp_path: pathlib.Path) -> None:
    first = TrainConfig(epochs=1, limit=20, head="xnidr", routing_iterations=2)
    start = training.run(first, tmp_path / "start").folder.best
    second = TrainConfig(
        epochs=1,
        limit=20,
        init=str(start),
        new_head=True,
        head="xnodr",
        routing_iterations=4,
        quantizer="ste_sign",
    )
    layers = {
        name: load_model(training.run(config, tmp_path / name).folder.best).get_layer("capsules")
        for name, config in {"a": first, "b": second}.items()
    }
    assert [layer.routing_iterations for layer in layers.values()] == [2, 4]
    assert type(layers["b"].kernel_quantizer).__name__ == "SteSign"


def test_a_saved_model_beside_a_config_json_is_no_run(tmp_path: pathlib.Path) -> None:
    """One rule for --init and for what the commands load."""
    for name, files in (("run", ["config.json"]), ("saved", ["config.json", "saved_model.pb"])):
        folder = tmp_path / name
        folder.mkdir()
        for file in files:
            (folder / file).write_text("{}")
        meant = folder / "best.keras" if name == "run" else folder
        assert TrainConfig(init=str(folder)).resolved().init == str(meant)
        if name == "saved":
            assert model_path(folder) == folder
        else:
            with pytest.raises(DataError, match="without best.keras"):
                model_path(folder)
