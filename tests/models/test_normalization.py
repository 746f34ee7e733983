"""BatchNorm: Keras's in one replica, the statistics of the global batch in several.

TensorFlow takes logical devices only before it is initialised, so replicas live in a process of
their own, which trains with and without them.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from xncaps_tf import models
from xncaps_tf._keras import keras, tf

TRAIN = """
import sys
import numpy as np
from xncaps_tf import models
from xncaps_tf._keras import keras, tf

path, norm = sys.argv[1:]
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
rng = np.random.default_rng(4)  # images where no sign of XnIDR is so near zero that it flips
images = rng.uniform(0, 255, (10, 24, 8, 8, 1)).astype("float32")
images[:, ::2] /= 4  # replicas see different brightness: their own statistics would differ
labels = np.eye(4, dtype="float32")[rng.integers(0, 4, (10, 24))]
data = tf.data.Dataset.from_tensor_slices((images, labels))


def train(strategy):
    with strategy.scope():
        model = models.build("small_cnn", "xnidr", (8, 8, 1), 4, seed=1, dropout=0.0)
        if norm == "keras":  # the control: what happens without our layer
            def plain(layer):
                if isinstance(layer, models.BatchNorm):
                    return keras.layers.BatchNormalization.from_config(layer.get_config())
                return layer.__class__.from_config(layer.get_config())
            weights = model.get_weights()
            model = keras.models.clone_model(model, clone_function=plain)
            model.set_weights(weights)
        model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(data, epochs=1, verbose=0)
    return model.get_weights()


one = train(tf.distribute.get_strategy())
two = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
arrays = {f"one{i}": weight for i, weight in enumerate(one)}
arrays |= {f"two{i}": weight for i, weight in enumerate(two)}
np.savez(path, **arrays)
"""


def furthest(path: pathlib.Path) -> float:
    """The largest difference of a weight, relative to 1 or to its own size where that is larger."""
    with np.load(path) as file:
        count = len(file.files) // 2
        pairs = [(file[f"one{i}"], file[f"two{i}"]) for i in range(count)]
    assert count > 20
    return max(float(np.max(np.abs(a - b) / np.maximum(1, np.abs(a)))) for a, b in pairs)


@pytest.mark.parametrize("norm", ["ours", "keras"])
def test_two_replicas_train_to_the_weights_of_one(norm: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "weights.npz"
    subprocess.run([sys.executable, "-c", TRAIN, str(path), norm], check=True, timeout=300)
    if norm == "ours":
        # ten steps of float32 sums in another order; moving averages included
        assert furthest(path) < 1e-5
    else:
        assert furthest(path) > 1e-3  # the test can fail


@pytest.mark.parametrize("shape", [(6, 5, 5, 3), (6, 4, 3), (6, 3)])
@pytest.mark.parametrize("training", [False, True])
def test_one_replica_is_keras(shape: tuple[int, ...], training: bool) -> None:
    x = tf.constant(np.random.default_rng(4).normal(2, 3, shape).astype("float32"))
    ours, keras_own = models.BatchNorm(momentum=0.9), keras.layers.BatchNormalization(momentum=0.9)
    np.testing.assert_array_equal(
        ours(x, training=training).numpy(), keras_own(x, training=training).numpy()
    )
    for a, b in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_frozen_norm_keeps_its_averages() -> None:
    norm = models.BatchNorm(trainable=False)
    x = tf.constant(np.random.default_rng(4).normal(2, 3, (6, 3)).astype("float32"))
    np.testing.assert_allclose(norm(x, training=True), x / np.sqrt(1 + 1e-3), rtol=1e-6)
    np.testing.assert_array_equal(norm.moving_mean.numpy(), 0)
