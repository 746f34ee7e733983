"""`xncaps evaluate` on files and run folders."""

from __future__ import annotations

import io
import json
import pathlib

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from xncaps.commands.evaluate import evaluate
from xncaps_tf import data, models
from xncaps_tf.data.catalogue import CIFAR10_CLASSES
from xncaps_tf.errors import DataError, TrainingError
from xncaps_tf.training import TrainConfig


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder as a run leaves it, with a model that was not trained."""
    folder = tmp_path_factory.mktemp("run")
    names = data.load("digits", "test").class_names
    model = models.build("small_cnn", "capsfc", (8, 8, 1), 10, class_names=names, seed=1)
    model.save(folder / "best.keras")
    (folder / "config.json").write_text(TrainConfig().resolved().to_json())
    return folder


def test_json_of_a_run_folder(run: pathlib.Path) -> None:
    import xncaps_tf

    result = CliRunner().invoke(evaluate, [str(run), "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    found = json.loads(result.output)
    images, labels = data.load("digits", "test").numpy()
    model = xncaps_tf.load_model(run / "best.keras")
    guesses = model.predict(images.astype(np.float32), verbose=0).argmax(axis=1)
    assert found["accuracy"] == pytest.approx(np.mean(guesses == labels))
    assert found["images"] == len(labels) and found["data"] == "digits"
    assert np.sum(found["confusion"], axis=1).tolist() == np.bincount(labels).tolist()
    assert found["per_class"]["4"] == pytest.approx(np.mean(guesses[labels == 4] == 4))


def test_text_of_a_file_in_a_run_folder(run: pathlib.Path) -> None:
    result = CliRunner().invoke(evaluate, [str(run / "best.keras"), "--split", "train"])
    assert result.exit_code == 0
    assert "on digits (train, 1433 images): 0." in result.output
    assert len(result.output.splitlines()) >= 11


def test_images_that_are_a_copy_are_said_to_be_one(tmp_path: pathlib.Path) -> None:
    """CIFAR-10 packed as JPEG: beside its accuracy, for people and programs."""
    model = models.build("small_cnn", "dense", (32, 32, 3), 10, class_names=CIFAR10_CLASSES, seed=1)
    model.save(tmp_path / "m.keras")
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), (90, 90, 200)).save(stream, "JPEG")
    jpeg = np.frombuffer(stream.getvalue(), np.uint8)
    names, offsets = np.array(CIFAR10_CLASSES), np.array([0, len(jpeg)], np.uint32)
    packed = {"jpeg": jpeg, "offsets": offsets, "labels": np.array([0], np.uint8), "names": names}
    np.savez(tmp_path / "test.npz", **packed)
    words = [str(tmp_path / "m.keras"), "--data", "cifar10", "--data-dir", str(tmp_path)]
    result = CliRunner().invoke(evaluate, words, catch_exceptions=False)
    assert "on cifar10 (JPEG copy) (test, 1 images): " in result.output
    result = CliRunner().invoke(evaluate, [*words, "--json"], catch_exceptions=False)
    assert json.loads(result.stdout)["title"] == "cifar10 (JPEG copy)"


def test_a_model_elsewhere_needs_data(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    copy = tmp_path / "m.keras"
    copy.write_bytes((run / "best.keras").read_bytes())
    result = CliRunner().invoke(evaluate, [str(copy)])
    assert result.exit_code == 2 and "--data" in result.output
    assert CliRunner().invoke(evaluate, [str(copy), "--data", "digits"]).exit_code == 0


def test_other_images_than_the_models(run: pathlib.Path) -> None:
    with pytest.raises((TrainingError, DataError), match="fashion_mnist|images"):
        CliRunner().invoke(evaluate, [str(run), "--data", "fashion_mnist"], catch_exceptions=False)


def test_a_run_without_a_model(tmp_path: pathlib.Path) -> None:
    (tmp_path / "config.json").write_text(TrainConfig().to_json())
    with pytest.raises(DataError, match="has not finished its first epoch"):
        CliRunner().invoke(evaluate, [str(tmp_path)], catch_exceptions=False)
