"""A model, data and callbacks of the caller's own, in place of those that a config names.

The run keeps the model, as it does one to fine-tune, and what the data are: their fingerprint. So
`resume` goes on by itself with the model, and needs the same data and callbacks again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from xncaps_tf._keras import keras, tf
from xncaps_tf.data import ArrayImages, Dataset
from xncaps_tf.errors import TrainingError
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.run_folder import RunFolder

MODEL = "init.keras"
_LARGEST = 1 << 33  # bytes of images that are read out of a tf.data


@dataclass(frozen=True)
class Own:
    """What the caller gives.

    Attributes:
        train, held_out: the images; None where the config names them, or there is no hold-out.
        callbacks: Keras's own.
    """

    train: Dataset | None = None
    held_out: Dataset | None = None
    callbacks: tuple[Any, ...] = ()

    @classmethod
    def of(cls, data: Any, callbacks: Sequence[Any]) -> Own:
        """Of what `training.run` takes; see there.

        Raises:
            TrainingError: it is something else.
        """
        for callback in callbacks:
            if not isinstance(callback, keras.callbacks.Callback):
                raise TrainingError(
                    "train: expected Keras callbacks. Received: "
                    f"callbacks=[... {type(callback).__name__} ...]."
                )
        given: Any = data
        parts = cast("tuple[Any, ...]", data) if isinstance(data, tuple) else ()
        train, held_out = parts if len(parts) == 2 else (given, None)
        train, held_out = _dataset(train, "train"), _dataset(held_out, "validation")
        if held_out is not None and train is not None:
            shown = held_out.image_shape, held_out.class_names
            if shown != (train.image_shape, train.class_names):
                raise TrainingError(
                    f"train: expected a hold-out of {train.image_shape} and the same classes as "
                    f"the training images. Received: {shown[0]}, {', '.join(shown[1])}."
                )
        return cls(train, held_out, tuple(callbacks))

    def record(self, folder: RunFolder) -> dict[str, str]:
        """The files that a new run keeps of the data; none where the config names them."""
        if self.train is None:
            return {}
        return {folder.own_data.name: json.dumps({"fingerprint": self._fingerprint()}) + "\n"}

    def check(self, folder: RunFolder) -> None:
        """Refuses other data than the run began with.

        Raises:
            TrainingError: so it is.
        """
        path = folder.own_data
        if not path.is_file():
            if self.train is not None:
                raise TrainingError(
                    f"{folder.path}: expected a run that began with data of one's own. Received: "
                    "data=, for a run whose config.json names them."
                )
            return
        if self.train is None:
            raise TrainingError(
                f"{folder.path}: expected the data that this run began with, which its config.json "
                "does not name. Received: none; call xncaps_tf.training.resume(out, data=...)."
            )
        if json.loads(path.read_text(encoding="utf-8"))["fingerprint"] != self._fingerprint():
            raise TrainingError(
                f"{folder.path}: expected the data that this run began with. Received: other "
                "images, labels or classes."
            )

    def _fingerprint(self) -> list[str]:
        return [_fingerprint(part) for part in (self.train, self.held_out) if part is not None]


def with_model(config: TrainConfig, out: RunFolder, model: Any) -> TrainConfig:
    """The config of a run that trains a model of the caller's own.

    Raises:
        TrainingError: the config names a model as well, or it is none.
    """
    if model is None:
        return config
    if config.init is not None:
        raise TrainingError(f"train: expected one model. Received: model= and init={config.init}.")
    if not isinstance(model, keras.Model) or not model.built:
        raise TrainingError(
            f"train: expected a built Keras model. Received: model={type(model).__name__}."
        )
    return replace(config, init=str(out.path.absolute() / MODEL))


def _dataset(data: Any, split: str) -> Dataset | None:
    if data is None or isinstance(data, Dataset):
        return data
    if not isinstance(data, tf.data.Dataset):
        raise TrainingError(
            "train: expected a Dataset, a tf.data.Dataset of (image, label), or a pair of them. "
            f"Received: data={type(data).__name__}."
        )
    return _read(data, split)


def _read(data: Any, split: str) -> Dataset:
    """Reads a tf.data of single (image [H, W, C], label) into memory, in its order."""
    spec = data.element_spec
    count = int(data.cardinality())
    parts: list[Any] = list(cast("tuple[Any, ...]", spec)) if isinstance(spec, tuple) else []
    shape = parts[0].shape if len(parts) == 2 else tf.TensorShape(None)
    sizes: tuple[int, ...] = tuple(shape) if shape.is_fully_defined() else ()
    if len(sizes) != 3 or count == tf.data.INFINITE_CARDINALITY or parts[1].shape.rank != 0:
        raise TrainingError(
            "train: expected a finite tf.data of (image [H, W, C], label []), not batched. "
            f"Received: {spec}, {count} elements."
        )
    if max(count, 1) * int(np.prod(sizes)) * 4 > _LARGEST:
        raise TrainingError(
            f"train: expected at most {_LARGEST} bytes of images. Received: {count} of {shape}; "
            "make an xncaps_tf.data.Dataset of them, which reads as it goes."
        )
    rows = list(data.as_numpy_iterator())
    images = np.stack([image for image, _ in rows])
    labels = np.array([label for _, label in rows], np.int64)
    stored = images if images.dtype.name in ("uint8", "uint16") else images.astype(np.float32)
    names = tuple(str(number) for number in range(int(labels.max()) + 1))
    return Dataset("own", split, names, ArrayImages(stored), labels, "tf.data")


def _fingerprint(data: Dataset) -> str:
    """A text that is another one for other images, labels, classes or another order."""
    total = hashlib.sha256("\n".join(data.class_names).encode())
    total.update(np.ascontiguousarray(data.labels).tobytes())
    total.update(data.images.fingerprint(data.positions).encode())
    return total.hexdigest()
