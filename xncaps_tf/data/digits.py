"""The 1,797 handwritten digits of 8x8 pixels that scikit-learn ships: no file, no network."""

from __future__ import annotations

from typing import Any

import numpy as np

from xncaps_tf.data import seeds
from xncaps_tf.data.catalogue import DIGIT_CLASSES
from xncaps_tf.data.dataset import ArrayImages, Dataset

_TEST_SHARE = 5  # every fifth image of a class, in a fixed random order, is a test image


def load(split: str) -> Dataset:
    """Digits, 8x8x1, float32: 0 to 16 scaled to 0 to 255. 1,433 train and 364 test images.

    Source: E. Alpaydin, C. Kaynak 1998, Optical Recognition of Handwritten Digits, UCI, the test
        part, as in sklearn.datasets.load_digits.
    """
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    pixels = np.asarray(bunch["images"], np.float32)[..., None] * np.float32(255 / 16)
    labels = np.asarray(bunch["target"], np.int64)
    order = seeds.numpy_order(len(labels), seed=0)
    is_test = np.zeros(len(labels), bool)
    for digit in range(10):
        is_test[order[labels[order] == digit][::_TEST_SHARE]] = True
    chosen = np.flatnonzero(is_test if split == "test" else ~is_test)
    return Dataset(
        name="digits",
        split=split,
        class_names=DIGIT_CLASSES,
        images=ArrayImages(pixels[chosen]),
        labels=labels[chosen],
        source="sklearn.datasets.load_digits",
    )
