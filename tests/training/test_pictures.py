"""Training on photographs: the hold-out, the size, broken pictures, resuming."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import drawn_grocery
from compared_runs import assert_same_run, resumed
from xncaps.commands.evaluate import evaluate
from xncaps_converters.samples import from_data
from xncaps_tf import data, load_model, training
from xncaps_tf.errors import DataError, TrainingError
from xncaps_tf.training import TrainConfig

SPLITS = {"train": [0, 1, 2] * 6, "val": [2, 0, 1, 2, 0], "test": [1, 2, 0, 1]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("pictures")
    drawn_grocery.write(folder, SPLITS, noise=30)
    training.run(_config(folder), folder / "run")
    return folder / "run"


def _config(folder: pathlib.Path) -> TrainConfig:
    return TrainConfig(
        head="dense",
        data="grocery",
        data_dir=str(folder),
        image_size=16,
        batch_size=6,
        epochs=2,
        threads=2,
        save_steps=1,
    )


def test_the_published_validation_split_is_the_hold_out(run: pathlib.Path) -> None:
    model = load_model(run / "best.keras")
    assert model.input_shape == (None, 16, 16, 3)
    held = data.load("grocery", "validation", run.parent, image_shape=(16, 16, 3))
    rows = (run / "metrics.csv").read_text().splitlines()
    last = dict(zip(rows[0].split(","), rows[-1].split(","), strict=True))
    found = training.evaluate(load_model(run / "last.keras"), held)
    assert found.images == 5 and float(last["val_accuracy"]) == pytest.approx(found.accuracy)
    assert int(last["step"]) == 2 * 3  # all 18 training pictures


def test_a_run_of_photographs_resumes_bit_for_bit(
    run: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    again = resumed(_config(run.parent), tmp_path / "again", 2 * 3 - 1)
    assert_same_run(run, again)


def test_a_run_of_augmented_photographs_resumes_bit_for_bit(tmp_path: pathlib.Path) -> None:
    """Random parts, mirror images and light of pictures in a folder, drawn for each epoch anew."""
    photos, generator = tmp_path / "photos", np.random.default_rng(7)
    for split, count in (("train", 6), ("test", 1)):
        for label, name in enumerate(("cat", "dog")):
            (photos / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(label * 60, 196 + label * 60, (30, 20 + number, 3))
                picture = Image.fromarray(pixels.astype(np.uint8))
                picture.save(photos / split / name / f"{number}.jpg")
    config = dataclasses.replace(
        _config(photos), data="folder", augment="photo", batch_size=4, validation=0.25
    )
    training.run(config, tmp_path / "whole")
    assert_same_run(tmp_path / "whole", resumed(config, tmp_path / "ended", 2))

    plain = dataclasses.replace(config, augment="none", epochs=1)
    first = training.run(plain, tmp_path / "plain").rows[0]
    augmented = json.loads((tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()[0])
    assert first["loss"] != augmented["loss"]


def test_a_broken_picture_is_named_before_the_first_step(
    run: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    for split in ("train", "val"):
        folder = tmp_path / split
        shutil.copytree(run.parent / "GroceryStoreDataset", folder)
        broken = next((folder / "dataset" / split).rglob("1.jpg"))
        broken.write_bytes(broken.read_bytes()[:300])
        with pytest.raises(DataError, match=r"1.jpg: expected a sound picture"):
            training.run(_config(folder), tmp_path / f"run-{split}")
        assert not (tmp_path / f"run-{split}" / "metrics.csv").exists()


def test_image_size_is_refused_where_the_data_have_one() -> None:
    with pytest.raises(TrainingError, match="expected image_size with one of grocery, .*'digits'"):
        TrainConfig(image_size=32)
    with pytest.raises(TrainingError, match="expected image_size to be an int of 8 or more"):
        TrainConfig(data="grocery", image_size=4)


def test_a_fine_tuned_model_decides_the_size(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    config = dataclasses.replace(
        _config(run.parent), image_size=None, epochs=1, init=str(run / "best.keras")
    )
    training.run(config, tmp_path / "tuned")
    assert load_model(tmp_path / "tuned" / "best.keras").input_shape == (None, 16, 16, 3)


def test_one_odd_picture_for_testing_spoils_nothing(tmp_path: pathlib.Path) -> None:
    """A folder whose test split has pictures of two sizes: the trained model's size is taken."""
    for split in ("train", "test"):
        for label, name in enumerate(("cat", "dog")):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(4):
                picture = Image.new("RGB", (16, 16), (label * 90, number * 20, 0))
                picture.save(tmp_path / split / name / f"{number}.png")
    Image.new("RGB", (31, 17)).save(tmp_path / "test" / "cat" / "odd.png")
    config = TrainConfig(
        head="dense", data="folder", data_dir=str(tmp_path), batch_size=4, epochs=1, threads=2
    )
    training.run(config, tmp_path.parent / "odd-run")
    run = str(tmp_path.parent / "odd-run")
    result = CliRunner().invoke(evaluate, [run], catch_exceptions=False)
    assert result.exit_code == 0 and "on folder (test, 9 images)" in result.output
    samples = from_data(load_model(f"{run}/best.keras"), "folder", tmp_path)
    assert samples.inputs.shape == (9, 16, 16, 3)
