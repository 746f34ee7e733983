"""One phase of a training: its network, what it sees of the data, its optimizer."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_tf import data as datasets
from xncaps_tf._keras import keras, tf
from xncaps_tf.data import Augmentation, Dataset
from xncaps_tf.data import augment as augmenting
from xncaps_tf.errors import TrainingError
from xncaps_tf.models import decoder, trunk
from xncaps_tf.models.pooling import pooled_first
from xncaps_tf.training import features, networks, optimizers, recipe
from xncaps_tf.training.cluster import Cluster
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.state import State, assign, values


class Phase:
    """What is trained from a phase's first step to its last.

    Attributes:
        saved: the whole model as it is written: from pixels to scores.
        trained: the graph that fit drives. Its layers are those of `saved` unless a strategy or an
            average of weights asks for variables of its own.
        train, held_out: the data as `trained` reads them: pictures, or a frozen backbone's
            features.
        steps: batches an epoch.

    Args:
        config: of this phase, without phases of its own.
        cluster: the replicas.
        saved: the model that the phase begins with, at the phase's size.
        end: name of its trunk's last layer, or ''.
        data: (training images, hold-out or None).
        answers: a teacher's to the training images, or None.
        state: to begin with: the model and optimizer that it holds of this phase, if any.
        cache: folder of frozen features.
        say: takes a line for a person.
    """

    def __init__(
        self,
        config: TrainConfig,
        cluster: Cluster,
        saved: Any,
        end: str,
        data: tuple[Dataset, Dataset | None],
        answers: NDArray[Any] | None,
        state: State | None,
        cache: pathlib.Path,
        say: Callable[[str], object],
    ) -> None:
        self.config, self.cluster, self.saved, self._end = config, cluster, saved, end
        self._draws = decoder.find(saved) is not None
        self._is_apart = cluster.strategy is not None or config.ema > 0
        self._classes, self._answers = data[0].num_classes, answers
        self._trunk = trunk.layers(saved, end) if end else []
        self._fixed = self._fixed_norms()
        with cluster.scope():
            self._source = networks.rebuilt(saved) if self._is_apart else saved
        if state is not None:
            assign(self._source.variables, state.arrays["model"], "model")
        self.train, self.held_out = data
        self.augment: Augmentation | None = augmenting.get(config.augment)
        if config.freeze_backbone:
            self._see_features(cache, say)
        self.batch_size = self._global_batch(len(self.train))
        self.steps = datasets.num_batches(
            len(self.train), self.batch_size, drop_remainder=config.drop_remainder
        )
        self._build()
        if state is not None:
            assign(list(self.trained.optimizer.variables), state.arrays["optimizer"], "optimizer")
        self.update_saved()

    def _fixed_norms(self) -> frozenset[str]:
        if not self.config.freeze_norms:
            return frozenset()
        kind = keras.layers.BatchNormalization
        return frozenset(layer.name for layer in self._trunk if isinstance(layer, kind))

    def _see_features(self, cache: pathlib.Path, say: Callable[[str], object]) -> None:
        """Replaces the pictures by the features that the trunk makes of them."""
        made = features.Features(cache, self._source, self._end, say)
        is_mirrored = self.augment is not None and self.augment.mirrors
        self.train = made.of(self.train, is_mirrored=is_mirrored)
        if self.held_out is not None:
            self.held_out = made.of(self.held_out, is_mirrored=False)
        self.augment = features.MIRROR if is_mirrored else None

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
        config = self.config
        with self.cluster.scope():
            inner = self._graph(self._source)
            self.trained = self._of_half(inner) if self.augment is features.MIRROR else inner
            slow = [weight for layer in self._trunk for weight in layer.weights]
            optimizer = optimizers.optimizer(config, self.steps, self._own(slow))
            what = recipe.compiled(config, self.saved, self.train)
            self.trained.compile(optimizer, **what)
            optimizer.build(self.trained.trainable_variables)
            found = [tf.zeros([1, *output.shape[1:]]) for output in self.trained.outputs]
            outputs = found if self._draws else found[0]
            self.trained.compiled_loss.build(outputs)  # so that the loss's sums exist
            self.trained.compiled_metrics.build(outputs, outputs)
        self.evaluator: Any = None
        if self.held_out is not None and self.cluster.task.is_chief:
            self.evaluator = self._evaluator(inner)
            if self.evaluator is not self.trained:
                self.evaluator.compile(**recipe.compiled(config, self.saved, self.train))

    def _evaluator(self, inner: Any) -> Any:
        """The graph that the hold-out sees; `inner` is what of the trained one has no mirrors."""
        if self._draws:  # the trained one is told the labels
            return pooled_first(self.saved, self._fixed)
        return self._graph(self.saved) if self._is_apart else inner

    def _graph(self, model: Any) -> Any:
        """The graph over a model's layers that is trained or evaluated."""
        if self.config.freeze_backbone:
            return trunk.head(model, self._end)
        return pooled_first(decoder.trained_graph(model) if self._draws else model, self._fixed)

    def _of_half(self, head: Any) -> Any:
        """The head of data sets whose second half of channels is the mirror image's."""
        both = keras.Input(self.train.image_shape)
        return keras.Model(both, head(features.FirstHalf()(both)), name="head")

    def _own(self, variables: list[Any]) -> list[Any]:
        """The trained model's variables in the place of these of `saved`."""
        places = {variable.ref(): i for i, variable in enumerate(self.saved.variables)}
        return [self._source.variables[places[variable.ref()]] for variable in variables]

    def variables(self) -> dict[str, list[Any]]:
        """By the groups of a state."""
        metrics = [variable for metric in self.trained.metrics for variable in metric.variables]
        return {
            "model": self._source.variables,
            "optimizer": list(self.trained.optimizer.variables),
            "metric": metrics,
        }

    def update_saved(self) -> None:
        """Gives `saved` the weights of now, averaged where the config says so; collective."""
        if not self._is_apart:
            return
        found = values(self._source.variables)
        if self.config.ema:
            places = {variable.ref(): i for i, variable in enumerate(self._source.variables)}
            pairs = zip(
                self.trained.trainable_variables,
                optimizers.averages(self.trained.optimizer),
                strict=True,
            )
            for variable, average in pairs:
                found[places[variable.ref()]] = np.asarray(average.numpy())
        if self.cluster.task.is_chief:
            assign(self.saved.variables, found, "model")

    def fit(self, epoch: int, first: int, callbacks: list[Any]) -> dict[str, float]:
        """Trains the rest of an epoch from batch `first` on; the means over it."""

        def shard(index: int, count: int) -> Any:
            batches = datasets.batches(
                self.train,
                self.batch_size,
                seed=self.config.seed,
                epoch=epoch,
                start=first,
                augment=self.augment,
                drop_remainder=self.config.drop_remainder,
                shard=(index, count),
                beside=self._answers,
            )
            return batches.map(self._told_and_drawn) if self._draws else batches

        batches = self.cluster.distribute(shard)
        with self.train.reading():
            history = self.trained.fit(
                batches,
                initial_epoch=epoch,
                epochs=epoch + 1,
                steps_per_epoch=self.steps - first,
                verbose=0,
                shuffle=False,
                callbacks=callbacks,
            )
        return self._named({name: column[-1] for name, column in history.history.items()})

    def _told_and_drawn(self, images: Any, targets: Any) -> tuple[Any, Any]:
        """Images and labels, and what is wanted of them: targets and pictures of 0 to 1."""
        return (images, targets[:, : self._classes]), (targets, images / 255.0)

    def _named(self, logs: dict[str, float]) -> dict[str, float]:
        """Keras's names of what several outputs came to as those of a run's rows."""
        if not self._draws:
            return logs
        scores, pictures = self.saved.output_names
        names = {f"{scores}_{name}": name for name in ("accuracy", "dead_classes")}
        names |= {"loss": "loss", f"{pictures}_loss": "reconstruction"}
        return {names[name]: value for name, value in logs.items() if name in names}

    def evaluate(self) -> tuple[dict[str, float], NDArray[Any]]:
        """Loss and metrics on the hold-out, and each class's sum of scores."""
        held_out: Any = self.held_out
        batches = datasets.batches(held_out, min(self.batch_size, len(held_out)))
        if self._draws:
            batches = batches.map(_with_pictures)
        with held_out.reading():
            result = self.evaluator.evaluate(batches, verbose=0, return_dict=True)
        return self._named(result), self.evaluator.metrics[-1].total.numpy()

    def learning_rate(self, step: int) -> float:
        """Of the phase's step `step`, counted from 0."""
        schedule: Any = optimizers.schedule(self.config, self.steps)
        rate: Any = schedule(step) if callable(schedule) else schedule
        return float(rate)

    @property
    def text(self) -> str:
        """What is particular about it, for a person."""
        config = self.config
        what = "the head, on features kept of" if config.freeze_backbone else "all layers, on"
        size = f" at {config.resolution} pixels" if config.resolution else ""
        return f"{config.epochs} epochs of {what} {len(self.train)} images{size}"


def _with_pictures(images: Any, targets: Any) -> tuple[Any, tuple[Any, Any]]:
    """A decoder's targets too: the images themselves, from 0 to 1."""
    return images, (targets, images / 255.0)
