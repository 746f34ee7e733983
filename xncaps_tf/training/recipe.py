"""From a config to Keras objects: model, loss, schedule, optimizer, metrics."""

from __future__ import annotations

from typing import Any

from xncaps_tf import models
from xncaps_tf._keras import keras, tf
from xncaps_tf.data import Dataset
from xncaps_tf.errors import TrainingError
from xncaps_tf.layers import ClassScores
from xncaps_tf.losses import MarginLoss, SquaredHinge
from xncaps_tf.metrics import ScoreAccuracy, TwoLabelAccuracy
from xncaps_tf.saving import load_model
from xncaps_tf.schedules import Triangular2
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.folder import RunFolder

_WARMUP_STEPS = 150


class DeadClasses(keras.metrics.Metric):
    """Number of classes whose score was zero on every image so far.

    Args:
        num_classes: of the scores.
        name: the metric's name.

    A class that has died under ReLU gets no gradient any more: it has to be seen in training.
    """

    def __init__(self, num_classes: int, name: str = "dead_classes") -> None:
        super().__init__(name=name, dtype="float32")
        self.total = self.add_weight("total", shape=(num_classes,), initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return self.total.assign_add(tf.reduce_sum(tf.abs(tf.cast(y_pred, tf.float32)), axis=0))

    def result(self) -> Any:
        return tf.reduce_sum(tf.cast(tf.equal(self.total, 0.0), tf.float32))

    def reset_state(self) -> None:
        self.total.assign(tf.zeros_like(self.total))


def start_model(config: TrainConfig, folder: RunFolder) -> Any:
    """The model to fine-tune, or None."""
    path = folder.init_model(config)
    return None if path is None else load_model(path, compile=False)


def image_shape(config: TrainConfig, start: Any) -> tuple[int | None, ...]:
    """(H, W, C) of the model's images; None where the data decides."""
    if config.image_size is not None:
        return config.image_size, config.image_size, 3
    return (None, None, None) if start is None else tuple(start.input_shape[1:])


def build_model(config: TrainConfig, start: Any, train: Dataset) -> Any:
    """The model to train: the one to fine-tune (`start`), or backbone and head.

    Raises:
        TrainingError: the model to fine-tune does not fit the data.
    """
    if start is not None:
        model = _checked(start, train, str(config.init))
        return _named(model, train.class_names)
    return models.build(
        config.backbone,
        config.head,
        train.image_shape,
        train.num_classes,
        weights=config.weights,
        freeze_tail=config.freeze_tail,
        upsampling=config.upsampling,
        class_names=train.class_names,
        dropout=config.dropout,
        scales=config.scales,
        seed=config.seed,
    )


def _checked(model: Any, train: Dataset, source: str) -> Any:
    expected = (tuple(train.image_shape), train.num_classes)
    found = (tuple(model.input_shape[1:]), model.output_shape[-1])
    if found != expected:
        raise TrainingError(
            f"--init: expected a model of images {expected[0]} and {expected[1]} classes, as "
            f"{train.name} has. Received: {source} of images {found[0]} and {found[1]} classes."
        )
    names = models.class_names(model)
    if names is not None and tuple(names) != tuple(train.class_names):
        raise TrainingError(
            f"--init: expected a model of the classes {', '.join(train.class_names)}. "
            f"Received: {source} of {', '.join(names)}."
        )
    return model


def _named(model: Any, names: tuple[str, ...]) -> Any:
    """The model with the class names in it."""
    if models.class_names(model) is not None:
        return model
    for layer in model.layers:
        if isinstance(layer, ClassScores):
            layer.class_names = names
            return model
    taken = {layer.name for layer in model.layers}
    name = next(word for word in ("scores", "named_scores") if word not in taken)
    scores = ClassScores(names, name=name)(model.outputs[0])
    return keras.Model(model.inputs, scores, name=model.name)


def rebuilt(model: Any) -> Any:
    """A model of the same layers and weights but with variables of its own, made in this scope.

    Keras's BatchNormalization becomes `models.BatchNorm`, whose statistics are those of the whole
    batch under a strategy; the weights are the same.
    """
    registered = models.BatchNorm.__name__

    def replace(config: Any) -> Any:
        if isinstance(config, dict):
            config = {key: replace(value) for key, value in config.items()}
            if config.get("class_name") in ("BatchNormalization", "SyncBatchNormalization"):
                config |= {
                    "module": models.BatchNorm.__module__,
                    "class_name": registered,
                    "registered_name": f"xncaps_tf>{registered}",
                }
                config["config"] = {**config["config"]}
                config["config"].pop("synchronized", None)
            return config
        if isinstance(config, (list, tuple)):
            return type(config)(replace(value) for value in config)
        return config

    twin = type(model).from_config(replace(model.get_config()))
    twin.set_weights(model.get_weights())
    return twin


def loss(config: TrainConfig) -> Any:
    """The loss of that name."""
    return {
        "margin": MarginLoss,
        "squared_hinge": SquaredHinge,
        "crossentropy": keras.losses.CategoricalCrossentropy,
    }[config.loss]()


def schedule(config: TrainConfig, steps_per_epoch: int) -> Any:
    """The learning rate as a function of the step: a Keras schedule or a number."""
    total = steps_per_epoch * config.epochs
    if config.schedule == "triangular2":
        base = config.base_learning_rate
        return Triangular2(
            config.learning_rate / 10 if base is None else min(base, config.learning_rate),
            config.learning_rate,
            config.cycle_steps or 2 * steps_per_epoch,
        )
    warmup = config.warmup_steps
    if config.schedule == "constant":
        return _warm(config.learning_rate, warmup or 0, 1, alpha=1.0)
    if warmup is None:
        warmup = min(_WARMUP_STEPS, total // 10)
    return _warm(config.learning_rate, warmup, max(1, total - warmup), alpha=0.0)


def _warm(rate: float, warmup: int, decay: int, alpha: float) -> Any:
    if not warmup:
        if alpha == 1.0:
            return rate
        return keras.optimizers.schedules.CosineDecay(rate, decay, alpha=alpha)
    return keras.optimizers.schedules.CosineDecay(
        rate / (warmup + 1), decay, alpha=alpha, warmup_target=rate, warmup_steps=warmup
    )


def optimizer(config: TrainConfig, steps_per_epoch: int) -> Any:
    """The optimizer with its schedule."""
    rate = schedule(config, steps_per_epoch)
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=config.momentum)
    return keras.optimizers.Adam(rate)


def metrics(train: Dataset) -> list[Any]:
    """Accuracy (of two labels where images have two) and dead classes."""
    is_two_label = train.labels.ndim == 2
    accuracy = TwoLabelAccuracy("accuracy") if is_two_label else ScoreAccuracy("accuracy")
    return [accuracy, DeadClasses(train.num_classes)]
