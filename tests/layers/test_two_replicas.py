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

x = np.random.default_rng(0).normal(size=(12, 6, 8)).astype("float32")
y = np.zeros((12, 3, 4), "float32")

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
    for each in (one, two):
        each.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        assert np.abs(a - b).max() <= 1e-5, (layer, np.abs(a - b).max())
    assert two.layers[1].get_weights()[0] == 6

# Uneven parts, as of a last batch of three: the draws are those of the three in one process.
with strategy.scope():
    layer = SeededDropout(0.5, seed=1)
    layer.build((None, 100))
parts = strategy.experimental_distribute_values_from_function(
    lambda c: tf.ones((2 - c.replica_id_in_sync_group, 100))
)
run = tf.function(lambda part: strategy.run(lambda x: layer(x, training=True), (part,)))
alone = SeededDropout(0.5, seed=1)
for _ in range(2):
    both = np.concatenate([p.numpy() for p in strategy.experimental_local_results(run(parts))])
    assert np.array_equal(both, alone(tf.ones((3, 100)), training=True))
print("equal")
"""


def test_replicas_train_to_the_weights_of_one():
    """With dropout: its draws follow the example's place in the global batch."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=600)

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith("equal")
