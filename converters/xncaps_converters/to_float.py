"""Keras -> TFLite file by TensorFlow's own converter."""

from __future__ import annotations

from typing import Any

from xncaps_converters import binary_weights, engines
from xncaps_converters.clone import as_model, clone
from xncaps_converters.output_formats import Made, Options, Report, silent
from xncaps_files import tflite


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
    return make(as_model(model), Options(batch_size=batch_size)).data


def make(model: Any, options: Options, report: Report = silent) -> Made:
    """`convert_float` as an entry of the table of formats."""
    report("copy the model", 0)
    prepared = clone(model, batch_size=options.batch_size)
    report("convert", 0)
    file = tflite.parse(engines.run_tensorflow(prepared))
    return Made(file, binary_weights.all_unpacked(model, "--to float"))
