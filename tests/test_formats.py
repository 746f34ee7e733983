"""What was written stays readable: every specimen of every version, by today's readers."""

from __future__ import annotations

import json
import pathlib
import shutil
from importlib import resources
from typing import Any

import jsonschema
import numpy as np
import pytest

import xncaps_zoo
from xncaps.reproduce import experiments, result_lines
from xncaps_benchmark import results
from xncaps_benchmark.errors import ResultError
from xncaps_files import expected, metadata
from xncaps_files.scores import ScoreScale
from xncaps_runtime import Classifier
from xncaps_tf.errors import DataError, TrainingError
from xncaps_tf.training import config as config_module
from xncaps_tf.training import distillation, state
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.state import State

FORMATS = pathlib.Path(__file__).parent / "golden" / "formats"
V1, V2 = FORMATS / "v1", FORMATS / "v2"


def test_metadata_1() -> None:
    found = metadata.read((V1 / "metadata.tflite").read_bytes())
    assert found is not None and found.class_names[9] == "digit 9"
    assert (found.input.color_space, found.input.size) == ("GRAYSCALE", (8, 8))
    assert found.preprocessing.invert and found.origin["data"] == "digits"
    assert found.origin["format_version"] == metadata.FORMAT_VERSION
    assert found.scores == ScoreScale()  # version 1 did not say


def test_a_file_with_metadata_1_classifies() -> None:
    ranking = Classifier(V1 / "metadata.tflite")(np.zeros((8, 8), np.uint8))
    assert sum(share for _, share in Classifier(V1 / "metadata.tflite")(
        np.zeros((8, 8), np.uint8), top=10)) == pytest.approx(1)  # fmt: skip
    assert ranking[0][0].startswith("digit ")


def test_expected_1() -> None:
    found = expected.read(V1 / "expected.npz")
    assert found.inputs.shape[1:] == (8, 8, 1) and found.outputs.shape[1] == 10
    assert len(found.inputs) == len(found.labels) and len(found.model_sha256) == 64
    assert found.tolerance > 0 and found.class_names[3] == "3"


def test_config_1() -> None:
    found = TrainConfig.read(V1 / "config.json")
    assert (found.head, found.data, found.epochs, found.seed) == ("dense", "digits", 2, 7)
    assert TrainConfig.from_json(found.to_json()) == found


def test_state_1() -> None:
    found = State.read(V1 / "checkpoint.npz")
    assert (found.epoch, found.batch, found.best_epoch) == (1, 3, 1)
    assert found.rows[0]["val_accuracy"] == 0.5
    np.testing.assert_array_equal(found.arrays["optimizer"][1], np.arange(6).reshape(2, 3) + 1)


def test_result_1() -> None:
    found = results.read_result(V1 / "result.json")
    assert found["format_version"] == results.FORMAT_VERSION
    assert found["models"][0]["latency"]["samples_us"] and found["tool"]["commit"] is None


def test_result_2() -> None:
    found = results.read_result(FORMATS / "v2/result.json")
    assert found == json.loads((FORMATS / "v2/result.json").read_text("utf-8"))
    assert found["models"][2]["valid"] and found["ratios"][0]["blocks"] >= 1


def test_summary_1() -> None:
    found = results.read_summary(V1 / "summary.json")
    assert (found["head"], found["binary_parameters"]) == ("xnodr", 20480)


def test_a_newer_summary_or_card_is_said_to_be_one(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("summary.json", "card.json"):
        (tmp_path / "net").mkdir(exist_ok=True)
        text = (V1 / name).read_text().replace('"format_version": 1', '"format_version": 7')
        (tmp_path / "net" / name).write_text(text)
    with pytest.raises(ResultError, match="expected format_version 1. Received: 7; a newer xncaps"):
        results.read_summary(tmp_path / "net/summary.json")
    monkeypatch.setattr(xncaps_zoo, "_PLACES", (tmp_path,))
    with pytest.raises(ValueError, match="expected format_version 1. Received: 7; an xncaps-zoo"):
        xncaps_zoo.card("net")


def test_metadata_2() -> None:
    found = metadata.read((V2 / "metadata.tflite").read_bytes())
    assert found is not None and found.scores == ScoreScale("logits", 2.5, 0.4)
    assert found.class_names[9] == "digit 9" and found.origin["format_version"] == 2
    ranking = Classifier(V2 / "metadata.tflite")(np.zeros((8, 8), np.uint8))
    assert ranking[0][0].startswith("digit ")


def test_expected_2() -> None:
    found, before = expected.read(V2 / "expected.npz"), expected.read(V1 / "expected.npz")
    np.testing.assert_array_equal(found.inputs, before.inputs[:10])
    assert found.class_names == before.class_names and found.allowed == 1


def test_teachers_answers_1() -> None:
    np.testing.assert_array_equal(
        distillation.kept_answers(V1 / "teacher.npz", 3), [[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]]
    )


def test_experiments_1() -> None:
    found = experiments.read_all(V1 / "experiments")
    assert (found["taught"].teacher, found["tiny"].seeds) == ("tiny", (0, 1))


def test_experiments_result_1() -> None:
    [found] = result_lines.read(V1 / "results.jsonl")
    assert (found["experiment"], found["seed"]) == ("grocery-tuned128-dense", 0)
    assert found["keras"]["score"]["images"] == 2485


def test_card_1() -> None:
    schema = resources.files("xncaps.zoo_making").joinpath("card.schema.json").read_text()
    jsonschema.validate(json.loads((V1 / "card.json").read_text()), json.loads(schema))


def test_no_specimen_is_left_over() -> None:
    """One a format: a file that no test above reads would be trusted for nothing."""
    both = {"metadata.tflite", "expected.npz", "result.json"}
    once = {"config.json", "checkpoint.npz", "summary.json", "teacher.npz", "results.jsonl"}
    assert {path.name for path in V1.iterdir()} == both | once | {"card.json", "experiments"}
    assert {path.name for path in V2.iterdir()} == both


def test_every_version_has_a_specimen() -> None:
    """A format with a new version and no specimen of it fails here."""
    newest = {
        expected: 2,
        metadata: 2,
        results: 2,
        config_module: 1,
        state: 1,
        distillation: 1,
        experiments: 1,
        result_lines: 1,
    }
    assert {module: module.FORMAT_VERSION for module in newest} == newest


def _newer(source: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The specimen with a version that nobody has written yet."""
    path = folder / source.name
    if source.suffix in (".json", ".jsonl"):
        path.write_text(json.dumps({**json.loads(source.read_text()), "format_version": 99}))
    elif source.name == "checkpoint.npz":
        with np.load(source) as stored:
            arrays = dict(stored)
        about = {**json.loads(arrays["about"].tobytes()), "format_version": 99}
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]
    else:
        shutil.copyfile(source, path)
    return path


@pytest.mark.parametrize(
    ("name", "read", "error", "message"),
    [
        ("config.json", TrainConfig.read, TrainingError, "format_version 1. Received: 99; a newer"),
        ("checkpoint.npz", State.read, TrainingError, "format_version 1. Received: 99; a newer"),
        ("result.json", results.read_result, ResultError, "1 to 2. Received: 99; a newer"),
        ("summary.json", results.read_summary, ResultError, "format_version"),
        ("results.jsonl", result_lines.read, DataError, "format_version 1. Received: 99; a newer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_versions_of_the_future_are_refused(
    tmp_path: pathlib.Path, name: str, read: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(_newer(V1 / name, tmp_path))
