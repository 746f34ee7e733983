"""What the capsule rows of the speed table run: our ops, LiteRT's float formulations, LCE's."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from xncaps_runtime import Interpreter

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tests/support"))
import runtime_models as make  # noqa: E402

Call = Callable[[], object]
TURNS = 3


def float_model(n: int, j: int, e: int, d: int = 8, *, idr: bool = False) -> bytes:
    """CapsFC (or a float simulation of XnIDR) by one BatchMatMul with a constant right side."""
    import tensorflow as tf

    kernel = np.random.default_rng(1).normal(0, 0.1, (n, j, d, e)).astype(np.float32)
    right = kernel.transpose(0, 2, 1, 3).reshape(n, d, j * e)

    def sign(x: tf.Tensor) -> tf.Tensor:
        return tf.where(x > 0, 1.0, -1.0)

    @tf.function(input_signature=[tf.TensorSpec([1, n, d], tf.float32)])
    def head(u: tf.Tensor) -> tf.Tensor:
        u_hat = tf.reshape(tf.matmul(u[:, :, None, :], right), [-1, n, j, e])
        logits = v = None
        for turn in range(TURNS):
            if logits is None:
                s = tf.reduce_sum(u_hat, 1) * (1.0 / j)
            else:
                s = tf.reduce_sum(u_hat * tf.nn.softmax(logits, axis=2)[..., None], 1)
            n2 = tf.reduce_sum(s * s, -1, keepdims=True)
            v = s * (n2 / (1.0 + n2) * tf.math.rsqrt(n2 + 1e-9))
            if turn == TURNS - 1:
                break
            if idr:
                a = tf.reduce_sum(sign(u_hat) * sign(v)[:, None], -1)
                a *= tf.reduce_mean(tf.abs(u_hat), -1) * tf.reduce_mean(tf.abs(v), -1)[:, None]
            else:
                a = tf.reduce_sum(u_hat * v[:, None], -1)
            logits = a if logits is None else logits + a
        return v

    module = tf.Module()
    module.head = head
    concrete = head.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], module).convert()


def _invoke(interpreter: Any, values: np.ndarray | None = None) -> Call:
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    if values is None:
        values = np.maximum(np.random.default_rng(2).normal(size=detail["shape"]), 0)
    interpreter.set_tensor(detail["index"], values.astype(np.float32))
    return interpreter.invoke


def litert(model: bytes) -> Call:
    """invoke() of LiteRT with XNNPACK, one thread."""
    from ai_edge_litert.interpreter import Interpreter as Stock

    return _invoke(Stock(model_content=model, num_threads=1))


def delegated(model: bytes) -> Call:
    """invoke() of LiteRT with our delegate and XNNPACK, one thread."""
    return _invoke(Interpreter(model, 1))


def op_model(
    op: str, n: int, j: int, e: int, scale: str = "channel", batch: int = 1, half: bool = False
) -> bytes:
    """A file of one op with random weights; `half`: scales of two bytes."""
    kernel = np.random.default_rng(1).normal(0, 0.1, (n, j, 8, e)).astype(np.float32)
    constants = [kernel]
    if op == "XnCapsOdr":
        channel = make.channel_scale(kernel)
        scales = channel if scale == "channel" else channel.mean(-1)
        constants = [make.pack_bits(kernel), scales.astype(np.float16 if half else np.float32)]
    return make.caps_model(op, constants, (batch, n, 8), (batch, j, e))


def ours(
    op: str, n: int, j: int, e: int, scale: str = "channel", batch: int = 1, threads: int = 1
) -> Call:
    """invoke() of one op in LiteRT with the delegate."""
    return _invoke(Interpreter(op_model(op, n, j, e, scale, batch), threads))


def lce_odr(n: int, j: int, e: int, d: int = 8) -> Call:
    """XnODR in LCE's own interpreter by its indirect kernel, the faster of those it has.

    One grouped 1x1 binary convolution, a group a capsule, which LCE wants in 32 channels at least:
    the rest of them are +1 and -1 and add up to nothing. Then the routing in float.
    """
    import larq as lq
    import larq_compute_engine as lce
    import tensorflow as tf
    from larq_compute_engine.tflite.python.interpreter import Interpreter as LceInterpreter

    padded = 32
    w = np.random.default_rng(1).normal(0, 0.1, (n, j, d, e)).astype(np.float32)
    kernel = np.zeros((padded, n, j, e), np.float32)
    kernel[:d] = -np.where(w > 0, 1, -1).transpose(2, 0, 1, 3)
    kernel[d:] = np.array([1, -1] * ((padded - d) // 2), np.float32)[:, None, None, None]
    kernel = kernel.reshape(1, 1, padded, -1) * np.abs(w).mean(2).reshape(-1)

    def head(u: Any) -> Any:
        x = tf.pad(-u, [[0, 0], [0, 0], [0, padded - d]], constant_values=1.0)
        x = lq.math.sign(tf.reshape(x, [-1, 1, 1, n * padded]))
        y = tf.reshape(tf.nn.conv2d(x, tf.constant(kernel), 1, "VALID"), [-1, n, j, e])
        u_hat = y * tf.reduce_mean(tf.abs(u), -1)[:, :, None, None]
        c, logits, v = 1.0 / j, 0.0, u
        for turn in range(TURNS):
            s = tf.reduce_sum(u_hat * c, 1)
            n2 = tf.reduce_sum(s * s, -1, keepdims=True)
            v = s * (n2 / (1.0 + n2) * tf.math.rsqrt(n2 + 1e-9))
            if turn < TURNS - 1:
                logits = tf.reduce_sum(u_hat * v[:, None], -1) + logits
                c = tf.nn.softmax(logits, axis=2)[..., None]
        return v

    from xncaps_tf._keras import keras

    inputs = keras.Input((n, d), batch_size=1)
    model = keras.Model(inputs, keras.layers.Lambda(head)(inputs))
    interpreter = LceInterpreter(
        lce.convert_keras_model(model), num_threads=1, use_indirect_bgemm=True
    )
    u = [np.maximum(np.random.default_rng(2).normal(size=(1, n, d)), 0).astype(np.float32)]
    return lambda: interpreter.interpreter.predict(u)


def mobilenet() -> tuple[Call, Call]:
    """MobileNetV2 at 224 with XnODR: fused with the passes; float as published, without them."""
    from xncaps_converters import passes, to_float, to_fused
    from xncaps_tf import models

    model = models.build("mobilenet_v2", "xnodr", (224, 224, 3), 10, seed=1)
    rewritten, _ = passes.apply(model)
    return delegated(to_fused.convert_fused(rewritten)), litert(to_float.convert_float(model))


def constants(scale: str) -> int:
    """Bytes of an XnODR head's constants in the file, N128 J10 E16, scales float16."""
    from ai_edge_litert import schema_py_generated as schema

    data = op_model("XnCapsOdr", 128, 10, 16, scale, half=True)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    return sum(len(b.data) for b in model.buffers or [] if b.data is not None)
