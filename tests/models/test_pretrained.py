"""Keras models of the zoo: by name, held to the card."""

from __future__ import annotations

import hashlib
import json
import pathlib

import pytest

import xncaps_zoo
from xncaps_tf import models
from xncaps_tf.errors import DataError


@pytest.fixture
def shelf(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A zoo of one small network and one that has none."""
    for name in ("with-model", "without"):
        folder = tmp_path / name
        folder.mkdir()
        model = models.build("small_cnn", "dense", (8, 8, 1), 3, seed=1)
        model.compile("adam")
        model.save(folder / f"{name}.keras")
        digest = hashlib.sha256((folder / f"{name}.keras").read_bytes()).hexdigest()
        card = {
            "format": "xncaps-card",
            "format_version": 1,
            "file": {"model_sha256": digest},
            "experiment": {"name": "grocery-tuned-xnodr", "seed": 3},
        }
        (folder / "card.json").write_text(json.dumps(card))
    (tmp_path / "without" / "without.keras").unlink()
    monkeypatch.setattr(xncaps_zoo, "_PLACES", (tmp_path,))
    return tmp_path


def test_a_model_by_its_name(shelf: pathlib.Path) -> None:
    model = models.pretrained("with-model")
    assert model.output_shape == (None, 3) and model.optimizer is None


def test_an_unknown_name_says_what_there_is(shelf: pathlib.Path) -> None:
    for name in ("nothing", "../with-model", ""):
        with pytest.raises(DataError, match="pretrained: expected one of with-model, without"):
            models.pretrained(name)


def test_a_large_one_names_the_experiment(shelf: pathlib.Path) -> None:
    text = "expected one of with-model, whose.*name='without'.*reproduce grocery-tuned-xnodr makes"
    with pytest.raises(DataError, match=text + ".*grocery-tuned-xnodr/seed-3/run/best.keras"):
        models.pretrained("without")


def test_another_file_than_the_cards_is_refused(shelf: pathlib.Path) -> None:
    path = shelf / "with-model" / "with-model.keras"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(
        DataError, match="with-model.keras: expected the model of its card, SHA-256"
    ):
        models.pretrained("with-model")
