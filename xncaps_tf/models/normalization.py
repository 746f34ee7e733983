"""Batch normalisation that computes the same thing in one process and in many."""

from __future__ import annotations

from typing import Any

from xncaps_tf._keras import keras, tf


@keras.saving.register_keras_serializable(package="xncaps_tf")
class BatchNorm(keras.layers.BatchNormalization):
    r"""Keras's BatchNormalization, with the statistics of the whole batch under a strategy.

    In one replica it is `keras.layers.BatchNormalization`, fused where that is (rank 4). In several
    replicas of a `tf.distribute` strategy, a training step takes mean and variance over all of
    them, in two passes (first the mean, then the mean of squared distances), and updates the moving
    variance with the factor n / (n - 1) where the fused kernel of one process does. So the same
    model, built or saved anywhere, trains to the same weights with the same global batch.

    Args, input and output shape, weights: as `keras.layers.BatchNormalization`; the axis is the
    last one and `renorm`, `virtual_batch_size`, masks are not used.

    Source: Ioffe and Szegedy 2015, algorithm 1, https://arxiv.org/abs/1502.03167.
    Differs from Keras: `synchronized=True` there is fixed when the model is built, is never fused,
        subtracts E(x)^2 from E(x^2), and leaves the factor n / (n - 1) out.
    """

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1 or not self.trainable:
            return super().call(inputs, training=training, mask=mask)
        if training is None:
            training = keras.backend.learning_phase()
        if not tf.is_tensor(training) and not training:
            return super().call(inputs, training=False, mask=mask)
        return self._synchronized(inputs, context)

    def _synchronized(self, inputs: Any, context: Any) -> Any:
        """One training step's normalisation over all replicas; x is [B, ..., C]."""
        x = tf.cast(inputs, tf.float32)
        axes = list(range(x.shape.rank - 1))
        plus = tf.distribute.ReduceOp.SUM
        local = tf.cast(tf.reduce_prod(tf.shape(x)[:-1]), tf.float32)
        count = context.all_reduce(plus, local)
        mean = context.all_reduce(plus, tf.reduce_sum(x, axes)) / count  # [C]
        squares = tf.reduce_sum(tf.square(x - mean), axes)
        variance = context.all_reduce(plus, squares) / count  # [C]
        unbiased = variance * count / tf.maximum(count - 1.0, 1.0) if self.fused else variance
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, unbiased)
        scale: Any = self.gamma
        offset: Any = self.beta
        y = tf.nn.batch_normalization(x, mean, variance, offset, scale, self.epsilon)
        return tf.cast(y, inputs.dtype)  # [B, ..., C]

    def _move(self, average: Any, value: Any) -> None:
        average.assign(average * self.momentum + tf.stop_gradient(value) * (1.0 - self.momentum))
