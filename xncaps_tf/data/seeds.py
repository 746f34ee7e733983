"""Draws that are functions of their seeds and of nothing else.

In graphs: stateless Philox of TensorFlow, whose numbers do not change between versions. In NumPy:
the raw output of the Philox bit generator, which NumPy keeps stable (its `Generator` methods, such
as `permutation`, may change from version to version).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_tf._keras import tf

# One number a purpose, so that two purposes with one seed never share draws.
SHUFFLE, AUGMENT, OVERLAP, AFFINE = range(4)
_STREAMS = 8
_UINT64 = 2**64


def pair(seed: int, counter: Any, stream: int) -> Any:
    """The int64 [2] seed of stateless ops for draw number `counter` of a purpose."""
    signed = (int(seed) + _UINT64 // 2) % _UINT64 - _UINT64 // 2
    return tf.stack(
        [tf.constant(signed, tf.int64), tf.cast(counter, tf.int64) * _STREAMS + stream]
    )  # [2]


def uniform(shape: Any, seed: int, counter: Any, stream: int) -> Any:
    """float32 of `shape` in [0, 1)."""
    return tf.random.stateless_uniform(shape, pair(seed, counter, stream), alg="philox")


def bits(shape: Any, dtype: Any, seed: int, counter: Any, stream: int) -> Any:
    """Integers of `shape`, uniform over all that the dtype has."""
    whole: Any = None  # TensorFlow's word for it, which its annotations leave out
    return tf.random.stateless_uniform(
        shape,
        pair(seed, counter, stream),
        minval=whole,
        maxval=whole,
        dtype=dtype,
        alg="philox",
    )


def order(size: int, seed: int, counter: Any) -> Any:
    """A permutation of 0 ... size - 1, int64 [size]."""
    keys = bits([size], tf.int64, seed, counter, SHUFFLE)  # [size]
    return tf.cast(tf.argsort(keys, stable=True), tf.int64)  # [size]


def numpy_order(size: int, seed: int) -> NDArray[Any]:
    """The same outside of TensorFlow (another permutation): int64 [size]."""
    keys = np.random.Philox(key=int(seed) % _UINT64).random_raw(size)
    return np.argsort(keys, kind="stable").astype(np.int64)
