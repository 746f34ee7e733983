"""Runs and resumes a training with Keras's fit.

Everything that a training does after step t is a function of the config and of the state at t: the
order of the images, their augmentation and dropout are functions of (seed, step), and the state
holds the variables of model, optimizer and metrics. At an epoch's end, and every `save_steps`, the
state is replaced as a whole; then all other files are made from it. A killed process so leaves a
state, old or new, and files that lag behind it by an epoch at most; resuming makes them again.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from xncaps_files import writing
from xncaps_tf import data as datasets
from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import TrainingError
from xncaps_tf.models.pooling import pooled_first
from xncaps_tf.training import recipe, records
from xncaps_tf.training.cluster import Cluster
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.folder import RunFolder
from xncaps_tf.training.progress import Reporter
from xncaps_tf.training.state import State, assign, values
from xncaps_tf.training.task import Task

_LOG = logging.getLogger(__name__)
_CURVES_SECONDS = 30.0


@dataclass(frozen=True)
class TrainResult:
    """What a run came to.

    Attributes:
        folder: the run.
        rows: metrics of every epoch.
        best_epoch: the epoch (from 1) of best.keras.
        was_finished: nothing was left to do.
    """

    folder: RunFolder
    rows: list[dict[str, Any]]
    best_epoch: int
    was_finished: bool = False


def run(
    config: TrainConfig, out: str | os.PathLike[str], *, reporter: Reporter | None = None
) -> TrainResult:
    """Trains in a new run folder.

    Sets TensorFlow's global seed, op determinism and, where TensorFlow has not started yet, its
    number of threads.

    Args:
        config: what to train.
        out: the folder, new or empty.
        reporter: shows the progress; None for none.

    Raises:
        TrainingError: the folder holds something, or the config does not fit the data.
        DataError: the data cannot be read.
    """
    RunFolder(out).start(config, Task.from_environment(config.strategy))
    return resume(out, reporter=reporter)


def resume(
    out: str | os.PathLike[str],
    *,
    reporter: Reporter | None = None,
    arrival: float | None = None,
) -> TrainResult:
    """Continues a run where its last state left it; does nothing where it is finished.

    Args:
        out: the folder of the run.
        reporter: shows the progress; None for none.
        arrival: with multi_worker, seconds to wait for the other workers; None: 45.

    Raises:
        TrainingError: there is no run, its state is damaged, or another process trains in it.
    """
    folder = RunFolder(out)
    config = folder.read_config()
    task = Task.from_environment(config.strategy)
    if folder.is_finished:
        state = State.read(folder.checkpoint)
        return TrainResult(folder, state.rows, state.best_epoch, was_finished=True)
    if not task.is_chief:
        return _train(folder, config, task, Reporter(), arrival)
    with folder.locked():
        return _train(folder, config, task, reporter or Reporter(), arrival)


def _train(
    folder: RunFolder,
    config: TrainConfig,
    task: Task,
    reporter: Reporter,
    arrival: float | None,
) -> TrainResult:
    _prepare(config)
    advice = f"start every worker again with: xncaps train --resume {folder.path}"
    cluster = Cluster(config, task, advice, arrival)
    try:
        trainer = Trainer(folder, config, cluster, reporter)
        try:
            trainer.run()
        finally:
            reporter.stop()
        cluster.finish()
    except tf.errors.OpError as error:
        if not cluster.is_multi_worker:
            raise
        raise cluster.lost(error) from error
    finally:
        cluster.close()
    return TrainResult(folder, trainer.state.rows, trainer.state.best_epoch)


def _prepare(config: TrainConfig) -> None:
    """Global settings that make a training a function of its config."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(config.threads)
        tf.config.threading.set_inter_op_parallelism_threads(config.threads)
    except RuntimeError:  # TensorFlow runs already, in a program of the caller's
        _LOG.info("TensorFlow's number of threads stays as it is", exc_info=True)
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()


