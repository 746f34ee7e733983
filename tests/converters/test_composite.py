"""Composite files: equal to Keras in stock runtimes that know the op, with the delegate or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xncaps_converters import to_composite
from xncaps_files import tflite
from xncaps_runtime import Interpreter
from xncaps_tf import layers
from xncaps_tf._keras import keras
from xncaps_tf.errors import ConversionError

STOCK = ("litert", "tf.lite")
TOO_OLD = "206"  # the op's number, in the message of a runtime that has not heard of it


def _model(kind: Any) -> Any:
    u = keras.Input((6, 8))
    layer = kind(4, 5)
    v = layer(keras.layers.ReLU()(u))
    rng = np.random.default_rng(4)
    layer.kernel.assign(rng.normal(size=layer.kernel.shape).astype(np.float32))
    return keras.Model(u, layers.Length()(v))


@pytest.fixture(scope="module")
def made() -> Callable[[Any], tuple[Any, bytes]]:
    """kind of layer -> (Keras model, composite file); each is converted once."""
    known: dict[Any, tuple[Any, bytes]] = {}

    def get(kind: Any) -> tuple[Any, bytes]:
        if kind not in known:
            model = _model(kind)
            known[kind] = model, to_composite.convert_composite(model)
        return known[kind]

    return get


@pytest.mark.parametrize("runtime", [*STOCK, *(f"{name}+xncaps" for name in STOCK)])
@pytest.mark.parametrize("kind", [layers.XnODR, layers.XnIDR, layers.CapsFC])
def test_one_file_runs_with_and_without_the_delegate(
    kind: Any, runtime: str, made: Any, run_file: Any, knows_composites: Any
) -> None:
    model, data = made(kind)
    assert [op.name for op in tflite.parse(data).main.ops].count("STABLEHLO_COMPOSITE") == 1
    inputs = np.random.default_rng(5).normal(size=(9, 6, 8)).astype(np.float32)
    if not knows_composites(runtime):
        with pytest.raises((ValueError, RuntimeError), match=TOO_OLD) as error:
            run_file(runtime, data, inputs)
        assert "\n" not in str(error.value).strip()
        return
    # The same float32 sums in another order, lengths below 1.
    np.testing.assert_allclose(run_file(runtime, data, inputs), model(inputs).numpy(), atol=1e-5)


def test_the_delegate_takes_the_composite_and_nothing_else(
    made: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    _, data = made(layers.XnODR)
    interpreter = Interpreter(data, verbose=True)
    interpreter.allocate_tensors()
    count = len(tflite.parse(data).main.ops)
    assert count > 1 and f"1 of {count} nodes claimed" in capfd.readouterr().err


def test_an_open_batch_is_refused() -> None:
    with pytest.raises(ConversionError, match="expected a fixed batch size"):
        to_composite.convert_composite(_model(layers.XnODR), batch_size=None)
