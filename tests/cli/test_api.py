"""`xncaps.convert` as a program calls it, and what a person sees meanwhile."""

from __future__ import annotations

import io
import pathlib
from typing import Any

import numpy as np
import pytest

import xncaps
from xncaps import step_display
from xncaps.time_left import Share
from xncaps_converters import to_fused
from xncaps_tf import layers
from xncaps_tf._keras import keras
from xncaps_tf.errors import ConversionError, VerificationError


def _net(**quantizers: Any) -> keras.Model:
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(16, 3, strides=2)(keras.layers.Rescaling(1 / 255.0)(inputs))
    x = layers.XnODR(10, 4, name="capsules", **quantizers)(layers.CapsuleReshape(8)(x))
    return keras.Model(inputs, layers.Length()(x), name="net")


def test_a_result_has_everything_and_is_written_only_when_asked(tmp_path: pathlib.Path) -> None:
    seen: list[tuple[str, float]] = []
    made = xncaps.convert(
        _net(), "fused", samples=20, report=lambda step, done: seen.append((step, done))
    )
    [layer] = made.layers
    assert (layer.name, layer.kind, layer.bits) == ("capsules", "XnODR", True)
    assert made.verification is not None and made.verification.samples == 20
    assert made.metadata.name == "net" and made.path is None and not list(tmp_path.iterdir())
    steps = list(dict.fromkeys(step for step, _ in seen))
    assert steps[:3] == ["load", "copy the model", "convert"] and steps[-1] == "done"
    assert "run Keras on 20 samples" in steps and "run the file on 20 samples" in steps
    assert all(0 <= done <= 1 for _, done in seen)
    written = made.write(tmp_path / "net.tflite")
    assert written.path == tmp_path / "net.tflite" and written.path.read_bytes() == made.data
    assert (tmp_path / "net.tflite.expected.npz").is_file()
    unchecked = xncaps.convert(_net(), "float", verify=False, out=tmp_path / "net.tflite")
    assert unchecked.verification is None and unchecked.layers[0].reason == "--to float"
    assert not (tmp_path / "net.tflite.expected.npz").exists()  # of the other file


def test_what_does_not_become_bits_says_why() -> None:
    net = _net(kernel_quantizer="ste_sign")
    made = xncaps.convert(net, "lce", allow_float=True, verify=False)
    [layer] = made.layers
    assert not layer.bits and "kernel_quantizer is SteSign" in layer.reason
    assert "float: XnODR 'capsules'" in made.notes


def test_int8_is_calibrated_on_the_data_that_is_named_without_a_verification(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before, `--int8 --data digits --no-verify` said 'Received: none; pass --data'."""
    given: list[np.ndarray] = []

    def int8(prepared: Any, options: Any, report: Any) -> bytes:
        assert options.calibration is not None
        given.append(options.calibration())
        raise ConversionError("enough")

    monkeypatch.setattr(to_fused, "_int8", int8)
    with pytest.raises(ConversionError, match="enough"):
        xncaps.convert(_net(), "fused", backbone="int8", data="digits", verify=False)
    assert given[0].shape == (1000, 8, 8, 1)
    images = np.zeros((3, 8, 8, 1), np.float32)
    with pytest.raises(ConversionError, match="enough"):
        xncaps.convert(_net(), "fused", backbone="int8", calibration=images, verify=False)
    assert given[1] is images


@pytest.mark.parametrize(
    ("to", "options", "error", "message"),
    [
        ("onnx", {}, ValueError, "to to be one of lce, float, fused, composite. Received: to='on"),
        ("lce", {"backbone": "int8"}, ConversionError, r"int8 with a format that fuses \(fused, c"),
        ("composite", {"batch_size": None}, ConversionError, "expected a fixed batch size"),
        ("fused", {"scales": "odd"}, ValueError, "expected scales to be one of"),
        ("float", {"tolerance": 0.0, "samples": 8}, VerificationError, "expected the outputs of K"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_go_is_refused(
    to: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        xncaps.convert(_net(), to, **options)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_step_and_anything_else_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for stream, shown in ((_Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stdout", stream)
        shares = [Share("load", 1.0), Share("calibrate int8", 2.0)]
        with step_display.steps("convert to fused", shares) as report:
            report("load", 0)
            report("calibrate int8 on 60 images", 0.5)
        said = stream.getvalue()
        assert ("convert to fused: calibrate int8 on 60 images" in said) == shown
        assert ("left" in said) == shown and bool(said) == shown