class Trainer:
    """One process's part of a training, from the state in the folder to its end."""

    def __init__(
        self, folder: RunFolder, config: TrainConfig, cluster: Cluster, reporter: Reporter
    ) -> None:
        self.folder, self.config, self.cluster, self.reporter = folder, config, cluster, reporter
        self.start = recipe.start_model(config, folder)
        self._load_data()
        self._build()
        self.state = State.read(folder.checkpoint) if folder.checkpoint.is_file() else State()
        cluster.agree(self.state.epoch * self.steps + self.state.batch, "step")
        self._restore()
        self._curves_at = 0.0
        self._is_stopped_by_chief = False

    def _load_data(self) -> None:
        config = self.config
        shape = recipe.image_shape(config, self.start)

        def load(split: str) -> Any:
            return datasets.load_for(
                shape, config.data, split, config.data_dir, download=config.download
            )

        train = load("train")
        shape = train.image_shape
        if config.limit is not None and config.limit < len(train):
            train = datasets.sample(train, config.limit, config.seed)
        self.held_out: Any = None
        if config.validation and datasets.has_validation(config.data, config.data_dir):
            self.held_out = load(datasets.VALIDATION)
        elif config.validation:
            train, self.held_out = datasets.split_validation(train, config.validation, config.seed)
        for part in (train, self.held_out):
            if part is not None:
                part.check()
        self.train = train
        self.batch_size = self._global_batch(len(train))
        self.steps = datasets.num_batches(
            len(train), self.batch_size, drop_remainder=config.drop_remainder
        )

    def _global_batch(self, size: int) -> int:
        """The batch size, at most the number of images, and a multiple of the replicas."""
        replicas = self.cluster.replicas
        if self.config.batch_size % replicas:
            raise TrainingError(
                f"train: expected a batch size that the {replicas} replicas divide. "
                f"Received: batch_size={self.config.batch_size}."
            )
        batch = min(self.config.batch_size, size // replicas * replicas)
        if not batch:
            raise TrainingError(
                f"train: expected an image for each of {replicas} replicas. Received: {size}."
            )
        return batch

    def _build(self) -> None:
        """`saved`: the model as it is written; `trained`: the one that fit drives, pooled first.

        Without a strategy both share their layers. Under one, the trained model's variables belong
        to all replicas, and `saved` gets their values where something is written.
        """
        self.saved = recipe.build_model(self.config, self.start, self.train)
        with self.cluster.scope():
            source = recipe.rebuilt(self.saved) if self.cluster.strategy else self.saved
            self.trained = pooled_first(source)
            optimizer = recipe.optimizer(self.config, self.steps)
            metrics = recipe.metrics(self.train)
            self.trained.compile(optimizer, recipe.loss(self.config), metrics=metrics)
            optimizer.build(self.trained.trainable_variables)
            scores = tf.zeros([1, self.train.num_classes])
            self.trained.compiled_loss.build(scores)  # so that the loss's sums exist
            self.trained.compiled_metrics.build(scores, scores)
        self.evaluator: Any = None
        if self.held_out is not None and self.cluster.task.is_chief:
            self.evaluator = self.trained
            if self.cluster.strategy is not None:
                self.evaluator = pooled_first(self.saved)
                metrics = recipe.metrics(self.train)
                self.evaluator.compile(loss=recipe.loss(self.config), metrics=metrics)

    def _variables(self) -> dict[str, list[Any]]:
        metrics = [variable for metric in self.trained.metrics for variable in metric.variables]
        return {
            "model": self.trained.variables,
            "optimizer": list(self.trained.optimizer.variables),
            "metric": metrics,
        }

    def _restore(self) -> None:
        if self.state.arrays["model"]:
            for group in ("model", "optimizer"):
                assign(self._variables()[group], self.state.arrays[group], group)
            self._update_saved()

    def restore_metrics(self) -> None:
        """Gives the metrics the sums they had when the state was saved inside an epoch."""
        assign(self._variables()["metric"], self.state.arrays["metric"], "metric")

    def _snapshot(self, batch: int) -> None:
        """Takes the variables' values into the state; every worker has to call this."""
        arrays = {name: values(group) for name, group in self._variables().items()}
        self.check_finite("every weight", batch, *arrays["model"])
        self.state.arrays = arrays

    def check_finite(self, what: str, batch: int, *found: Any) -> None:
        """Ends the training if anything found after `batch` batches of the epoch is not finite.

        Nothing is written then, so the run keeps its last state, from which it can go on.
        """
        if not all(np.isfinite(value).all() for value in found):
            step = self.state.epoch * self.steps + batch
            raise TrainingError(
                f"train: expected {what} to be finite. Received: nan or infinity after step {step} "
                f"of {self.config.epochs * self.steps}. {self.folder.path} keeps what it held "
                "before; train anew with a lower --learning-rate."
            )

    def _update_saved(self) -> None:
        if self.cluster.strategy is not None:
            assign(self.saved.variables, self.state.arrays["model"], "model")

    def run(self) -> None:
        """Trains the epochs that are left, then marks the run as finished."""
        if self.cluster.task.is_chief and self.state.rows and not self.state.batch:
            self._publish(is_all=True)
        done = self.state.epoch * self.steps + self.state.batch
        self.reporter.start(self.config.epochs, self.steps, done)
        while self.state.epoch < self.config.epochs and not self._is_enough():
            self._epoch()
        if self.cluster.task.is_chief:
            records.write_curves(self.folder, self.state.rows)
            self.folder.mark_finished()

    def _epoch(self) -> None:
        epoch, first = self.state.epoch, self.state.batch
        augment = None if self.config.augment == "none" else self.config.augment
        batches = self.cluster.distribute(
            lambda index, count: datasets.batches(
                self.train,
                self.batch_size,
                seed=self.config.seed,
                epoch=epoch,
                start=first,
                augment=augment,
                drop_remainder=self.config.drop_remainder,
                shard=(index, count),
            )
        )
        with self.train.reading():
            history = self.trained.fit(
                batches,
                initial_epoch=epoch,
                epochs=epoch + 1,
                steps_per_epoch=self.steps - first,
                verbose=0,
                shuffle=False,
                callbacks=[_Steps(self, first)],
            )
        self._end_epoch({name: column[-1] for name, column in history.history.items()})

    def save_inside(self, batch: int) -> None:
        """Saves the state after `batch` batches of an epoch; every worker has to call this."""
        self.state.batch = batch
        self._snapshot(batch)
        if self.cluster.task.is_chief:
            self.state.write(self.folder.checkpoint)

    def _end_epoch(self, logs: dict[str, float]) -> None:
        self._snapshot(self.steps)
        self.state.epoch, self.state.batch = self.state.epoch + 1, 0
        is_over = 0
        if self.cluster.task.is_chief:
            self._update_saved()
            row, dead = self._row(logs)
            self.state.rows.append(row)
            if self._is_best(row):
                self.state.best_epoch = row["epoch"]
                if self.held_out is not None:
                    writing.write_atomically(self._best_file(row["epoch"]), self.saved.save)
            self.state.write(self.folder.checkpoint)
            self._publish()
            self.reporter.epoch(row)
            self._report_dead(row["epoch"], dead)
            is_over = int(self._is_enough())
        if self.cluster.is_multi_worker:  # the others hold no results to decide by
            self._is_stopped_by_chief = bool(self.cluster.sum(is_over))

    def _row(self, logs: dict[str, float]) -> tuple[dict[str, Any], list[int]]:
        """The epoch's row, and the numbers of the classes without a score."""
        step = self.state.epoch * self.steps
        schedule: Any = recipe.schedule(self.config, self.steps)
        rate: Any = schedule(step - 1) if callable(schedule) else schedule
        row: dict[str, Any] = {
            "epoch": self.state.epoch,
            "step": step,
            "learning_rate": float(rate),
            **{name: float(logs[name]) for name in ("loss", "accuracy", "dead_classes")},
        }
        total = self.state.arrays["metric"][-1]
        if self.evaluator is not None:
            batches = datasets.batches(self.held_out, min(self.batch_size, len(self.held_out)))
            with self.held_out.reading():
                result = self.evaluator.evaluate(batches, verbose=0, return_dict=True)
            self.check_finite("the loss on the hold-out", 0, result["loss"])
            names = ("loss", "accuracy", "dead_classes")
            row |= {f"val_{name}": float(result[name]) for name in names}
            total = self.evaluator.metrics[-1].total.numpy()
        for name in ("dead_classes", "val_dead_classes"):
            if name in row:
                row[name] = int(row[name])
        return row, [index for index, value in enumerate(total) if value == 0]

    def _is_best(self, row: dict[str, Any]) -> bool:
        """Higher accuracy on the hold-out, or the same at a lower loss; without one the latest."""
        if self.held_out is None or not self.state.best_epoch:
            return True
        best = self.state.rows[self.state.best_epoch - 1]
        return (row["val_accuracy"], -row["val_loss"]) > (best["val_accuracy"], -best["val_loss"])

    def _is_enough(self) -> bool:
        """Whether the hold-out's result has not been beaten for `patience` epochs."""
        if self._is_stopped_by_chief:
            return True
        patience = self.config.patience
        return patience is not None and self.state.epoch - self.state.best_epoch >= patience

    def _report_dead(self, epoch: int, dead: list[int]) -> None:
        if dead:
            names = ", ".join(self.train.class_names[index] for index in dead)
            where = "images of the hold-out" if self.held_out is not None else "training images"
            self.reporter.message(
                f"epoch {epoch}: the score is zero on all {where} for {len(dead)} of "
                f"{self.train.num_classes} classes: {names}"
            )

    def _best_file(self, epoch: int) -> Any:
        return self.folder.state / f"best-{epoch:06d}.keras"

    def _publish(self, *, is_all: bool = False) -> None:
        """Makes every other file from the state; what is there and right stays."""
        folder, state = self.folder, self.state
        writing.write_atomically(folder.last, self.saved.save)
        best = folder.last if self.held_out is None else self._best_file(state.best_epoch)
        writing.link(best, folder.best)
        records.write_tables(folder, state.rows)
        records.write_tensorboard(folder, state.rows, rewrite=is_all)
        if is_all or time.monotonic() - self._curves_at > _CURVES_SECONDS:
            self._curves_at = time.monotonic()
            records.write_curves(folder, state.rows)
        for old in folder.state.glob("best-*.keras"):
            if old != best:
                old.unlink()


class _Steps(keras.callbacks.Callback):
    """Restores the metrics of a half epoch, saves inside an epoch, reports each batch."""

    def __init__(self, trainer: Trainer, first: int) -> None:
        super().__init__()
        self._trainer, self._first = trainer, first

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._first:  # fit has just reset them
            self._trainer.restore_metrics()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        trainer, done = self._trainer, self._first + batch + 1
        trainer.check_finite("the loss", done, (logs or {})["loss"])
        every = trainer.config.save_steps
        if every and done % every == 0 and done < trainer.steps:
            trainer.save_inside(done)
        trainer.reporter.step(trainer.state.epoch + 1, done)
