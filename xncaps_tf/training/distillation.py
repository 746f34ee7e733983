"""Learning from another network's answers as well as from the labels.

The teacher sees every training image once, unchanged; its shares of the classes are kept in the run
and are what the student is drawn to, however the image is then augmented.

Source: Hinton, Vinyals, Dean 2015, https://arxiv.org/abs/1503.02531.
Differs from the source: the scores of a capsule head are lengths, of which the right one is drawn
to 0.9 and the others to 0.1: lengths / 0.1 stand for logits.
"""

from __future__ import annotations

import hashlib
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files import npz, versions, writing
from xncaps_files.scores import ScoreScale
from xncaps_tf import data as datasets
from xncaps_tf import models
from xncaps_tf._keras import keras, tf
from xncaps_tf.data import Dataset
from xncaps_tf.errors import DataError, TrainingError
from xncaps_tf.metrics import score_accuracy, two_label_accuracy
from xncaps_tf.saving import load_model
from xncaps_tf.training import inputs, networks
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.run_folder import RunFolder

FORMAT_VERSION = 1
_UPGRADES = ()  # from one version to the next
LENGTH_UNIT = 0.1  # a length of so much counts as a logit of 1: 0.9 and 0.1 differ by 8
_BATCH = 100
_SMALLEST = 1e-7  # of a probability whose logarithm is taken, in float32


class Distillation(keras.losses.Loss):
    r"""A loss of the labels, and how far the student's shares are from the teacher's.

    \[ (1 - w)\, L(\text{labels}, s) + w\, T^2\, \mathrm{KL}(p \,\|\, \mathrm{softmax}(z(s) / T)) \]
    with the student's scores s, z their logits and p the teacher's shares at temperature T.

    Args:
        labels_loss: of labels and scores, an example each or a mean.
        kind: what the student's scores are, as `models.score_kind` tells; None counts as logits.
        weight: w, above 0 and at most 1.
        temperature: T, above 0.

    Targets `[B, 2 J]`: the labels, then the shares; of targets `[B, J]` (the hold-out) only the
    loss of labels is taken.
    """

    def __init__(
        self, labels_loss: Any, kind: str | None, weight: float, temperature: float
    ) -> None:
        super().__init__(name="distillation")
        self._labels_loss, self._kind = labels_loss, kind
        self._weight, self._temperature = weight, temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        classes = y_pred.shape[-1]
        labels = self._labels_loss.call(y_true[:, :classes], y_pred)  # [B]
        if y_true.shape[-1] == classes:
            return labels
        shares = y_true[:, classes:]  # [B, J]
        own = tf.nn.log_softmax(self._logits(y_pred) / self._temperature)  # [B, J]
        apart = tf.math.log(tf.maximum(shares, _SMALLEST)) - own
        divergence = tf.reduce_sum(shares * apart, axis=-1)  # [B]
        return (1 - self._weight) * labels + self._weight * self._temperature**2 * divergence

    def _logits(self, scores: Any) -> Any:
        if self._kind == "lengths":
            return scores / LENGTH_UNIT
        if self._kind == "probabilities":
            return tf.math.log(tf.maximum(scores, _SMALLEST))
        return scores


def accuracy(is_two_label: bool) -> Any:
    """The accuracy of targets that may hold a teacher's shares behind the labels."""
    function = two_label_accuracy if is_two_label else score_accuracy

    def of_labels(y_true: Any, y_pred: Any) -> Any:
        return function(y_true[:, : y_pred.shape[-1]], y_pred)

    return keras.metrics.MeanMetricWrapper(of_labels, name="accuracy")


def answers_of(
    teacher: str,
    temperature: float,
    path: pathlib.Path,
    count: int,
    images_of: Callable[[tuple[int | None, ...]], Dataset],
    *,
    keep: bool = True,
) -> NDArray[Any]:
    """The teacher's shares of the training images, float32 `[n, J]`: read from `path`, or made.

    Args:
        teacher: a .keras or .h5 file; where `path` is there it is not needed any more.
        temperature: T.
        path: of the kept answers.
        count: n, the number of training images.
        images_of: the training images in the shape (H, W, C) of the teacher's input, the same ones
            in the same order for every shape.
        keep: write `path`.

    Raises:
        TrainingError: the teacher has other classes or takes other images, or what is kept belongs
            to other images.
    """
    if path.is_file():
        return kept_answers(path, count)
    try:
        model = load_model(teacher, compile=False)
    except DataError as error:
        raise DataError(f"--teacher: {error}") from error
    ds = images_of(networks.input_shape(model, "--teacher"))
    networks.check_fit(model, ds, "--teacher", source=teacher)
    with ds.reading():
        scores = model.predict(datasets.batches(ds, min(_BATCH, len(ds))), verbose=0)
    kind = models.score_kind(model) or "logits"
    scale = temperature * (LENGTH_UNIT if kind == "lengths" else 1)
    shares = ScoreScale(kind, scale).shares(scores).astype(np.float32)  # [n, J]
    if keep:
        digest = hashlib.sha256(pathlib.Path(teacher).read_bytes()).hexdigest()
        contents = {
            "format_version": np.array([FORMAT_VERSION]),
            "shares": shares,
            "teacher_sha256": np.array([digest]),
        }
        writing.write_atomically(path, lambda beside: npz.write(beside, contents))
    return shares


def answers(
    config: TrainConfig, folder: RunFolder, train: Dataset, *, is_own: bool, keep: bool
) -> NDArray[Any] | None:
    """The answers of a run's teacher to the images that it trains on, or None; see `answers_of`.

    Args:
        config, folder: of the run.
        train: the training images, as the student sees them.
        is_own: they are the caller's; else they are those that the config names, and pictures are
            read for the teacher in its own size.
        keep: write them into the folder.
    """
    if config.teacher is None:
        return None
    return answers_of(
        config.teacher,
        config.teacher_temperature,
        folder.teacher,
        len(train),
        lambda shape: train if is_own else inputs.load(config, shape, check=False)[0],
        keep=keep,
    )


def kept_answers(path: pathlib.Path, count: int) -> NDArray[Any]:
    """The shares `[count, J]` that a run keeps in `path`.

    Raises:
        DataError: the file is damaged, or of a version that is newer than this.
        TrainingError: it has answers to more or fewer images.
    """
    found = npz.read(path, {"format_version": ("iu", 1), "shares": ("f", 2)})
    version: Any = found["format_version"].tolist()
    shares = found["shares"]
    empty: dict[str, object] = {}  # an array has no document to upgrade
    versions.upgrade(empty, version if len(version) != 1 else version[0], _UPGRADES, str(path))
    if len(shares) != count:
        raise TrainingError(
            f"{path}: expected answers for the {count} training images. Received: {len(shares)}; "
            "have the images changed since the run began?"
        )
    return shares.astype(np.float32)


def kept_teacher(path: pathlib.Path) -> str:
    """The SHA-256 of the teacher whose answers a run keeps in `path`.

    Raises:
        DataError: the file is damaged.
    """
    return str(npz.read(path, {"teacher_sha256": ("U", 1)})["teacher_sha256"][0])
