"""The contract of every layer, as one call: for our own tests and for layers made from ours."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

from xncaps_tf._keras import keras, tf

# From float32 to float16 an input moves by half an ulp, 2 ** -11; the layers' means and softmax
# keep that order, so outputs of size 1 may move by a few of it.
_HALF_TOLERANCE = 2.0**-11 * 8


def check_layer(
    make: Callable[..., Any],
    inputs: Any,
    output_shape: tuple[int, ...],
    *,
    trainable_weights: int,
    half_precision: bool = True,
) -> Any:
    """Runs a layer through what every Keras layer has to do.

    Shapes, eager and symbolic; the dtype; the number of trainable weights; round trips by config
    and by a .keras file; one training step in which every trainable weight gets a finite gradient;
    the policy mixed_float16.

    Args:
        make: makes a new layer; takes keywords of keras.layers.Layer such as `dtype`.
        inputs: float32 array `[B, ...]`.
        output_shape: what `inputs` has to give, with B.
        trainable_weights: how many weights the layer trains.
        half_precision: whether the layer has to work under mixed_float16.

    Returns:
        The layer, built.

    Raises:
        AssertionError: the layer breaks the contract; the message says where.
    """
    inputs = np.asarray(inputs, np.float32)
    layer = make()
    outputs = layer(inputs)
    _expect(tuple(outputs.shape) == output_shape, f"eager shape {tuple(outputs.shape)}")
    _expect(outputs.dtype == tf.float32, f"dtype {outputs.dtype}")
    count = len(layer.trainable_weights)
    _expect(count == trainable_weights, f"{count} trainable weights")
    _check_symbolic(make, inputs, output_shape)
    _check_config(make, layer, inputs, outputs)
    _check_saved(make, inputs)
    _check_training_step(make, inputs)
    if half_precision:
        _check_half_precision(layer, inputs, outputs)
    return layer


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(f"check_layer: {what}")


def _model(layer: Any, shape: tuple[int, ...]) -> Any:
    entry = keras.Input(shape)
    return keras.Model(entry, layer(entry))


def _check_symbolic(make: Callable[..., Any], inputs: Any, output_shape: tuple[int, ...]) -> None:
    shape = (None, *inputs.shape[1:])
    symbolic = make()(keras.Input(shape[1:]))
    _expect(tuple(symbolic.shape) == (None, *output_shape[1:]), f"symbolic shape {symbolic.shape}")
    computed = tuple(tf.TensorShape(make().compute_output_shape(shape)))
    _expect(computed == (None, *output_shape[1:]), f"compute_output_shape {computed}")


def _check_config(make: Callable[..., Any], layer: Any, inputs: Any, outputs: Any) -> None:
    twin = layer.__class__.from_config(layer.get_config())
    twin.build(inputs.shape)
    twin.set_weights(layer.get_weights())
    same = twin.get_config() == layer.get_config()
    _expect(same, f"config {twin.get_config()} is not {layer.get_config()}")
    _expect(np.array_equal(twin(inputs), outputs), "another output after a round trip by config")
    other = keras.layers.deserialize(keras.layers.serialize(layer))
    _expect(type(other) is type(layer), f"deserialize gives {type(other)}")


def _check_saved(make: Callable[..., Any], inputs: Any) -> None:
    model: Any = _model(make(), inputs.shape[1:])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "layer.keras"
        model.save(path)
        loaded: Any = keras.models.load_model(path)
    _expect(np.array_equal(loaded(inputs), model(inputs)), "another output after saving as .keras")


def _check_training_step(make: Callable[..., Any], inputs: Any) -> None:
    layer = make()
    model: Any = _model(layer, inputs.shape[1:])
    optimizer = keras.optimizers.legacy.SGD(0.1)

    @tf.function
    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(model(x, training=True)))
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        return gradients

    before = [weight.numpy() for weight in layer.trainable_weights]
    gradients = step(tf.constant(inputs))
    for weight, old, gradient in zip(layer.trainable_weights, before, gradients, strict=True):
        _expect(bool(np.all(np.isfinite(gradient))), f"a gradient of {weight.name} is not finite")
        _expect(not np.array_equal(weight.numpy(), old), f"{weight.name} is not trained")


def _check_half_precision(layer: Any, inputs: Any, outputs: Any) -> None:
    config = {**layer.get_config(), "dtype": "mixed_float16"}
    half = layer.__class__.from_config(config)
    half.build(inputs.shape)
    half.set_weights(layer.get_weights())
    # The twin gets the inputs as float16 holds them, so that no sign differs.
    rounded = np.float32(np.float16(inputs))
    result = half(rounded)
    _expect(result.dtype == tf.float16, f"dtype {result.dtype} under mixed_float16")
    kinds = {weight.dtype for weight in half.trainable_weights}
    _expect(kinds <= {tf.float32}, f"weights of {kinds} under mixed_float16")
    error = np.max(np.abs(np.float32(result) - layer(rounded).numpy()), initial=0.0)
    limit = _HALF_TOLERANCE * max(1.0, float(np.max(np.abs(outputs), initial=0.0)))
    _expect(error <= limit, f"error {error} under mixed_float16, more than {limit}")
