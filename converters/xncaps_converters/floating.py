"""Keras -> TFLite file by TensorFlow's own converter."""

from __future__ import annotations

from typing import Any

from xncaps_converters import engines
from xncaps_converters.clone import as_model, clone


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
    return engines.run_tensorflow(clone(as_model(model), batch_size=batch_size))
