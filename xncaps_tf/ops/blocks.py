"""Work on a part of a tensor after another, in graphs that XLA compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xncaps_tf._keras import tf


def mapped(function: Callable[[Any], Any], parts: Any) -> Any:
    """`function` of each row of the tensors in `parts`, one after another.

    Args:
        function: from a structure of tensors to another one.
        parts: a structure of tensors with one first axis.

    Returns:
        The function's results with that axis in front.
    """

    def first(part: Any) -> Any:
        return part[0]

    def spec(x: Any) -> Any:
        return tf.TensorSpec(x.shape, x.dtype)

    one = function(tf.nest.map_structure(first, parts))  # for its shapes alone
    specs = tf.nest.map_structure(spec, one)
    return tf.map_fn(function, parts, fn_output_signature=specs)


def cut(x: Any, size: int) -> Any:
    """[..., B] as blocks [K, ..., size]; the last one is filled up with zeros."""
    batch, rank = tf.shape(x)[-1], x.shape.rank
    count = -(-batch // size)
    x = tf.pad(x, [[0, 0]] * (rank - 1) + [[0, count * size - batch]])  # [..., K * size]
    x = tf.reshape(x, (*x.shape[:-1], count, size))  # [..., K, size]
    return tf.transpose(x, (rank - 1, *range(rank - 1), rank))


def joined(blocks: Any, batch: Any) -> Any:
    """The inverse of `cut`: [..., B]."""
    rank = blocks.shape.rank
    whole: Any = tf.transpose(blocks, (*range(1, rank - 1), 0, rank - 1))  # [..., K, size]
    whole = tf.reshape(whole, (*whole.shape[:-2], -1))
    return whole[..., :batch]


def divisor(number: int, most: int) -> int:
    """The largest divisor of `number` that is at most `most`, which is 1 or more."""
    return next(found for found in range(min(number, most), 0, -1) if number % found == 0)
