"""The samples that files are checked on: rows as the model takes them, few of them in memory."""

from __future__ import annotations

import pathlib
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from xncaps_converters import samples
from xncaps_converters.interpreters import in_batches
from xncaps_tf import data
from xncaps_tf._keras import keras

SIDE, COUNT = 64, 400


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Two classes, test pictures alone; all but two are the same file by other names."""
    folder = tmp_path_factory.mktemp("photographs")
    for label, name in enumerate("ab"):
        for split in ("train", "test"):
            place = folder / split / name
            place.mkdir(parents=True)
            Image.new("RGB", (SIDE, SIDE), (label * 90, 50, 7)).save(place / "0.png")
        for number in range(1, COUNT // 2):
            (place / f"{number}.png").hardlink_to(place / "0.png")
    return folder


@pytest.fixture(scope="module")
def model() -> keras.Model:
    image = keras.Input((SIDE, SIDE, 3))
    return keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))


def test_rows_are_those_of_the_data_set(photographs: pathlib.Path, model: keras.Model) -> None:
    chosen = samples.from_data(model, "folder", photographs)
    assert chosen.whole and len(chosen) == COUNT and chosen.holds_pixels
    assert chosen.inputs.shape == (COUNT, SIDE, SIDE, 3)
    assert chosen.labels is not None
    rows = chosen.inputs[[5, 1, 399]]
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[:, 0, 0, 0], chosen.labels[[5, 1, 399]] * 90)


def test_what_is_no_byte_is_no_pixel(model: keras.Model) -> None:
    images = np.zeros((130, SIDE, SIDE, 3), np.float32)
    assert samples.Samples(images, None, "made").holds_pixels
    for value in (0.5, 256, -1):
        images[129, 1, 1, 1] = value
        assert not samples.Samples(images, None, "made").holds_pixels
    ds = data.Dataset("own", "test", ("a",), data.ArrayImages(images), np.zeros(130, np.int64))
    assert not samples.Samples(samples.DatasetInputs(ds), None, "made").holds_pixels


def test_a_whole_split_is_never_in_memory_as_floats(
    photographs: pathlib.Path, model: keras.Model
) -> None:
    """As floats it is 20 MB; what the data set keeps of it, as bytes, is 5."""
    samples.from_data(model, "folder", photographs, 4).inputs[:]  # the pool, Pillow's own start
    tracemalloc.start()
    chosen = samples.from_data(model, "folder", photographs)
    outputs = in_batches((lambda chunk: chunk.mean(axis=(1, 2)), 8), chosen.inputs)
    assert chosen.holds_pixels and outputs.shape == (COUNT, 3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    pixels = COUNT * SIDE * SIDE * 3
    assert pixels < peak < pixels + 4 * 2**20
