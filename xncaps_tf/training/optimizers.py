"""Optimizers and their schedules: what the learning rate is, at which step and for which weight."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from xncaps_tf._keras import keras
from xncaps_tf.schedules import Triangular2
from xncaps_tf.training.config import TrainConfig

_WARMUP_STEPS = 150


class _Rates:
    """Mixed into an optimizer: some variables move at a fraction of the learning rate, and the
    averages of weights stay beside them.

    An optimizer of Keras asks for its `learning_rate` while it adds the update of one variable to
    the graph, so a factor that holds for that long is that variable's.
    """

    _factor: float = 1.0
    _slow: frozenset[Any] = frozenset()
    _slow_factor: float = 1.0

    def slow_down(self, variables: Iterable[Any], factor: float) -> None:
        """Lets these variables move at `factor` times the learning rate."""
        self._slow = frozenset(variable.ref() for variable in variables)
        self._slow_factor = factor

    def update_step(self, gradient: Any, variable: Any) -> Any:
        self._factor = self._slow_factor if variable.ref() in self._slow else 1.0
        try:
            return cast(Any, super()).update_step(gradient, variable)
        finally:
            self._factor = 1.0

    def finalize_variable_values(self, var_list: Any) -> None:
        """Nothing: fit would put the averages of an EMA into the model after every epoch."""

    @property
    def learning_rate(self) -> Any:
        rate = cast(Any, super()).learning_rate
        return rate if self._factor == 1.0 else rate * self._factor


class Adam(_Rates, keras.optimizers.Adam):
    """Keras's Adam, with `slow_down`."""


class SGD(_Rates, keras.optimizers.SGD):
    """Keras's SGD, with `slow_down`."""


def optimizer(config: TrainConfig, steps_per_epoch: int, backbone: Iterable[Any] = ()) -> Any:
    """The optimizer of a phase with its schedule.

    Args:
        config: of one phase.
        steps_per_epoch: of that phase.
        backbone: variables that `config.backbone_learning_rate` holds for.
    """
    rate = schedule(config, steps_per_epoch)
    ema = {"use_ema": True, "ema_momentum": config.ema} if config.ema else {}
    if config.optimizer == "sgd":
        made = SGD(rate, momentum=config.momentum, **ema)
    else:
        made = Adam(rate, **ema)
    if config.backbone_learning_rate is not None:
        made.slow_down(backbone, config.backbone_learning_rate / config.learning_rate)
    return made


def averages(found: Any) -> list[Any]:
    """The averaged weights that an optimizer with EMA keeps, in the order of its variables."""
    return list(found._model_variables_moving_average)


def schedule(config: TrainConfig, steps_per_epoch: int) -> Any:
    """The learning rate as a function of the phase's step: a Keras schedule or a number."""
    total = steps_per_epoch * config.epochs
    if config.schedule == "triangular2":
        base = config.base_learning_rate
        return Triangular2(
            config.learning_rate / 10 if base is None else base,
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
