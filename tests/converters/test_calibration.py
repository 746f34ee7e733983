"""The ranges that int8 rounds by are those of the values themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xncaps_converters import calibration, engines, graph_edit, quantize
from xncaps_files import tflite
from xncaps_tf._keras import keras
from xncaps_tf.errors import ConversionError

IMAGES = np.random.default_rng(0).uniform(0, 255, (6, 8, 8, 3)).astype(np.float32)


def _residual(batch: int | None = 1) -> Any:
    """y(x + 0.05 conv(x)): the branch has a twentieth of the sum's range, about."""
    image = keras.Input((8, 8, 3), batch_size=batch)
    constant: Any = keras.initializers.Constant
    one, small = constant(1 / 3), constant(0.05 / 3)
    shortcut = keras.layers.Conv2D(3, 1, kernel_initializer=one, name="shortcut")(image)
    branch = keras.layers.Conv2D(3, 1, kernel_initializer=small, name="branch")(shortcut)
    total = keras.layers.Add(name="sum")([branch, shortcut])
    last = keras.layers.Conv2D(3, 1, kernel_initializer=one, name="last")(total)
    return keras.Model(image, last, name="residual")


def _values(model: Any) -> dict[str, np.ndarray]:
    """What each layer gives."""
    layers = model.layers[1:]
    graph: Any = keras.Model(model.input, [layer.output for layer in layers])
    parts = graph(IMAGES)
    return {layer.name: part.numpy() for layer, part in zip(layers, parts, strict=True)}


@pytest.mark.parametrize("batch", [1, 4, None])
def test_each_tensor_has_its_own_least_and_largest_value(batch: int | None) -> None:
    model = _residual(batch)
    made = calibration.with_ranges(engines.run_tensorflow(model), IMAGES)
    values = [IMAGES, *_values(_residual(None)).values()]
    wanted = sorted((float(value.min()), float(value.max())) for value in values)
    ranges = [tensor.quantization for tensor in graph_edit.unpack(made).subgraphs[0].tensors]
    found = sorted((r.min[0], r.max[0]) for r in ranges if r is not None and r.min is not None)
    # Nine products and sums of float32 in a row.
    np.testing.assert_allclose(found, wanted, rtol=9 * 2**-23)


def test_a_residual_branch_is_rounded_in_steps_of_its_own_range() -> None:
    """TensorFlow's calibrator gives it that of the sum, which its interpreter puts in its place."""
    model = _residual()
    file = tflite.parse(quantize.convert_int8(model, IMAGES))
    branch = _values(_residual(None))["branch"]
    convolutions = [op for op in file.main.ops if op.name == "CONV_2D"]
    (scale,) = file.main.tensors[convolutions[1].outputs[0]].scale
    assert scale == pytest.approx(branch.max() / 255, rel=1e-3)


def test_steps_are_reported() -> None:
    seen: list[tuple[str, float]] = []
    data = engines.run_tensorflow(_residual())
    calibration.with_ranges(data, IMAGES, lambda step, share: seen.append((step, share)))
    assert seen == [("calibrate int8 on 6 images", count / 6) for count in range(6)]


def test_what_cannot_be_rounded_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorflow.lite.python import convert

    def fail(*args: Any, **options: Any) -> bytes:
        raise RuntimeError("loc: error: no such op\nand a page of MLIR")

    monkeypatch.setattr(convert, "mlir_quantize", fail)
    with pytest.raises(ConversionError, match="TensorFlow cannot convert 'x': .*no such op$"):
        engines.run_quantizer(b"", "x")
