"""CapsSign: a larq quantizer, in larq's layers and in larq's summary."""

from __future__ import annotations

import larq as lq
import numpy as np
import pytest

from xncaps_tf._keras import keras, tf
from xncaps_tf.layers import CapsFC, CapsSign, XnIDR, XnODR


def test_it_is_a_larq_quantizer_of_one_bit():
    assert isinstance(CapsSign(), lq.quantizers.Quantizer)
    assert CapsSign.precision == 1
    assert isinstance(lq.quantizers.get("caps_sign"), CapsSign)
    np.testing.assert_array_equal(CapsSign()(tf.constant([-1.0, 0.0, 1.0])), [-1, -1, 1])


@pytest.mark.parametrize("clip", [1.0, 0.5, None])
def test_it_survives_serialisation(clip):
    config = lq.quantizers.serialize(CapsSign(clip))
    again = lq.quantizers.get(config)

    assert isinstance(again, CapsSign) and again.clip_value == clip
    assert config["registered_name"] == "xncaps_tf>CapsSign"


@pytest.mark.parametrize("clip", [0, -1.0])
def test_clip_value_has_to_be_positive(clip):
    with pytest.raises(ValueError, match=f"CapsSign: .* Received: clip_value={clip}"):
        CapsSign(clip)


def _binary_network():
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            lq.layers.QuantConv2D(
                8, 3, kernel_quantizer="caps_sign", kernel_constraint="weight_clip", use_bias=False
            ),
            keras.layers.BatchNormalization(momentum=0.9),
            lq.layers.QuantConv2D(
                8,
                3,
                input_quantizer=CapsSign(),
                kernel_quantizer=CapsSign(),
                kernel_constraint="weight_clip",
                use_bias=False,
            ),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )


def test_it_trains_in_quant_conv2d():
    """Left or right half bright: two classes that a binary network learns in 40 steps."""
    keras.utils.set_random_seed(4)
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 2, 64)
    x = rng.normal(scale=0.3, size=(64, 8, 8, 2)).astype(np.float32)
    for image, label in zip(x, labels, strict=True):
        image[:, 4 * label : 4 * label + 4] += 1
    model = _binary_network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    before = model.layers[2].get_weights()[0].copy()

    history = model.fit(x, labels, batch_size=16, epochs=10, verbose=0).history

    assert history["accuracy"][-1] > 0.9
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert np.any(np.sign(model.layers[2].get_weights()[0]) != np.sign(before))


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m"])
def test_a_quant_conv2d_with_it_is_saved(name, tmp_path):
    model = _binary_network()
    x = np.random.default_rng(1).normal(size=(2, 8, 8, 2)).astype(np.float32)
    model.save(tmp_path / name)

    loaded = keras.models.load_model(tmp_path / name)

    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert isinstance(loaded.layers[2].kernel_quantizer, CapsSign)


def _summary(layer):
    entry = keras.Input((128, 8))
    lines = []
    lq.models.summary(keras.Model(entry, layer(entry)), print_fn=lines.append)
    return "\n".join(lines)


def test_larq_summary_counts_the_binary_weights_of_xnodr():
    text = _summary(XnODR(10, 16))

    total = next(line for line in text.splitlines() if "Total  " in line)
    assert total.split()[2:4] == ["163840", "20.00"]  # 1-bit weights, kB; no 32-bit column
    assert "20.00 KiB" in text


@pytest.mark.parametrize(
    "make",
    [CapsFC, XnIDR, lambda *a: XnODR(*a, kernel_quantizer=None)],
    ids=["CapsFC", "XnIDR", "XnODR without a kernel quantizer"],
)
def test_larq_summary_counts_float_weights_where_none_is_binary(make):
    text = _summary(make(10, 16))

    total = next(line for line in text.splitlines() if "Total  " in line)
    assert total.split()[2:4] == ["163840", "640.00"]  # 32-bit, kB


def test_larq_layers_are_not_patched_nor_inherited():
    assert not issubclass(XnODR, lq.layers.QuantDense)
    assert lq.models.LayerProfile.__module__ == "larq.models"


def test_global_mixed_float16_does_not_round_what_is_signed():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        layer = XnODR(3, 4, kernel_initializer=keras.initializers.Constant(1e-9))
        layer(tf.ones((2, 5, 8), tf.float16))
        small = tf.constant([1e-9, -1e-9])  # both zero in float16

        np.testing.assert_array_equal(layer.kernel_quantizer(small), [1, -1])
        assert layer.kernel_quantizer(tf.ones(2, tf.float16)).dtype == tf.float16
    finally:
        keras.mixed_precision.set_global_policy("float32")
