"""MultiMNIST as a tfds data set: importing this registers it.

import xncaps_tf.data.multi_mnist
tfds.load("multi_mnist/published")
"""

from __future__ import annotations

from xncaps_tf.data.multi_mnist.multi_mnist_dataset_builder import Builder

__all__ = ["Builder"]
