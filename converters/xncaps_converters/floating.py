"""Keras -> TFLite file by TensorFlow's own converter."""

from __future__ import annotations

from typing import Any

from xncaps_converters import messages
from xncaps_converters.clone import as_model, clone
from xncaps_tf._keras import tf
from xncaps_tf.errors import ConversionError


def convert_float(model: Any, *, batch_size: int | None = 1) -> bytes:
    """The plain TFLite file of a model: float32, TFLite's own ops.

    Args:
        model: a functional or sequential Keras model, or a built layer.
        batch_size: of the file's inputs; None leaves it open.

    Returns:
        The TFLite file, without metadata.

    Raises:
        ConversionError: the model is subclassed or not built, or TensorFlow cannot convert it.
    """
    prepared = clone(as_model(model), batch_size=batch_size)
    return run_converter(tf.lite.TFLiteConverter.from_keras_model(prepared), prepared.name)


def run_converter(converter: Any, name: str) -> bytes:
    """Runs TensorFlow's converter; what it raises becomes one line."""
    try:
        with messages.quiet():
            return converter.convert()
    except Exception as error:  # the converter raises bare Exception with pages of MLIR
        why = messages.first_line(error)
        raise ConversionError(f"TensorFlow cannot convert {name!r}: {why}") from error
