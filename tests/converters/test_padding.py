"""LCE moves some paddings when it fuses them; a converted model must not be moved."""

from __future__ import annotations

import numpy as np
import pytest

from xncaps_converters import convert_lce, interpreters, prepare_lce
from xncaps_converters.padding import KeptPadding, would_move
from xncaps_tf._keras import keras

# padding, kernel, strides, side of the image, whether 'same' is another padding
ROWS = [
    (3, 7, 2, 32, True),  # ResNet-50's first
    (1, 3, 2, 16, True),
    (1, 3, 2, 15, False),
    (1, 3, 1, 16, False),
    (((0, 1), (0, 1)), 3, 2, 16, False),  # MobileNetV2's
    (((0, 1), (0, 1)), 3, 2, 15, True),
    (2, 3, 1, 16, True),
]


def model_of(padding, kernel: int, strides: int, side: int, kind: str) -> keras.Model:
    keras.utils.set_random_seed(3)
    image = keras.Input((side, side, 3))
    x = keras.layers.ZeroPadding2D(padding, name="pad")(image)
    if kind == "conv":
        x = keras.layers.Conv2D(4, kernel, strides=strides)(x)
    elif kind == "depthwise":
        x = keras.layers.DepthwiseConv2D(kernel, strides=strides)(x)
    else:
        x = keras.layers.MaxPool2D(kernel, strides=strides)(x)
    return keras.Model(image, x)


@pytest.mark.parametrize("kind", ["conv", "depthwise", "pool"])
@pytest.mark.parametrize(("padding", "kernel", "strides", "side", "differs"), ROWS)
def test_padding_stays_where_it_is(
    padding, kernel: int, strides: int, side: int, differs: bool, kind: str
) -> None:
    model = model_of(padding, kernel, strides, side, kind)
    assert would_move(model.get_layer("pad")) == differs
    kept = [layer for layer in prepare_lce(model).layers if isinstance(layer, KeptPadding)]
    assert len(kept) == differs
    images = np.random.default_rng(1).normal(size=(2, side, side, 3)).astype("float32")
    _, outputs = interpreters.run(convert_lce(model), images)
    # sums of 147 float32 products of order 1
    np.testing.assert_allclose(outputs, model(images).numpy(), atol=147 * 1e-6)


def test_lce_by_itself_still_moves_it() -> None:
    """The reason for all this; where LCE mends it, KeptPadding can go."""
    from xncaps_converters.engines import run_lce

    model = model_of(*ROWS[0][:4], "conv")
    images = np.random.default_rng(1).normal(size=(1, 32, 32, 3)).astype("float32")
    plain = keras.models.clone_model(model, input_tensors=keras.Input((32, 32, 3), batch_size=1))
    plain.set_weights(model.get_weights())
    _, outputs = interpreters.run(run_lce(plain), images)
    assert np.abs(outputs - model(images).numpy()).max() > 0.1
