"""`xncaps bench --accuracy NAME`: a data set of the toolkit, given to the benchmark as a file."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest
from click.testing import CliRunner

import drawn_grocery
from xncaps.commands import bench as command
from xncaps.main import cli
from xncaps_benchmark.errors import BenchmarkError
from xncaps_runtime import Classifier
from xncaps_tf import data

MODEL = pathlib.Path(__file__).resolve().parents[1] / "golden/android/tiny_float.tflite"
FAST = ["--runs", "16", "--seconds", "2", "--warm-up", "0.01"]


@pytest.mark.parametrize("where", ["nothing in the way", "a folder of that name"])
def test_a_data_set_by_name_is_scored(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.chdir(tmp_path)
    more = []
    if where.startswith("a folder"):
        (tmp_path / "digits").mkdir()
        more = ["--data-dir", "digits"]
    arguments = ["bench", str(MODEL), "--accuracy", "digits", *more, *FAST, "-o", "r.json"]
    ran = CliRunner().invoke(cli, arguments)
    assert ran.exit_code == 0, ran.output
    (entry,) = json.loads((tmp_path / "r.json").read_text())["models"]
    ds = data.load("digits", "test")
    assert entry["accuracy"]["rows"] == len(ds) and entry["accuracy"]["source"] == "digits test"
    assert entry["accuracy"]["class_names"] == list(ds.class_names)
    assert entry["accuracy"]["correct"] > 0.9 * len(ds)
    from xncaps_runtime import Interpreter

    interpreter = Interpreter(str(MODEL))
    interpreter.allocate_tensors()
    found = []
    for image in ds.numpy()[0]:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
        interpreter.invoke()
        scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        found.append(int(np.argmax(scores)))
    assert entry["predictions"] == found


def test_photographs_are_decoded_at_the_files_size(tmp_path: pathlib.Path) -> None:
    """The digits' model takes 8x8x1; loaded without a size, drawn groceries would be 224x224x3."""
    drawn_grocery.write(tmp_path)
    out = tmp_path / "r.json"
    arguments = ["bench", str(MODEL), "--accuracy", "grocery", "--data-dir", str(tmp_path)]
    ran = CliRunner().invoke(cli, [*arguments, *FAST, "-o", str(out)])
    assert ran.exit_code == 0, ran.output
    (entry,) = json.loads(out.read_text())["models"]
    assert entry["accuracy"]["rows"] == 3 and entry["accuracy"]["source"] == "grocery test"
    model = Classifier(MODEL, invert=False)
    ds = data.load("grocery", "test", tmp_path, image_shape=model.shape)
    assert entry["predictions"] == model.outputs(ds.numpy()[0]).argmax(axis=1).tolist()


def test_files_of_two_sizes_cannot_score_the_same_photographs(tmp_path: pathlib.Path) -> None:
    drawn_grocery.write(tmp_path)
    arguments = ["bench", str(MODEL), "zoo:mnist-cnn-xnodr", "--accuracy", "grocery"]
    ran = CliRunner().invoke(cli, [*arguments, "--data-dir", str(tmp_path), *FAST])
    assert ran.exit_code == 1 and isinstance(ran.exception, BenchmarkError)
    assert "--accuracy: expected files with one and the same input" in str(ran.exception)


def test_paths_go_through_as_they_are(tmp_path: pathlib.Path) -> None:
    images, labels = data.load("digits", "test").subset(slice(10)).numpy()
    np.savez(tmp_path / "mine.npz", inputs=images, labels=labels)
    out = tmp_path / "r.json"
    arguments = ["bench", str(MODEL), "--accuracy", str(tmp_path / "mine.npz"), "-o", str(out)]
    ran = CliRunner().invoke(cli, [*arguments, *FAST])
    assert ran.exit_code == 0, ran.output
    (entry,) = json.loads(out.read_text())["models"]
    assert entry["accuracy"]["rows"] == 10 and entry["accuracy"]["source"] == "mine.npz"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--accuracy", "imagenet"], "one of digits, mnist"),
        (["--data-dir", "."], "--data-dir goes with --accuracy"),
    ],
    ids=["unknown", "data-dir alone"],
)
def test_wrong_data_is_a_usage_error(arguments: list[str], said: str) -> None:
    ran = CliRunner().invoke(cli, ["bench", str(MODEL), *arguments])
    assert ran.exit_code == 2 and said in " ".join(ran.output.split())


def test_every_option_of_the_plain_command_is_there() -> None:
    from xncaps_benchmark.cli import bench as plain

    ours = {parameter.name for parameter in command.bench.params}
    assert {parameter.name for parameter in plain.params} | {"data_dir", "split"} == ours


def test_a_file_of_the_zoo_by_name(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import xncaps_zoo

    folder = tmp_path / "zoo" / "tiny"
    folder.mkdir(parents=True)
    (folder / "card.json").write_text("{}")
    (folder / "tiny.tflite").write_bytes(MODEL.read_bytes())
    monkeypatch.setattr(xncaps_zoo, "_PLACES", (folder.parent,))
    out = tmp_path / "r.json"
    ran = CliRunner().invoke(cli, ["bench", "zoo:tiny", *FAST, "-o", str(out)])
    assert ran.exit_code == 0, ran.output
    assert json.loads(out.read_text())["models"][0]["name"].startswith("tiny")
    ran = CliRunner().invoke(cli, ["bench", "zoo:../tiny", *FAST])
    assert ran.exit_code == 2 and "name of a trained model" in ran.output
