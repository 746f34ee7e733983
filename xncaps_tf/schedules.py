"""The cyclic learning rate of the published trainings."""

from __future__ import annotations

import numbers
from typing import Any

from xncaps_tf._keras import keras, tf


@keras.saving.register_keras_serializable(package="xncaps_tf")
class Triangular2(keras.optimizers.schedules.LearningRateSchedule):
    r"""Learning rate that goes up and down in triangles, each half as high as the one before.

    With \(S\) = `step_size`, in cycle \(c = \lfloor t / 2S \rfloor\) at \(p = t \bmod 2S\):
    \[ \eta(t) = \eta_{min} + (\eta_{max} - \eta_{min})\, 2^{-c} \left(1 - |p / S - 1|\right). \]

    Examples:
        >>> tuple(float(Triangular2(0.0, 1.0, 2)(t)) for t in range(7))
        (0.0, 0.5, 1.0, 0.5, 0.0, 0.25, 0.5)

    Args:
        minimum: learning rate at both ends of a cycle.
        maximum: learning rate in the middle of the first cycle.
        step_size: S, half a cycle in training steps, a positive int.
        name: of its ops.

    Raises:
        TypeError: `step_size` is not an int, a learning rate not a number.
        ValueError: `step_size` is below 1, or not 0 <= minimum <= maximum.

    Source: Smith 2017, section 3.1 ("triangular2"), https://arxiv.org/abs/1506.01186.
    Reference: `xncaps_tf.reference.triangular2`.
    """

    def __init__(
        self, minimum: float, maximum: float, step_size: int, name: str = "triangular2"
    ) -> None:
        super().__init__()
        for key, value in (("minimum", minimum), ("maximum", maximum)):
            if isinstance(value, bool) or not isinstance(value, numbers.Real):
                raise TypeError(f"Triangular2: expected a number. Received: {key}={value!r}.")
        if isinstance(step_size, bool) or not isinstance(step_size, numbers.Integral):
            raise TypeError(
                f"Triangular2: expected a positive int. Received: step_size={step_size!r}."
            )
        if step_size < 1:
            raise ValueError(
                f"Triangular2: expected a positive int. Received: step_size={step_size!r}."
            )
        if not 0 <= minimum <= maximum:
            raise ValueError(
                "Triangular2: expected 0 <= minimum <= maximum. "
                f"Received: minimum={minimum!r}, maximum={maximum!r}."
            )
        self.minimum = float(minimum)
        self.maximum = float(maximum)
        self.step_size = int(step_size)
        self.name = name

    def __call__(self, step: Any) -> Any:
        with tf.name_scope(self.name):
            step = tf.cast(step, tf.int64)  # whole numbers: float32 loses them past 2 ** 24
            cycle = tf.cast(step // (2 * self.step_size), tf.float32)
            position = tf.cast(step % (2 * self.step_size), tf.float32) / self.step_size
            height = (self.maximum - self.minimum) * tf.pow(0.5, cycle)
            return self.minimum + height * (1.0 - tf.abs(position - 1.0))

    def get_config(self) -> dict[str, Any]:
        return {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "step_size": self.step_size,
            "name": self.name,
        }
