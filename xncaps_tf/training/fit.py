"""Runs and resumes a training with Keras's fit.

Everything that a training does after step t is a function of the config and of the state at t: the
order of the images, their augmentation and dropout are functions of (seed, step), and the state
holds the variables of model, optimizer and metrics. A training is a row of phases, each with an
optimizer of its own, each beginning with the model that the phase before has saved.

At an epoch's end, and every `save_steps`, the state is replaced as a whole; then all other files
are made from it. A killed process so leaves a state, old or new, and files that lag behind it;
resuming makes them again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import TrainingError
from xncaps_tf.training import distillation, inputs, networks
from xncaps_tf.training.cluster import Cluster
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.custom import Own, with_model
from xncaps_tf.training.outputs import Outputs
from xncaps_tf.training.phase import Phase
from xncaps_tf.training.progress import Reporter
from xncaps_tf.training.run_folder import RunFolder
from xncaps_tf.training.state import Row, State, add_measured, assign, merit, values
from xncaps_tf.training.task import Task

_LOG = logging.getLogger(__name__)


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
    rows: list[Row]
    best_epoch: int
    was_finished: bool = False


def run(
    config: TrainConfig,
    out: str | os.PathLike[str],
    *,
    model: Any = None,
    data: Any = None,
    callbacks: Sequence[Any] = (),
    reporter: Reporter | None = None,
) -> TrainResult:
    """Trains in a new run folder.

    What can be promised on resuming: with the config alone, and with a model of your own, the
    weights of an undisturbed run, bit for bit, by `resume(out)`. With data of your own the same, as
    soon as `resume(out, data=...)` gets them again; other data are refused. Callbacks get no state
    back: each sees the epochs that its process trains, and whatever changes weights or rates in
    them is promised nothing.

    Sets TensorFlow's global seed, op determinism and, where TensorFlow has not started yet, its
    number of threads.

    Args:
        config: what to train.
        out: the folder, new or empty.
        model: a built Keras model to train, in place of backbone and head; the run keeps a copy.
            It takes pixels 0 to 255; layers of your own have to be registered with Keras.
        data: a `Dataset` or a finite `tf.data.Dataset` of (image, label), which is read into
            memory, in place of the config's; or a pair, the second held out.
        callbacks: Keras callbacks, for every epoch.
        reporter: shows the progress; None for none.

    Raises:
        TrainingError: the folder holds something, or the config does not fit the data.
        DataError: the data cannot be read.
    """
    folder, given = RunFolder(out), Own.of(data, callbacks)
    config = with_model(config, folder, model)
    task = Task.from_environment(config.strategy)
    folder.start(config, task, model=model, files=given.record(folder))
    return _resume(folder, given, reporter, None)


def resume(
    out: str | os.PathLike[str],
    *,
    data: Any = None,
    callbacks: Sequence[Any] = (),
    reporter: Reporter | None = None,
    arrival: float | None = None,
) -> TrainResult:
    """Continues a run where its last state left it; does nothing where it is finished.

    Args:
        out: the folder of the run.
        data: what `run` was given, if it was.
        callbacks: Keras callbacks, for every epoch that is left.
        reporter: shows the progress; None for none.
        arrival: with multi_worker, seconds to wait for the other workers; None: 45.

    Raises:
        TrainingError: there is no run, its state is damaged, or another process trains in it.
    """
    return _resume(RunFolder(out), Own.of(data, callbacks), reporter, arrival)


def _resume(
    folder: RunFolder, given: Own, reporter: Reporter | None, arrival: float | None
) -> TrainResult:
    config = folder.read_config()
    task = Task.from_environment(config.strategy)
    if folder.is_finished:
        state = State.read(folder.checkpoint)
        return TrainResult(folder, state.rows, state.best_epoch, was_finished=True)
    if not task.is_chief:
        return _train(folder, config, given, task, Reporter(), arrival)
    with folder.locked():
        return _train(folder, config, given, task, reporter or Reporter(), arrival)


def _train(
    folder: RunFolder,
    config: TrainConfig,
    given: Own,
    task: Task,
    reporter: Reporter,
    arrival: float | None,
) -> TrainResult:
    _prepare(config)
    advice = f"start every worker again with: xncaps train --resume {folder.path}"
    cluster = Cluster(config, task, advice, arrival)
    try:
        trainer = Trainer(folder, config, given, cluster, reporter)
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
        self,
        folder: RunFolder,
        config: TrainConfig,
        given: Own,
        cluster: Cluster,
        reporter: Reporter,
    ) -> None:
        self.folder, self.config, self.cluster, self.reporter = folder, config, cluster, reporter
        given.check(folder)
        self._callbacks = given.callbacks
        self._configs = folder.kept(config).phase_configs()
        self._is_stopped_by_chief = False
        self._outputs = Outputs(folder)
        has_state = folder.checkpoint.is_file()
        self.state = State.read(folder.checkpoint) if has_state else State()
        start = networks.start_model(config, folder)
        self._data = (
            inputs.load(config, networks.image_shape(config, start), say=reporter.message)
            if given.train is None
            else inputs.prepared(config, given.train, given.held_out, say=reporter.message)
        )
        self._answers = distillation.answers(
            config,
            folder,
            self._data[0],
            is_own=given.train is not None,
            keep=cluster.task.is_chief,
        )
        first = self._configs[self.state.phase]
        saved, self._end = networks.build_model(first, start, self._data[0])
        self.phase = self._make_phase(saved, self.state if has_state else None)
        done = self.state.epoch * self.phase.steps + self.state.batch
        cluster.agree(done, "step")

    def _make_phase(self, saved: Any, state: State | None) -> Phase:
        return Phase(
            self._configs[self.state.phase],
            self.cluster,
            saved,
            self._end,
            self._data,
            self._answers,
            state,
            self.folder.feature_cache(self.config),
            self.reporter.message,
        )

    def restore_metrics(self) -> None:
        """Gives the metrics the sums they had when the state was saved inside an epoch."""
        assign(self.phase.variables()["metric"], self.state.arrays["metric"], "metric")

    def _snapshot(self, batch: int) -> None:
        """Takes the variables' values into the state; every worker has to call this."""
        found = {name: values(group) for name, group in self.phase.variables().items()}
        self.check_finite("every weight", batch, *found["model"])
        self.state.arrays = {**found, "best": self.state.arrays["best"]}

    def check_finite(self, what: str, batch: int, *found: Any) -> None:
        """Ends the training if anything found after `batch` batches of the epoch is not finite.

        Nothing is written then, so the run keeps its last state, from which it can go on.
        """
        if not all(np.isfinite(value).all() for value in found):
            phase, state = self.phase, self.state
            where = f" of phase {state.phase + 1}" if len(self._configs) > 1 else ""
            has_state = self.folder.checkpoint.is_file()
            kept = f"{self.folder.path} keeps what it held before" if has_state else "No state yet"
            raise TrainingError(
                f"train: expected {what} to be finite. Received: nan or infinity after step "
                f"{state.phase_epoch * phase.steps + batch} of {phase.config.epochs * phase.steps}"
                f"{where}. {kept}; train anew with a lower --learning-rate."
            )

    def run(self) -> None:
        """Trains the epochs that are left, then marks the run as finished."""
        if self.cluster.task.is_chief and self.state.rows and not self.state.batch:
            self._outputs.everything(self.state, self.phase)
        while True:
            self._run_phase()
            if self.state.phase + 1 == len(self._configs):
                break
            self._next_phase()
        if self.cluster.task.is_chief:
            train, held_out = self._data
            shown = train if held_out is None else held_out
            self._outputs.end(self.state, shown if self.config.decoder else None)

    def _run_phase(self) -> None:
        phase, state = self.phase, self.state
        last = state.epoch - state.phase_epoch + phase.config.epochs
        if len(self._configs) > 1:
            self.reporter.message(f"phase {state.phase + 1}/{len(self._configs)}: {phase.text}")
        self.reporter.start(last, phase.steps, state.epoch * phase.steps + state.batch)
        while not self._is_phase_over():
            self._epoch()

    def _next_phase(self) -> None:
        """Goes on with the weights as they are saved, at the next phase's size, a new optimizer."""
        self.state.phase, self.state.phase_epoch = self.state.phase + 1, 0
        self._is_stopped_by_chief = False
        resolution = self._configs[self.state.phase].resolution
        self.phase = self._make_phase(networks.rebuilt(self.phase.saved, resolution), None)

    def _epoch(self) -> None:
        first = self.state.batch
        logs = self.phase.fit(self.state.epoch, first, [_Steps(self, first), *self._callbacks])
        self._end_epoch(logs)

    def save_inside(self, batch: int) -> None:
        """Saves the state after `batch` batches of an epoch; every worker has to call this."""
        self._snapshot(batch)
        self.state.batch = batch
        if self.cluster.task.is_chief:
            self.state.write(self.folder.checkpoint)

    def _end_epoch(self, logs: dict[str, float]) -> None:
        state = self.state
        self._snapshot(self.phase.steps)
        state.epoch, state.batch, state.phase_epoch = state.epoch + 1, 0, state.phase_epoch + 1
        self.phase.update_saved()
        is_over = 0
        if self.cluster.task.is_chief:
            row, dead = self._row(logs)
            state.rows.append(row)
            if self._is_best(row):
                state.best_epoch = row["epoch"]
                state.arrays["best"] = values(self.phase.saved.variables)
            state.write(self.folder.checkpoint)
            is_over = int(self._is_phase_over())
            self._outputs.epoch(state, self.phase, is_last=bool(is_over))
            self.reporter.epoch(row)
            self._report_dead(row["epoch"], dead)
        if self.cluster.is_multi_worker:  # the others hold no results to decide by
            self._is_stopped_by_chief = bool(self.cluster.sum(is_over))

    def _row(self, logs: dict[str, float]) -> tuple[Row, list[int]]:
        """The epoch's row, and the numbers of the classes without a score."""
        state, phase = self.state, self.phase
        before = state.rows[-1]["step"] if state.rows else 0
        row: Row = {
            "epoch": state.epoch,
            "step": before + phase.steps,
            "learning_rate": phase.learning_rate(state.phase_epoch * phase.steps - 1),
        }
        add_measured(row, "", logs)
        if len(self._configs) > 1:
            row["phase"] = state.phase + 1
        total = state.arrays["metric"][-1]
        if phase.evaluator is not None:
            result, total = phase.evaluate()
            self.check_finite("the loss on the hold-out", 0, result["loss"])
            add_measured(row, "val_", result)
        return row, [index for index, value in enumerate(total) if value == 0]

    def _is_best(self, row: Row) -> bool:
        """Higher accuracy on the hold-out, or the same at a lower loss; without one the latest."""
        if self.phase.held_out is None or not self.state.best_epoch:
            return True
        return merit(row) > merit(self.state.rows[self.state.best_epoch - 1])

    def _is_phase_over(self) -> bool:
        """All epochs done, or the hold-out's result not beaten for `patience` of them."""
        state, config = self.state, self.phase.config
        if self._is_stopped_by_chief or state.phase_epoch >= config.epochs:
            return True
        waited = min(state.epoch - state.best_epoch, state.phase_epoch)
        return config.patience is not None and waited >= config.patience

    def _report_dead(self, epoch: int, dead: list[int]) -> None:
        if dead:
            train, held_out = self._data
            names = ", ".join(train.class_names[index] for index in dead)
            where = "images of the hold-out" if held_out is not None else "training images"
            self.reporter.message(
                f"epoch {epoch}: the score is zero on all {where} for {len(dead)} of "
                f"{train.num_classes} classes: {names}"
            )


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
        if every and done % every == 0 and done < trainer.phase.steps:
            trainer.save_inside(done)
        trainer.reporter.step(trainer.state.epoch + 1, done)
