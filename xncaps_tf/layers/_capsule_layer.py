"""What the fully connected capsule layers share: arguments, the weight, the checks, the call."""

from __future__ import annotations

from typing import Any

import larq as lq

from xncaps_tf import ops
from xncaps_tf._keras import is_recorded, keras, tf
from xncaps_tf.layers import _checks
from xncaps_tf.quantizers import CapsSign


class CapsuleLayer(keras.layers.Layer):
    """Base of CapsFC, XnODR and XnIDR; its subclasses add quantizers (`_quantizer_names`)."""

    _quantizer_names: tuple[str, ...] = ()
    scales = "channel"  # what the scales of a binary kernel are means of; XnODR lets it be chosen

    def __init__(
        self,
        num_capsules: int,
        capsule_dim: int,
        *,
        routing_iterations: int = 3,
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        who = type(self).__name__
        self.num_capsules = _checks.positive_int(who, "num_capsules", num_capsules)
        self.capsule_dim = _checks.positive_int(who, "capsule_dim", capsule_dim)
        self.routing_iterations = _checks.positive_int(
            who, "routing_iterations", routing_iterations
        )
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)

    def _set_quantizers(self, **quantizers: Any) -> None:
        """Resolves and stores the quantizers that a subclass takes."""
        for name, value in quantizers.items():
            setattr(self, name, _checks.quantizer(type(self).__name__, name, value))

    @property
    def _quantizers(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._quantizer_names}

    def build(self, input_shape: Any) -> None:
        shape = tf.TensorShape(input_shape)
        n, d = shape.as_list()[1:] if shape.rank == 3 else (None, None)
        if n is None or d is None:
            raise ValueError(
                f"{type(self).__name__}: expected an input of shape [B, N, D] with N and D known. "
                f"Received: input_shape={tuple(shape) if shape.rank is not None else None}."
            )
        self.kernel = self.add_weight(
            "kernel",
            shape=(n, self.num_capsules, d, self.capsule_dim),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            experimental_autocast=False,  # signs and means are of the weight as it is stored
        )
        # Where larq.models.summary and larq's optimizers look for the bits of a weight.
        precision = getattr(getattr(self, "kernel_quantizer", None), "precision", None)
        if precision is not None:
            self.kernel.precision = precision
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={1: n, 2: d})
        super().build(input_shape)

    def call(self, inputs: Any, training: Any = None) -> Any:
        # Half precision ends here: products, means, squash and softmax are in float32.
        u = tf.cast(inputs, self.kernel.dtype)  # [B, N, D]
        kernel = tf.convert_to_tensor(self.kernel)  # [N, J, D, E]
        signs = self._signs()
        if signs is not None and _is_trained_graph(training):
            v = ops.compiled_capsules(
                u, kernel, self.routing_iterations, signs, kernel_scales=self.scales
            )
        else:
            v = ops.capsules(
                u,
                kernel,
                self.routing_iterations,
                kernel_scales=self.scales,
                **self._quantizers,
            )
        return tf.cast(v, inputs.dtype)  # [B, J, E]

    def _signs(self) -> dict[str, ops.Signs] | None:
        """The quantizers as the compiled training step knows them; None if one is foreign."""
        quantizers = {name: q for name, q in self._quantizers.items() if q is not None}
        if any(type(q) is not CapsSign for q in quantizers.values()):
            return None
        return {name: ops.Signs(q.clip_value) for name, q in quantizers.items()}

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch = tf.TensorShape(input_shape)[:1]
        return batch.concatenate([self.num_capsules, self.capsule_dim])

    def get_config(self) -> dict[str, Any]:
        quantizers = {
            name: None if value is None else lq.quantizers.serialize(value)
            for name, value in self._quantizers.items()
        }
        return {
            **super().get_config(),
            "num_capsules": self.num_capsules,
            "capsule_dim": self.capsule_dim,
            "routing_iterations": self.routing_iterations,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            **quantizers,
        }


def _is_trained_graph(training: Any) -> bool:
    """Whether a graph is being traced whose gradient is taken: nothing that is saved or converted.

    `training` alone would not do: Keras also traces the training calls of what it saves.
    """
    if training is None:
        training = keras.backend.learning_phase()
    is_on = isinstance(training, (bool, int)) and bool(training)
    return is_on and not tf.executing_eagerly() and is_recorded()
