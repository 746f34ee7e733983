"""Keras models of the zoo in fewer bytes: nothing of the model changes."""

from __future__ import annotations

import io
import pathlib
import zipfile

import numpy as np

from xncaps.zoo_making import keras_packing
from xncaps_tf import load_model, models


def _saved(path: pathlib.Path) -> bytes:
    model = models.build("small_cnn", "xnodr", (8, 8, 1), 3, seed=1)
    model.compile("adam", "mse")  # its optimizer stands in the file as well
    model.save(path)
    return path.read_bytes()


def test_every_weight_is_equal_and_the_bytes_are_fewer(tmp_path: pathlib.Path) -> None:
    data = _saved(tmp_path / "plain.keras")
    packed = keras_packing.pack(data)
    assert len(packed) < 0.9 * len(data)
    (tmp_path / "packed.keras").write_bytes(packed)
    plain, again = load_model(tmp_path / "plain.keras"), load_model(tmp_path / "packed.keras")
    assert again.get_config() == plain.get_config()
    assert type(again.optimizer) is type(plain.optimizer)
    for one, other in zip(plain.weights, again.weights, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_the_other_parts_are_as_they_were(tmp_path: pathlib.Path) -> None:
    data = _saved(tmp_path / "plain.keras")
    with zipfile.ZipFile(io.BytesIO(data)) as one:
        with zipfile.ZipFile(io.BytesIO(keras_packing.pack(data))) as other:
            assert one.namelist() == other.namelist()
            for name in ("config.json", "metadata.json"):
                assert one.read(name) == other.read(name)
