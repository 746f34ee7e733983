"""Dropout whose draws can be repeated."""

from __future__ import annotations

import numbers
from typing import Any

from xncaps_tf._keras import keras, tf


@keras.saving.register_keras_serializable(package="xncaps_tf")
class SeededDropout(keras.layers.Layer):
    r"""Dropout that draws nothing from a generator: a function of (seed, step, example).

    In training an element is kept with probability \(1 - p\), then divided by \(1 - p\); else the
    layer is the identity. The weight `step` counts the training calls, so a training that continues
    from a checkpoint draws what an undisturbed one would have drawn. Under tf.distribute an example
    is counted in the global batch (replica after replica), so the draws are those of one process
    with the whole batch.

    Examples:
        >>> SeededDropout(0.3, seed=1)(tf.ones((2, 3))).numpy().tolist()
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]

    Args:
        rate: p, a number with 0 <= p < 1.
        seed: an int; two layers of one model need different ones to be independent.

    Input shape: `[B, ...]`.
    Output shape: the same.
    Weights: `step`, int64, not trainable.

    Raises:
        TypeError: `rate` is not a number or `seed` not an int.
        ValueError: `rate` is outside [0, 1).

    Source: Srivastava et al. 2014, section 4, https://jmlr.org/papers/v15/srivastava14a.html.
    Differs from the source and from keras.layers.Dropout: stateless Philox draws. Those inside a
        function with `jit_compile=True` are others than outside: XLA counts in another order.
    """

    def __init__(self, rate: float, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(rate, bool) or not isinstance(rate, numbers.Real):
            raise TypeError(f"SeededDropout: expected a number. Received: rate={rate!r}.")
        if not 0 <= rate < 1:
            raise ValueError(f"SeededDropout: expected 0 <= rate < 1. Received: rate={rate!r}.")
        if isinstance(seed, bool) or not isinstance(seed, numbers.Integral):
            raise TypeError(f"SeededDropout: expected an int. Received: seed={seed!r}.")
        self.rate = float(rate)
        self.seed = int(seed)

    def build(self, input_shape: Any) -> None:
        self.step = self.add_weight(
            "step",
            shape=(),
            dtype=tf.int64,
            initializer="zeros",
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        super().build(input_shape)

    def call(self, inputs: Any, training: Any = None) -> Any:
        if training is None:
            training = keras.backend.learning_phase()
        if isinstance(training, (bool, int)):
            return self._drop(inputs) if training and self.rate else tf.identity(inputs)
        return tf.cond(
            tf.cast(training, tf.bool), lambda: self._drop(inputs), lambda: tf.identity(inputs)
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tf.TensorShape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}

    def _drop(self, inputs: Any) -> Any:
        step = tf.identity(self.step)
        self.step.assign_add(1)
        offset, total = _place_in_global_batch(tf.shape(inputs, out_type=tf.int64)[0])
        shape = tf.concat([[total], tf.shape(inputs, out_type=tf.int64)[1:]], axis=0)
        # The whole global batch is drawn and cut, for draws that do not depend on the replicas.
        draws = tf.random.stateless_uniform(
            shape, tf.stack([tf.constant(self.seed, tf.int64), step]), alg="philox"
        )
        draws = draws[offset : offset + tf.shape(inputs, out_type=tf.int64)[0]]
        kept = inputs / tf.cast(1.0 - self.rate, inputs.dtype)
        return tf.where(draws >= self.rate, kept, tf.zeros_like(inputs))


def _place_in_global_batch(size: Any) -> tuple[Any, Any]:
    """Index of this replica's first example in the global batch, and the size of that batch."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tf.zeros_like(size), size
    replicas = context.num_replicas_in_sync
    mine = tf.one_hot(context.replica_id_in_sync_group, replicas, dtype=tf.int64) * size
    sizes = context.all_reduce(tf.distribute.ReduceOp.SUM, mine)  # [replicas]
    before = tf.range(replicas) < context.replica_id_in_sync_group
    return tf.reduce_sum(tf.where(before, sizes, 0)), tf.reduce_sum(sizes)
