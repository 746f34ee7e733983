"""`load`: where it looks, in which order, and what it says when nothing is there."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xncaps_tf import data
from xncaps_tf._keras import tf
from xncaps_tf.data import loading
from xncaps_tf.errors import DataError


@pytest.fixture(autouse=True)
def own_home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A home without data sets."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    return tmp_path / "home"


def _prepare(folder: pathlib.Path, count: int) -> pathlib.Path:
    """A 'mnist' of `count` images of value 7 as tfds prepares it; its folder."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow_datasets as tfds

    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(28, 28, 1)),
            "label": tfds.features.ClassLabel(num_classes=10),
        }
    )
    images = np.full((28, 28, 1), 7, np.uint8)
    rows = [{"image": images, "label": number % 10} for number in range(count)]
    builder = tfds.dataset_builders.store_as_tfds_dataset(
        name="mnist",
        version="3.0.1",
        features=features,
        split_datasets={
            split: tf.data.Dataset.from_generator(
                lambda: rows, output_signature=features.get_tensor_spec()
            )
            for split in data.SPLITS
        },
        data_dir=folder,
        disable_shuffling=True,
    )
    return pathlib.Path(builder.data_dir)


def test_load_reads_what_tfds_has_prepared(tmp_path: pathlib.Path, own_home: pathlib.Path) -> None:
    _prepare(own_home / "tensorflow_datasets", 12)
    found = data.load("mnist", "train")
    assert len(found) == 12 and found.source.endswith("mnist/3.0.1")
    images, labels = found.numpy()
    assert (images == 7).all() and images.dtype == np.uint8
    assert sorted(labels.tolist()) == sorted([number % 10 for number in range(12)])
    _prepare(tmp_path / "mine", 5)
    assert len(data.load("mnist", "test", tmp_path / "mine")) == 5
    newer = tmp_path / "mine" / "mnist" / "3.0.10"  # newest by number, not by letter
    newer.mkdir()
    (newer / "dataset_info.json").write_text("{}")
    with pytest.raises(DataError, match=r"3\.0\.10: expected a data set that tfds prepared"):
        data.load("mnist", "test", tmp_path / "mine")


def test_load_refuses_a_damaged_prepared_set(tmp_path: pathlib.Path) -> None:
    _prepare(tmp_path, 12)
    (record,) = (tmp_path / "mnist" / "3.0.1").glob("*train*.tfrecord*")
    content = record.read_bytes()
    record.write_bytes(content[: len(content) // 2])
    with pytest.raises(
        DataError, match=r"3\.0\.1: expected a data set that tfds prepared"
    ) as caught:
        data.load("mnist", "train", tmp_path)
    assert "\n" not in str(caught.value)


def test_local_files_come_before_a_prepared_set(
    tmp_path: pathlib.Path, write_mnist: Callable[..., Any]
) -> None:
    _prepare(tmp_path, 12)
    write_mnist(tmp_path)
    assert len(data.load("mnist", "train", tmp_path)) == 40


def test_load_without_data_dir_looks_where_keras_puts_it(
    own_home: pathlib.Path, write_mnist: Callable[..., Any]
) -> None:
    write_mnist(own_home / ".keras" / "datasets" / "fashion-mnist", packed=True)
    usual = loading._USUAL["fashion_mnist"]
    assert usual[0] == pathlib.Path("/usr/share/datasets/fashion-mnist")
    if usual[0].is_dir():  # Debian's package comes first and is the whole of it
        assert len(data.load("fashion_mnist", "train")) == 60_000
    else:
        assert len(data.load("fashion_mnist", "train")) == 40


def test_load_says_where_it_looked_and_why_not_there(
    tmp_path: pathlib.Path, own_home: pathlib.Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as caught:
        data.load("mnist", "train", tmp_path / "empty")
    assert str(caught.value) == (
        f"mnist: found nowhere. {tmp_path}/empty: no train-images-idx3-ubyte[.gz], no mnist.npz, "
        f"no train/CLASS/ of pictures; {tmp_path}/empty: no mnist/VERSION/dataset_info.json of "
        f"tfds; {own_home}/tensorflow_datasets: no mnist/VERSION/dataset_info.json of tfds; "
        "download: not asked for (--download)."
    )
    with pytest.raises(DataError, match=r"cifar10: .*home/.keras/datasets/cifar-10-bat"):
        data.load("cifar10", "train")
    with pytest.raises(DataError, match="none: no such folder"):
        data.load("cifar10", "train", tmp_path / "none")


def test_load_refuses_unknown_names_and_splits(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="load: expected one of digits, mnist, .*name='mnst'"):
        data.load("mnst", "train")
    with pytest.raises(ValueError, match="of train, test, validation. Received: split='val'"):
        data.load("digits", "val")
    with pytest.raises(DataError, match="digits: expected one of train, test. .*split_validation"):
        data.load("digits", "validation")
    with pytest.raises(
        ValueError, match="image_shape with one of grocery, .*folder only. Received"
    ):
        data.load("mnist", "train", tmp_path, image_shape=(8, 8, 1))
