"""Two replicas in a process of their own (devices are set once a process)."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import numpy as np
from xncaps_tf._keras import keras, tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from xncaps_tf.layers import CapsFC, SeededDropout, XnIDR, XnODR

x = np.random.default_rng(0).normal(size=(11, 6, 8)).astype("float32")
y = np.zeros((11, 3, 4), "float32")

def model(layer):
    keras.utils.set_random_seed(5)
    entry = keras.Input((6, 8))
    out = layer(3, 4)(SeededDropout(0.5, seed=1)(entry))
    made = keras.Model(entry, out)
    made.compile(keras.optimizers.legacy.SGD(1.0), "mse")
    return made

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for layer in (CapsFC, XnODR, XnIDR):
    with strategy.scope():
        two = model(layer)
    one = model(layer)
    start = one.get_weights()[-1].copy()
    for each in (one, two):
        each.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        assert np.abs(a - b).max() <= 1e-5, (layer, np.abs(a - b).max())
    weights = {w.name: w.numpy() for w in two.weights}
    assert weights["seeded_dropout/step:0"] == 6 if layer is CapsFC else True
    assert np.abs(one.get_weights()[-1]).max() > 0
print("equal")
"""


def test_replicas_train_to_the_weights_of_one():
    """Uneven last batch (11 = 4 + 4 + 3) and dropout: the draws follow the global example."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith("equal")
