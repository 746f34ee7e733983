"""XLA compiles what is trained, and never reaches what is saved or converted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from xncaps_tf import ops
from xncaps_tf._keras import keras, tf
from xncaps_tf.layers import CapsFC, CapsSign, XnIDR, XnODR
from xncaps_tf.ops import xla

LAYERS = {"CapsFC": CapsFC, "XnODR": XnODR, "XnIDR": XnIDR}
XLA = "_XlaMustCompile"
N, D, J, E = 12, 8, 5, 6


def _model(name="XnODR", **arguments):
    entry = keras.Input((N, D))
    return keras.Model(entry, LAYERS[name](J, E, **arguments)(entry))


def _uses_xla(concrete):
    """Whether a traced function or one that it calls has to be compiled."""
    graph = concrete.graph.as_graph_def()
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    attributes = [*nodes, *graph.library.function]
    return any(XLA in item.attr and item.attr[XLA].b for item in attributes)


def _step(model, jit_compile=None):
    @tf.function(jit_compile=jit_compile)
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(model(x, training=True)))
        return loss, *tape.gradient(loss, model.trainable_weights)

    return step


def _inputs(batch=4):
    return tf.constant(np.random.default_rng(batch).normal(size=(batch, N, D)), tf.float32)


@pytest.mark.parametrize("name", LAYERS)
def test_training_call_in_a_tf_function_is_compiled(name):
    model = _model(name)

    assert _uses_xla(_step(model).get_concrete_function(tf.TensorSpec((None, N, D))))


def test_fit_is_compiled_without_being_asked():
    model = _model()
    model.compile("sgd", "mse")
    model.fit(_inputs(8), np.zeros((8, J, E)), batch_size=4, verbose=0)
    step = model.train_function

    x = tf.data.Dataset.from_tensors((_inputs(), tf.zeros((4, J, E))))
    assert _uses_xla(step.get_concrete_function(iter(x)))


def test_a_tape_outside_the_tf_function_is_enough():
    model = _model()
    call = tf.function(lambda x: model(x, training=True))
    with tf.GradientTape():
        assert _uses_xla(call.get_concrete_function(tf.TensorSpec((None, N, D))))


def test_a_training_call_of_which_no_gradient_is_taken_is_not_compiled():
    """So what is saved or converted with training=True on purpose (dropout at inference) is not."""
    model = _model()
    call = tf.function(lambda x: model(x, training=True))

    assert not _uses_xla(call.get_concrete_function(tf.TensorSpec((None, N, D))))


@pytest.mark.parametrize("training", [None, False])
def test_other_calls_are_not_compiled(training):
    model = _model()
    call = tf.function(lambda x: model(x, training=training))

    with tf.GradientTape():
        assert not _uses_xla(call.get_concrete_function(tf.TensorSpec((None, N, D))))


def test_a_foreign_quantizer_is_not_compiled():
    model = _model(kernel_quantizer="ste_sign")

    assert not _uses_xla(_step(model).get_concrete_function(tf.TensorSpec((None, N, D))))


@pytest.mark.parametrize("name", LAYERS)
def test_nothing_saved_or_converted_is_compiled(name, tmp_path):
    model = _model(name)
    model.compile("sgd", "mse")
    model.fit(_inputs(), np.zeros((4, J, E)), verbose=0)

    model.save(tmp_path / "model")
    loaded = tf.saved_model.load(str(tmp_path / "model"))

    assert not _uses_xla(loaded.signatures["serving_default"])
    # Keras also stores the layers' training calls: not even those.
    assert XLA.encode() not in (tmp_path / "model" / "saved_model.pb").read_bytes()
    result = loaded.signatures["serving_default"](_inputs())
    np.testing.assert_allclose(next(iter(result.values())), model(_inputs()), rtol=0, atol=1e-6)

    model.export(str(tmp_path / "exported"))
    assert XLA.encode() not in (tmp_path / "exported" / "saved_model.pb").read_bytes()

    tflite = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    interpreter = tf.lite.Interpreter(model_content=tflite)
    details = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(details["index"], (4, N, D))
    interpreter.allocate_tensors()
    interpreter.set_tensor(details["index"], _inputs().numpy())
    interpreter.invoke()
    converted = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(converted, model(_inputs()), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_inside_another_layer_is_saved_uncompiled(name, tmp_path):
    class Wrapper(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = LAYERS[name](J, E)

        def call(self, inputs):
            return self.inner(inputs)

    entry = keras.Input((N, D))
    model = keras.Model(entry, Wrapper()(entry))

    model.save(tmp_path / "model", save_format="tf")

    assert XLA.encode() not in (tmp_path / "model" / "saved_model.pb").read_bytes()


@pytest.mark.parametrize("name", LAYERS)
def test_a_reloaded_saved_model_trains_on(name, tmp_path):
    model = _model(name)
    model.save(tmp_path / "model", save_format="tf")
    loaded = keras.models.load_model(tmp_path / "model")

    for one, two in zip(_step(loaded)(_inputs()), _step(model)(_inputs()), strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_it_works_inside_the_callers_xla(name):
    model = _model(name)

    inside = _step(model, jit_compile=True)(_inputs())

    for one, two in zip(inside, _step(model)(_inputs()), strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_it_works_under_mirrored_strategy(name):
    devices = tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = _model(name)
        model.compile(keras.optimizers.legacy.SGD(0.1), "mse")
    twin = _model(name)
    twin.set_weights(model.get_weights())
    twin.compile(keras.optimizers.legacy.SGD(0.1), "mse")
    x, y = _inputs(8), np.zeros((8, J, E))

    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    twin.fit(x, y, batch_size=4, shuffle=False, verbose=0)

    np.testing.assert_allclose(model.get_weights()[0], twin.get_weights()[0], rtol=0, atol=1e-6)


NAMES = ("input_quantizer", "kernel_quantizer", "prediction_quantizer", "pose_quantizer")


# All sets of quantizers; with one turn those of the agreement have nothing to do.
CASES = [
    *((given, 3) for given in itertools.product([0, 1], repeat=4)),
    *(((*given, 1, 1), 1) for given in itertools.product([0, 1], repeat=2)),
]


def _compare(given, turns, batch, *, signature=None):
    """Plain and compiled results and gradients, in float64.

    Windows of 1, 0.3, none and 0.1, with values beyond each. D is odd: a sum of D signs is never
    zero, so no sign hangs on rounding."""
    rng = np.random.default_rng(turns)
    d = 7
    u = tf.constant(rng.normal(size=(batch, N, d)), tf.float64)
    kernel = tf.constant(rng.normal(size=(N, J, d, E)), tf.float64)
    weights = tf.constant(rng.normal(size=(batch, J, E)), tf.float64)
    clips = dict(zip(NAMES, (1.0, 0.3, None, 0.1), strict=True))
    used = [name for name, use in zip(NAMES, given, strict=True) if use]
    quantizers = {name: CapsSign(clips[name], dtype="float64") for name in used}
    signs = {name: ops.Signs(clips[name]) for name in used}

    def gradients(function, u):
        with tf.GradientTape() as tape:
            tape.watch([u, kernel])
            v = function(u)
            loss = tf.reduce_sum(v * weights)
        return v, *tape.gradient(loss, [u, kernel])

    plain = gradients(lambda u: ops.capsules(u, kernel, turns, **quantizers), u)
    by_hand = tf.function(
        lambda u: gradients(lambda u: ops.compiled_capsules(u, kernel, turns, signs), u),
        input_signature=signature,
    )(u)

    for one, two in zip(plain, by_hand, strict=True):
        # float64 sums of 96 terms of size 10: 1e-16 * 10 * 96; no sign is within that of zero.
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-11)


@pytest.mark.parametrize(("given", "turns"), CASES, ids=str)
def test_gradient_by_hand_equals_automatic_one(given, turns):
    _compare(given, turns, 3)


BLOCKED = [
    ((1, 1, 0, 0), 3),
    ((0, 0, 1, 1), 3),
    ((0, 0, 1, 0), 2),
    ((0, 0, 0, 0), 4),
    ((1,) * 4, 1),
    ((1, 1, 0, 0), 1),
]


@pytest.mark.parametrize(("given", "turns"), BLOCKED, ids=str)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_blocks_of_a_batch_equal_the_whole(given, turns, known, monkeypatch):
    """22 examples in blocks of 4, the last one of 2; and a batch that is not known beforehand."""
    monkeypatch.setattr(xla, "BLOCK_BYTES", 0)
    seen = []
    whole = xla.blocks.cut
    monkeypatch.setattr(xla.blocks, "cut", lambda x, size: seen.append(size) or whole(x, size))
    signature = None if known else [tf.TensorSpec((None, N, 7), tf.float64)]
    _compare(given, turns, 22, signature=signature)
    assert set(seen) == {4}


@pytest.mark.parametrize(
    ("number", "most", "found"), [(128, 13, 8), (7, 6, 1), (7, 99, 7), (1, 1, 1)]
)
def test_divisor(number, most, found):
    assert xla.blocks.divisor(number, most) == found


def test_second_derivative_of_a_training_call_is_refused():
    layer = CapsFC(J, E)

    @tf.function
    def twice(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(layer(x, training=True))
            slope = inner.gradient(loss, x)
        return outer.gradient(slope, x)

    with pytest.raises(NotImplementedError, match="second derivative; call the layer with"):
        twice(_inputs())


def test_second_derivative_of_an_inference_call_exists():
    layer = CapsFC(J, E)
    x = _inputs()
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_sum(tf.square(layer(x, training=False)))
        slope = inner.gradient(loss, x)

    assert np.abs(outer.gradient(slope, x)).max() > 0


def test_training_survives_a_smaller_last_batch():
    model = _model()
    model.compile("sgd", "mse")

    history = model.fit(_inputs(10), np.zeros((10, J, E)), batch_size=4, epochs=2, verbose=0)

    assert np.all(np.isfinite(history.history["loss"]))
