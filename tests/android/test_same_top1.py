"""A photograph has one answer: by `xncaps evaluate`, in the runtime and as the app prepares it."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_images

import drawn_grocery
import xncaps_zoo
from tests.android.test_golden import (
    make as make,
)  # the fixture: Pillow and NumPy for the app's Java
from xncaps.main import cli
from xncaps_files import metadata
from xncaps_files import pictures as picture_files
from xncaps_files.preprocessing import Preprocessing
from xncaps_runtime import Classifier, Interpreter
from xncaps_runtime.classifier import as_image
from xncaps_tf import data
from xncaps_tf._keras import keras
from xncaps_tf.data.picture_files import FileImages
from xncaps_tf.layers import ClassScores
from xncaps_tf.training import TrainConfig

SHAPE = (40, 32, 3)
NAMES = tuple("abcdefgh")
COUNT = 50
TRAINED = "cifar10-quicknet-xnodr"
REPRODUCED = {"grocery-strong-xnodr": 1, "grocery-strong-capsfc": 2}  # answers that int8 changes
REAL = pathlib.Path(os.environ.get("XNCAPS_DATA_DIR") or "/nowhere", "grocery")
RUNS = pathlib.Path(__file__).resolve().parents[2] / "experiments_out"
GROCERIES = "grocery-lite0-xnodr-int8"


def upright(path: pathlib.Path) -> NDArray[np.uint8]:
    """A photograph as a phone hands it to the app, [height, width, 3]."""
    return np.asarray(picture_files.load(path).convert("RGB"))


def pixels(
    paths: Sequence[pathlib.Path], shape: tuple[int, int, int], make: Any
) -> dict[str, NDArray[np.float32]]:
    """What a network gets of the pictures, float32 [n, H, W, C], by each of the three ways to it.

    The app's is that of `make.preprocess`, which the app's Java equals (tests/golden/android).
    """
    ds = data.Dataset("own", "test", NAMES, FileImages(paths, shape), np.zeros(len(paths), int))
    prepared = [make.preprocess(upright(path), 0, {"shape": list(shape)}) for path in paths]
    return {
        "evaluate": np.concatenate([images.numpy() for images, _ in data.batches(ds, 10)]),
        "runtime": np.stack([Preprocessing().apply(as_image(path), shape) for path in paths]),
        "app": np.stack(prepared),
    }


def outputs(file: pathlib.Path, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """A file's outputs [n, classes] of inputs that are prepared, as the app runs it."""
    interpreter = Interpreter(file)
    interpreter.allocate_tensors()
    (takes,), (gives,) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for each in inputs:
        interpreter.set_tensor(takes["index"], each[np.newaxis])
        interpreter.invoke()
        found.append(interpreter.get_tensor(gives["index"])[0].copy())
    return np.stack(found)


