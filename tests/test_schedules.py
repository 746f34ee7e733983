"""The triangular2 cyclic learning rate."""

from __future__ import annotations

import numpy as np
import pytest

from xncaps_tf import reference, schedules
from xncaps_tf._keras import keras, tf


@pytest.mark.parametrize("step_size", [1, 7, 100])
def test_schedule_equals_numpy_loops(step_size):
    schedule = schedules.Triangular2(1e-4, 6e-3, step_size)
    steps = [*range(4 * step_size + 3), 20 * step_size + 1]

    rates = [float(schedule(step)) for step in steps]

    expected = [reference.triangular2(step, 1e-4, 6e-3, step_size) for step in steps]
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


def test_whole_steps_count_past_what_float32_holds():
    schedule = schedules.Triangular2(0.0, 1.0, 3)
    far = 2**26  # 67,108,864 = 6 * 11,184,810 + 4: position 4, height 0.5 ** 11,184,810 = 0

    assert float(schedule(tf.constant(far, tf.int64))) == 0.0
    near = schedules.Triangular2(0.0, 1.0, 2**25)
    assert float(near(tf.constant(2**24 + 1, tf.int64))) == pytest.approx(0.5, rel=1e-6)


def test_optimizer_follows_it():
    variable = tf.Variable(0.0)
    optimizer = keras.optimizers.SGD(schedules.Triangular2(0.0, 1.0, 2))
    moves = []
    for _ in range(6):
        before = float(variable)
        optimizer.apply_gradients([(tf.constant(-1.0), variable)])
        moves.append(float(variable) - before)

    assert moves == [0.0, 0.5, 1.0, 0.5, 0.0, 0.25]


def test_schedule_is_registered_and_survives_serialisation():
    schedule = schedules.Triangular2(1e-4, 6e-3, 7, name="cycle")
    config = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(config)

    assert isinstance(again, schedules.Triangular2)
    assert again.get_config() == schedule.get_config()
    optimizer = keras.optimizers.Adam(schedule)
    twin = keras.optimizers.Adam.from_config(optimizer.get_config())
    assert float(twin.learning_rate) == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((0.1, 1.0, 0), ValueError, "step_size=0"),
        ((0.1, 1.0, 2.5), TypeError, "step_size=2.5"),
        ((0.1, "1", 2), TypeError, "maximum='1'"),
        ((1.0, 0.1, 2), ValueError, "minimum=1.0, maximum=0.1"),
        ((-0.1, 0.1, 2), ValueError, "minimum=-0.1, maximum=0.1"),
    ],
)
def test_wrong_argument_is_named(arguments, error, text):
    with pytest.raises(error, match=f"Triangular2: expected .* Received: {text}"):
        schedules.Triangular2(*arguments)
