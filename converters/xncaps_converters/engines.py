"""The two converters that make a TFLite file of a Keras model: TensorFlow's and LCE's.

What they raise, pages of MLIR, becomes the one line that says what is wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any

from xncaps_converters.export import quiet, saved, trace
from xncaps_tf._keras import tf
from xncaps_tf.errors import ConversionError


def run_tensorflow(
    model: Any,
    *,
    custom_ops: bool = False,
    dynamic_range: bool = False,
) -> bytes:
    """TensorFlow's converter.

    Args:
        model: a functional `keras.Model`.
        custom_ops: marked functions become custom ops.
        dynamic_range: weights are rounded to int8.

    Raises:
        ConversionError: it cannot convert the model.
    """
    with _told("TensorFlow", model.name):
        inference = trace(model)
        with quiet():
            converter = tf.lite.TFLiteConverter.from_concrete_functions(
                [inference.function], inference.owner
            )
            converter.allow_custom_ops = custom_ops
            if dynamic_range:
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            return converter.convert()


def run_quantizer(data: bytes, name: str) -> bytes:
    """TensorFlow's quantizer: int8 weights and values, float32 at both ends.

    Args:
        data: a float file whose tensors have their ranges; see `calibration`.
        name: of the model, for an error.

    Raises:
        ConversionError: it cannot round the file.
    """
    # Not public: `TFLiteConverter` calls it after a calibration of its own.
    from tensorflow.lite.python.convert import mlir_quantize

    with _told("TensorFlow", name), quiet():
        return mlir_quantize(data)


def run_lce(model: Any) -> bytes:
    """larq-compute-engine's converter.

    Its `convert_keras_model` is not used: where that fails, it converts in another way after a mere
    warning, which loses the marked functions and hides why.

    Args:
        model: a functional `keras.Model`.

    Raises:
        ConversionError: LCE is not installed, or cannot convert the model.
    """
    lce = require_lce()
    with _told("LCE", model.name), saved(trace(model)) as folder:
        return lce.convert_saved_model(folder)


def require_lce() -> Any:
    """The package larq_compute_engine; one line where it is not installed."""
    try:
        import larq_compute_engine
    except ImportError as error:
        raise ConversionError(
            "expected larq-compute-engine, which has wheels for Linux on x86-64, macOS and Windows "
            f"only. Received: {error}. Use --to float here, or convert on one of those."
        ) from error
    return larq_compute_engine


# What TensorFlow's converter cannot do without the size of every step of a loop.
_LOOP = "TensorListReserve"
_RECURRENT = "; recurrent layers need a fixed batch size (--batch 1)"


@contextlib.contextmanager
def _told(who: str, name: str) -> Generator[None]:
    """Tells what a converter raises, bare Exceptions of native code among it, in one line."""
    try:
        yield
    except Exception as error:
        advice = _RECURRENT if _LOOP in str(error) else ""
        line = f"{who} cannot convert {name!r}: {first_line(error)}{advice}"
        raise ConversionError(line) from error


def first_line(error: BaseException) -> str:
    """The line with 'error:' in it, else the first; at most 300 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = next((line for line in lines if "error:" in line), lines[0] if lines else "")
    return f"{type(error).__name__}: {useful[-300:]}"