def share_that_evaluate_agrees_with(
    model: pathlib.Path,
    paths: Sequence[pathlib.Path],
    tops: Sequence[int],
    names: Sequence[str],
    folder: pathlib.Path,
) -> float:
    """What `xncaps evaluate` has right of photographs whose classes are said to be `tops`.

    They lie as the Grocery Store data set does; 1 means that each answer is that of `tops`.
    """
    place = folder / "dataset"
    (place / "test").mkdir(parents=True)
    with open(place / "classes.csv", "w", encoding="utf-8", newline="") as stream:
        stream.write(f"{drawn_grocery.HEAD}\n")
        rows = ([name, number, name, number, "/a", "/b"] for number, name in enumerate(names))
        csv.writer(stream).writerows(rows)
    lines = list[str]()
    for number, (path, top) in enumerate(zip(paths, tops, strict=True)):
        shutil.copyfile(path, place / "test" / f"{number:02}.jpg")
        lines.append(f"test/{number:02}.jpg, {top}, {top}\n")
    (place / "test.txt").write_text("".join(lines), encoding="utf-8")
    command = ["evaluate", str(model), "--data", "grocery", "--data-dir", str(folder), "--json"]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["images"] == len(paths)
    return found["accuracy"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[pathlib.Path]:
    """50 photographs of the Grocery Store data set's test split where XNCAPS_DATA_DIR has it."""
    if REAL.is_dir():
        found = sorted((REAL / "dataset" / "test").rglob("*.jpg"))
        assert len(found) >= COUNT
        return found[:: len(found) // COUNT][:COUNT]
    return _drawn(tmp_path_factory.mktemp("photographs"))


def _drawn(folder: pathlib.Path) -> list[pathlib.Path]:
    """50 parts of scikit-learn's two photographs, of many sizes, some lying on their sides."""
    generator = np.random.default_rng(1)
    paths = []
    for number in range(COUNT):
        whole = Image.fromarray(load_sample_images()["images"][number % 2])
        width, height = generator.integers(200, 420, 2)
        left = generator.integers(0, whole.width - width)
        top = generator.integers(0, whole.height - height)
        part = whole.crop((left, top, left + width, top + height))
        exif = Image.Exif()
        exif[0x0112] = (1, 3, 6, 8)[number % 4]
        paths.append(folder / f"{number:02}.jpg")
        part.save(paths[-1], exif=exif, quality=90)
    return paths


def _trained() -> dict[str, tuple[pathlib.Path, pathlib.Path, int]]:
    """Keras models of photographs, their files, and how many answers of 50 rounding may change.

    One of the zoo's that has its model beside it; and the groceries' own, whose models are too
    large to be there, where `xncaps reproduce` has made them in this clone, on photographs of such:
    of what is none, its answers are near ties, of which rounding changes more.
    """
    file = xncaps_zoo.path(TRAINED)
    found = {TRAINED: (file.with_suffix(".keras"), file, 0)}
    for name, of_int8 in REPRODUCED.items():
        if REAL.is_dir() and (made := RUNS / name / "seed-0").is_dir():
            model = made / "run" / "best.keras"
            for path in sorted(made.glob("*.tflite")):
                found[path.stem] = model, path, of_int8 if "int8" in path.stem else 0
    return found


@pytest.mark.parametrize(("model", "file", "rounded"), _trained().values(), ids=_trained())
def test_fifty_photographs_have_the_same_top_1_by_a_trained_network(
    model: pathlib.Path,
    file: pathlib.Path,
    rounded: int,
    pictures: list[pathlib.Path],
    make: Any,
    tmp_path: pathlib.Path,
) -> None:
    _check_same(model, file, pictures, make, tmp_path, rounded=rounded)


def test_fifty_photographs_have_the_same_top_1_by_every_single_pixel(
    pictures: list[pathlib.Path], make: Any, tmp_path: pathlib.Path
) -> None:
    """A network that forgives no pixel, of another aspect than the pictures."""
    image = keras.Input(SHAPE)
    scores = keras.layers.Dense(8, name="classes")(keras.layers.Flatten()(image))
    model = keras.Model(image, ClassScores(NAMES)(scores))
    kernel = np.random.default_rng(2).normal(size=(int(np.prod(SHAPE)), 8))
    kernel -= kernel.mean(axis=0)  # so that shapes count, not the light
    model.get_layer("classes").set_weights([kernel / 1000, np.zeros(8)])
    model.save(tmp_path / "m.keras")
    command = [str(tmp_path / "m.keras"), "--to", "float", "--no-verify"]
    result = CliRunner().invoke(cli, ["convert", *command, "-o", str(tmp_path / "m.tflite")])
    assert result.exit_code == 0, result.output
    _check_same(tmp_path / "m.keras", tmp_path / "m.tflite", pictures, make, tmp_path)


def _check_same(
    model: pathlib.Path,
    file: pathlib.Path,
    pictures: list[pathlib.Path],
    make: Any,
    folder: pathlib.Path,
    *,
    rounded: int = 0,
) -> None:
    classifier = Classifier(file)
    tops = [ranking.classes[0] for ranking in classifier(pictures, top=1)]
    assert len(set(tops)) >= 6, "a network of few answers shows nothing"
    spec = {"shape": list(classifier.shape)}
    prepared = np.stack([make.preprocess(upright(path), 0, spec) for path in pictures])
    assert outputs(file, prepared).argmax(axis=1).tolist() == tops
    agreed = share_that_evaluate_agrees_with(model, pictures, tops, classifier.names, folder)
    assert round(COUNT * agreed) >= COUNT - rounded


def test_the_zoos_groceries_get_the_same_pixels_and_answers(
    pictures: list[pathlib.Path], make: Any
) -> None:
    """On drawn parts of photographs, or on 50 real ones: `XNCAPS_DATA_DIR=FOLDER pytest ...`."""
    classifier = Classifier(GROCERIES)
    given = pixels(pictures, classifier.shape, make)
    np.testing.assert_array_equal(given["runtime"], given["evaluate"])
    np.testing.assert_array_equal(given["app"], given["evaluate"])
    by_path = classifier.outputs(pictures)
    np.testing.assert_array_equal(by_path, outputs(xncaps_zoo.path(GROCERIES), given["app"]))
    assert len(set(by_path.argmax(axis=1).tolist())) >= 6


@pytest.mark.parametrize(("name", "shape"), [("digits", (8, 8, 1)), ("cifar10", (32, 32, 3))])
def test_dark_ink_is_inverted_or_not_by_one_rule(
    name: str, shape: tuple[int, int, int], make: Any, tmp_path: pathlib.Path
) -> None:
    """The same strokes on paper by a run, by its file and as the app prepares them.

    The app inverts where the file's polarity is light_on_dark, and only there (ModelReaderTest).
    """
    image = keras.Input(shape)
    scores = keras.layers.Dense(8, "softmax", name="classes")(keras.layers.Flatten()(image))
    model = keras.Model(image, ClassScores(NAMES)(scores))
    kernel = np.random.default_rng(3).normal(size=(int(np.prod(shape)), 8)) / 1000
    model.get_layer("classes").set_weights([kernel, np.zeros(8)])
    run, file = tmp_path / "run", tmp_path / "m.tflite"
    run.mkdir()
    model.save(run / "best.keras")
    (run / "config.json").write_text(TrainConfig(data=name).to_json())
    command = [str(run / "best.keras"), "--to", "float", "--no-verify", "-o", str(file)]
    assert CliRunner().invoke(cli, ["convert", *command], catch_exceptions=False).exit_code == 0
    paths = []
    for number in range(4):
        page = Image.new("RGB", (90, 70), (250, 246, 240))
        ImageDraw.Draw(page).line((20 + 9 * number, 5, 60, 60 - 9 * number), (30, 30, 60), 7)
        paths.append(tmp_path / f"{number}.png")
        page.save(paths[-1])

    ran = CliRunner().invoke(cli, ["predict", str(run), *map(str, paths), "--json", "--top", "8"])
    assert ran.exit_code == 0, ran.output
    rows = [json.loads(line)["top"] for line in ran.output.splitlines()]
    by_run = [{entry["class"]: entry["score"] for entry in row} for row in rows]
    by_file = [dict(ranking) for ranking in Classifier(file)(paths, top=8)]
    about = metadata.read(file.read_bytes())
    assert about is not None
    inverts = about.origin["input"]["polarity"] == "light_on_dark"
    assert inverts == (name == "digits")
    prepared = [
        make.preprocess(np.asarray(Image.open(path)), 0, {"shape": list(shape), "invert": inverts})
        for path in paths
    ]
    by_app = [
        dict(zip(NAMES, row, strict=True)) for row in model.predict(np.stack(prepared), verbose=0)
    ]
    for first, second, third in zip(by_run, by_file, by_app, strict=True):
        assert first == pytest.approx(second, abs=1e-5)  # 3,072 products of float32
        assert first == pytest.approx(third, abs=1e-5)
