"""Photographs that are decoded when they are asked for."""

from __future__ import annotations

import itertools
import os
import pathlib
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from xncaps_files import pictures
from xncaps_tf import data
from xncaps_tf._keras import tf
from xncaps_tf.data.picture_files import FileImages
from xncaps_tf.errors import DataError

SHAPE = (20, 24, 3)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[pathlib.Path]:
    """Noise in all that changes how pixels come out: size, mode, format, orientation."""
    folder = tmp_path_factory.mktemp("photographs")
    generator = np.random.default_rng(0)
    found = []
    for number, (side, mode) in enumerate(((61, "RGB"), (24, "L"), (90, "RGB"), (33, "RGBA"))):
        shape = (side, side + 7) if mode == "L" else (side, side + 7, len(mode))
        picture = Image.fromarray(generator.integers(0, 256, shape, np.uint8), mode)
        path = folder / f"{number}.{'png' if mode == 'RGBA' else 'jpg'}"
        exif = Image.Exif()
        exif[0x0112] = 6 if number == 0 else 1  # lies on its side
        picture.save(path, exif=exif)
        found.append(path)
    return found


@pytest.mark.parametrize("kept", [0, 2 * 20 * 24 * 3, 2**20])
def test_pixels_are_those_of_decode(paths: list[pathlib.Path], kept: int) -> None:
    found = FileImages(paths, SHAPE, kept_bytes=kept)
    expected = np.stack([pictures.decode(path, SHAPE) for path in paths])
    assert len(found) == 4 and found.shape == SHAPE
    order = np.array([3, 0, 2, 2, 1])
    for _ in range(2):  # decoded, then perhaps kept
        np.testing.assert_array_equal(found.numpy(order), expected[order])
        gathered = found.gather(tf.constant(order))
        assert gathered.dtype == tf.float32
        np.testing.assert_array_equal(gathered, expected[order])


def _dataset(paths: list[pathlib.Path], kept: int = 2**20) -> data.Dataset:
    return data.Dataset(
        name="own",
        split="train",
        class_names=("a", "b"),
        images=FileImages(paths, SHAPE, kept_bytes=kept),
        labels=np.arange(len(paths)) % 2,
    )


def test_batches_do_not_depend_on_what_is_kept(paths: list[pathlib.Path]) -> None:
    many = [paths[i % 4] for i in range(22)]
    runs = [
        list(data.batches(_dataset(many, kept), 5, seed=3, epochs=2, augment="shift"))
        for kept in (0, 5000, 2**20)
    ]
    for other in runs[1:]:
        for (a, a_label), (b, b_label) in zip(runs[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(a_label, b_label)


def test_no_more_is_kept_than_allowed(paths: list[pathlib.Path]) -> None:
    found = FileImages(paths, SHAPE, kept_bytes=2 * 20 * 24 * 3 + 5)
    found.numpy(np.arange(4))
    kept = found._kept  # what this test is about has no public face
    assert sum(array.nbytes for array in kept.values()) == 2 * 20 * 24 * 3


def test_the_first_broken_picture_is_named(
    paths: list[pathlib.Path], tmp_path: pathlib.Path
) -> None:
    broken = []
    for number in range(2):
        broken.append(tmp_path / f"broken{number}.jpg")
        broken[-1].write_bytes(paths[2].read_bytes()[: 400 + number])
    ds = _dataset([*paths, *broken, *paths])
    with pytest.raises(DataError, match="broken0.jpg: expected a sound picture") as checked:
        ds.check()
    assert "\n" not in str(checked.value)
    ds.subset([0, 1, 2, 3, 6]).check()
    with pytest.raises(DataError, match=r"broken\d.jpg: expected a sound picture"), ds.reading():
        list(data.batches(ds, 3))


def test_other_errors_pass_through_reading(paths: list[pathlib.Path]) -> None:
    ds = _dataset(paths)
    with pytest.raises(tf.errors.InvalidArgumentError), ds.reading():
        tf.reshape(tf.zeros([3]), [2])


_EPOCH = """
import pathlib, sys
from xncaps_tf import data

def status(key):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key))

ds = data.load("folder", "train", sys.argv[1], image_shape=(512, 512, 3))
list(data.batches(ds.subset([0, 1, 2, 3]), 2, seed=0, augment="shift"))  # TensorFlow's own start
before = status("VmRSS")
ds.check()
seen = sum(len(labels) for _, labels in data.batches(ds, 4, seed=0, augment="shift"))
print(seen, status("VmHWM") - before)
"""


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: pathlib.Path) -> None:
    """800 pictures of 0.8 MB decoded are 629 MB; what is kept is at most 256 MB."""
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        picture = Image.fromarray(pixels).resize((1200, 900), Image.Resampling.BILINEAR)
        picture.save(tmp_path / name / "0.jpg")
        for number in range(1, 500):  # the same file by other names
            (tmp_path / name / f"{number}.jpg").hardlink_to(tmp_path / name / "0.jpg")
    done = subprocess.run(
        [sys.executable, "-c", _EPOCH, str(tmp_path)], capture_output=True, text=True, check=True
    )
    seen, grown = done.stdout.split()
    assert int(seen) == 800
    # Beside what is kept: batches of 4 (13 MB as float32) on their way, one picture a core.
    assert float(grown) < 256 + 150


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_many_pictures_cost_their_names_alone(tmp_path: pathlib.Path, count: int) -> None:
    """At 224x224 a hundred thousand would be 15 GB, here and on the disk; 34 MB were measured."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        first = tmp_path / name / "0.png"
        Image.new("RGB", (20, 30)).save(first)
        for number in range(1, count // 2):  # a file system allows 65,000 names of a file
            os.link(first, tmp_path / name / f"{number}.png")
    tracemalloc.start()
    ds = data.load("folder", "train", tmp_path, image_shape=(224, 224, 3))
    assert len(ds) == pytest.approx(0.8 * count, rel=0.02)
    seen = list(itertools.islice(data.batches(ds, 4, seed=0, augment="flip"), 5))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(seen) == 5 and peak < 10 * 2**20 + 400 * count
