"""Composite files: equal to Keras on a stock LiteRT and with the delegate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter as StockInterpreter

from xncaps_converters import composite, tflite_file
from xncaps_runtime import Interpreter as XncapsInterpreter
from xncaps_tf import layers
from xncaps_tf._keras import keras
from xncaps_tf.errors import ConversionError


def _model(kind: Any) -> Any:
    u = keras.Input((6, 8))
    layer = kind(4, 5)
    v = layer(keras.layers.ReLU()(u))
    rng = np.random.default_rng(4)
    layer.kernel.assign(rng.normal(size=layer.kernel.shape).astype(np.float32))
    return keras.Model(u, layers.Length()(v))


def _run(interpreter: Any, inputs: np.ndarray) -> np.ndarray:
    interpreter.allocate_tensors()
    [source], [target] = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(source["index"], inputs)
    interpreter.invoke()
    return interpreter.get_tensor(target["index"])


@pytest.mark.parametrize("kind", [layers.XnODR, layers.XnIDR, layers.CapsFC])
def test_one_file_runs_with_and_without_the_delegate(kind: Any) -> None:
    model = _model(kind)
    data = composite.convert_composite(model)
    assert [op.name for op in tflite_file.parse(data).main.ops].count("STABLEHLO_COMPOSITE") == 1
    inputs = np.random.default_rng(5).normal(size=(1, 6, 8)).astype(np.float32)
    expected = model(inputs).numpy()
    # The same float32 sums in another order, lengths below 1.
    for interpreter in (StockInterpreter(model_content=data), XncapsInterpreter(data)):
        np.testing.assert_allclose(_run(interpreter, inputs), expected, atol=1e-5)


def test_an_open_batch_is_refused() -> None:
    with pytest.raises(ConversionError, match="expected a fixed batch size"):
        composite.convert_composite(_model(layers.XnODR), batch_size=None)
