"""What was written stays readable: every specimen of every version, by today's readers."""

from __future__ import annotations

import json
import pathlib
import shutil
from typing import Any

import numpy as np
import pytest

from xncaps_benchmark import results
from xncaps_benchmark.errors import ResultError
from xncaps_files import expected, metadata
from xncaps_files.scores import ScoreScale
from xncaps_runtime import Classifier
from xncaps_tf.errors import TrainingError
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.state import State

FORMATS = pathlib.Path(__file__).parent / "golden" / "formats"
V1 = FORMATS / "v1"


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


def test_no_specimen_is_left_over() -> None:
    """One a format: a file that no test above reads would be trusted for nothing."""
    read = {"metadata.tflite", "expected.npz", "config.json", "checkpoint.npz", "result.json"}
    assert {path.name for path in V1.iterdir()} == {*read, "summary.json"}
    assert {path.name for path in (FORMATS / "v2").iterdir()} == {"result.json"}


def _newer(source: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The specimen with a version that nobody has written yet."""
    path = folder / source.name
    if source.suffix == ".json":
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
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_versions_of_the_future_are_refused(
    tmp_path: pathlib.Path, name: str, read: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(_newer(V1 / name, tmp_path))
