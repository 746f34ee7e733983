"""A photograph has one answer: in `evaluate`, in the runtime and as the app prepares it."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_sample_images

from tests.android.test_golden import (
    make as make,
)  # the fixture: Pillow and NumPy for the app's Java
from xncaps.main import cli
from xncaps_files import pictures as picture_files
from xncaps_runtime import Classifier
from xncaps_tf import data
from xncaps_tf._keras import keras
from xncaps_tf.data.picture_files import FileImages
from xncaps_tf.layers import ClassScores

SHAPE = (40, 32, 3)
NAMES = tuple("abcdefgh")


def tops(
    model: Any, file: pathlib.Path, paths: Sequence[pathlib.Path], make: Any
) -> dict[str, list[str]]:
    """The highest class of each picture, by each of the three ways to it.

    The app's is that of `make.preprocess`, which the app's Java equals (tests/golden/android); a
    phone hands it pictures that are upright already.
    """
    shape = tuple(model.input_shape[1:])
    names = next(m.class_names for m in reversed(model.layers) if isinstance(m, ClassScores))
    ds = data.Dataset(
        "own", "test", names, FileImages(paths, shape), np.zeros(len(paths), np.int64)
    )
    scores = model.predict(data.batches(ds, 10), verbose=0)  # as `evaluate` does
    upright = [np.asarray(picture_files.load(path).convert("RGB")) for path in paths]
    prepared = np.stack([make.preprocess(image, 0, {"shape": list(shape)}) for image in upright])
    classifier = Classifier(file)
    return {
        "evaluate": [names[index] for index in scores.argmax(axis=1)],
        "runtime": [ranking[0][0] for ranking in classifier(paths, top=1)],
        "app": [names[i] for i in model.predict(prepared, verbose=0).argmax(axis=1)],
    }


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[pathlib.Path]:
    """50 parts of scikit-learn's two photographs, of many sizes, some lying on their sides."""
    folder = tmp_path_factory.mktemp("photographs")
    generator = np.random.default_rng(1)
    paths = []
    for number in range(50):
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


def test_fifty_photographs_have_the_same_top_1(
    pictures: list[pathlib.Path], make: Any, tmp_path: pathlib.Path
) -> None:
    image = keras.Input(SHAPE)
    # As every network for photographs it does not hang on half a pixel: `evaluate` cuts a picture
    # to the aspect at fractions of a pixel, the runtime and the app at whole ones.
    pooled = keras.layers.Flatten()(keras.layers.AveragePooling2D(8)(image))
    scores = keras.layers.Dense(8, name="classes")(pooled)
    model = keras.Model(image, ClassScores(NAMES)(scores))
    kernel = np.random.default_rng(2).normal(size=(pooled.shape[1], 8))
    kernel -= kernel.mean(axis=0)  # so that shapes count, not the light
    model.get_layer("classes").set_weights([kernel / 1000, np.zeros(8)])
    model.save(tmp_path / "m.keras")
    command = [str(tmp_path / "m.keras"), "--to", "float", "--no-verify"]
    result = CliRunner().invoke(cli, ["convert", *command, "-o", str(tmp_path / "m.tflite")])
    assert result.exit_code == 0, result.output
    found = tops(model, tmp_path / "m.tflite", pictures, make)
    assert len(set(found["evaluate"])) >= 6
    assert found["runtime"] == found["evaluate"] and found["app"] == found["evaluate"]
