"""A model, data and callbacks of the caller's own."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import xncaps
from xncaps.commands.evaluate import evaluate
from xncaps_converters import model_source
from xncaps_tf import data, training
from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import TrainingError
from xncaps_tf.training import TrainConfig, recipe

CONFIG = TrainConfig(epochs=2, batch_size=20, loss="crossentropy", validation=0.2, seed=3)


def _model() -> keras.Model:
    keras.utils.set_random_seed(5)
    inputs = keras.Input((6, 6, 1))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255.0)(inputs))
    return keras.Model(inputs, keras.layers.Dense(3, name="scores")(x))


def _dataset(seed: int = 0) -> data.Dataset:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (60, 6, 6, 1), np.uint8)
    labels = np.arange(60) % 3
    images[np.arange(60), labels] = 255
    return data.Dataset("mine", "train", ("a", "b", "c"), data.ArrayImages(images), labels, "here")


class _Seen(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(epoch)


def _weights(run: pathlib.Path) -> list[np.ndarray]:
    return keras.models.load_model(run / "last.keras", compile=False).get_weights()


def test_own_model_data_and_callbacks_and_what_resuming_needs(tmp_path: pathlib.Path) -> None:
    seen, model = _Seen(), _model()
    done = training.run(CONFIG, tmp_path / "a", model=model, data=_dataset(), callbacks=[seen])
    assert [row["epoch"] for row in done.rows] == [1, 2] and seen.epochs == [0, 1]
    assert "val_accuracy" in done.rows[0] and (tmp_path / "a" / "init.keras").is_file()

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.run(CONFIG, tmp_path / "b", model=_model(), data=_dataset(), callbacks=[Stop()])
    with pytest.raises(TrainingError, match=r"expected the data.*Received: none; call.*data="):
        training.resume(tmp_path / "b")
    with pytest.raises(TrainingError, match="Received: other images, labels or classes"):
        training.resume(tmp_path / "b", data=_dataset(1))
    training.resume(tmp_path / "b", data=_dataset())
    for first, second in zip(_weights(tmp_path / "a"), _weights(tmp_path / "b"), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_the_cross_entropy_is_of_what_the_own_model_ends_in(activation: str | None) -> None:
    """Logits were taken for shares: clipped, and without a gradient where they were negative."""
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Activation(activation or "linear")(inputs))
    logits = np.array([[2.0, -1.0, 0.5], [-3.0, 1.0, -2.0]], np.float32)
    labels = np.eye(3, dtype=np.float32)[[1, 2]]
    found = recipe.labels_loss(CONFIG, model)(labels, model(logits))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)  # [2, 3]
    assert float(found) == pytest.approx(-np.log(shares[[0, 1], [1, 2]]).mean(), rel=1e-5)


def test_a_run_with_own_data_names_no_data_set(tmp_path: pathlib.Path) -> None:
    """Its config has the default, digits, which another network of 8x8 pixels might fit."""
    done = training.run(CONFIG, tmp_path / "run", model=_model(), data=_dataset())
    assert model_source.run_data(done.folder.best).name is None
    made = xncaps.convert(tmp_path / "run", to="float")
    assert made.verification is not None and made.verification.source == "random"
    assert made.metadata.origin["data"] is None
    found = CliRunner().invoke(evaluate, [str(tmp_path / "run")])
    assert found.exit_code == 2 and "was given data of its caller's" in found.output


def test_a_tf_data_is_the_same_as_its_arrays(tmp_path: pathlib.Path) -> None:
    images, labels = _dataset().numpy()
    given = tf.data.Dataset.from_tensor_slices((images, labels))
    for name, each in (("array", _dataset()), ("tf", (given, given))):
        training.run(CONFIG, tmp_path / name, model=_model(), data=each)
    assert (tmp_path / "tf" / "last.keras").is_file()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data": [1]}, "expected a Dataset, a tf.data.Dataset.*Received: data=list"),
        ({"data": tf.data.Dataset.range(3)}, "expected a finite tf.data of"),
        ({"callbacks": [print]}, "expected Keras callbacks"),
        ({"model": "net"}, "expected a built Keras model. Received: model=str"),
    ],
    ids=["list", "no images", "no callback", "no model"],
)
def test_what_is_something_else_is_refused_before_a_folder_is_made(
    tmp_path: pathlib.Path, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        training.run(CONFIG, tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_a_run_keeps_the_file_of_its_backbones_weights(tmp_path: pathlib.Path) -> None:
    """Before, resuming needs the file again: killed before its first state, it could not go on."""
    file = tmp_path / "core.weights.h5"
    file.write_bytes(b"weights")
    config = TrainConfig(weights=str(file))
    folder = training.RunFolder(tmp_path / "run")
    folder.create(config)
    file.unlink()
    kept = folder.kept(folder.read_config()).weights
    assert kept is not None and pathlib.Path(kept).read_bytes() == b"weights"
    assert pathlib.Path(kept).name == file.name
    # A run from before has no copy: its config's word counts.
    pathlib.Path(kept).unlink()
    assert folder.kept(folder.read_config()).weights == str(file)
    for word in (None, "imagenet"):
        assert folder.kept(TrainConfig(weights=word)).weights == word
