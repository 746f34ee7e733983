"""Networks with a decoder: what they have in common with the classifier, and what is refused."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

import xncaps_tf
from xncaps_tf import models
from xncaps_tf._keras import keras
from xncaps_tf.errors import DataError
from xncaps_tf.models import decoder

IMAGES = np.random.default_rng(1).uniform(0, 255, (3, 28, 28, 1)).astype(np.float32)


def _classifier(head: str = "capsfc") -> keras.Model:
    model = models.build("small_cnn", head, (28, 28, 1), 10, seed=4)
    if head != "dense":  # as large as trained poses are
        kernel = model.get_layer("capsules").kernel
        kernel.assign(1e4 * kernel)
    return model


def test_the_classifier_in_it_is_the_same() -> None:
    plain = _classifier()
    both = models.with_decoder(plain, seed=2)
    scores, pictures = both(IMAGES)
    np.testing.assert_array_equal(scores, plain(IMAGES))
    assert pictures.shape == (3, 28, 28, 1)
    assert 0 <= np.min(pictures) <= np.max(pictures) <= 1
    again = models.without_decoder(both)
    assert again.name == plain.name
    assert [layer.name for layer in again.layers] == [layer.name for layer in plain.layers]
    assert models.without_decoder(plain) is plain


def test_its_decoder_is_the_published_one() -> None:
    """160 -> 512 -> 1,024 -> 784, the source's figure 2."""
    found = decoder.find(models.with_decoder(_classifier(), seed=2))
    assert [layer.units for layer in found.layers if hasattr(layer, "units")] == [512, 1024, 784]
    assert found.count_params() == 160 * 512 + 512 + 512 * 1024 + 1024 + 1024 * 784 + 784


def test_it_draws_from_the_winners_pose_and_is_trained_on_the_labels() -> None:
    both = models.with_decoder(_classifier(), seed=2)
    poses, scores = (np.asarray(x) for x in decoder.poses_and_scores(both)(IMAGES))
    assert np.linalg.norm(poses, axis=2).min() > 0.01
    draw = decoder.find(both)
    rows = xncaps_tf.layers.WinningCapsule()([poses, scores])
    np.testing.assert_allclose(both(IMAGES)[1], draw(rows), atol=1e-6)
    labels = np.eye(10, dtype=np.float32)[[7, 2, 5]]
    told = decoder.trained_graph(both)([IMAGES, labels])
    np.testing.assert_array_equal(told[0], both(IMAGES)[0])
    expected = draw(xncaps_tf.layers.WinningCapsule()([poses, labels]))
    np.testing.assert_allclose(told[1], expected, atol=1e-6)


def test_its_weights_are_a_function_of_the_seed() -> None:
    one, same, other = (
        decoder.find(models.with_decoder(_classifier(), seed=seed)).get_weights()
        for seed in (2, 2, 3)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_a_saved_one_is_read_as_the_classifier_or_as_both(tmp_path: pathlib.Path) -> None:
    both = models.with_decoder(_classifier("xnodr"), seed=2)
    both.save(tmp_path / "both.keras")
    plain = xncaps_tf.load_model(tmp_path / "both.keras")
    assert plain.output_shape == (None, 10)
    np.testing.assert_array_equal(plain(IMAGES), both(IMAGES)[0])
    loaded = xncaps_tf.load_model(tmp_path / "both.keras", decoder=True)
    for one, other in zip(loaded(IMAGES), both(IMAGES), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_model_of_two_outputs_has_none() -> None:
    image = keras.Input((4,))
    model = keras.Model(image, [keras.layers.Dense(2)(image), keras.layers.Dense(3)(image)])
    assert decoder.find(model) is None and models.without_decoder(model) is model


def test_a_network_of_ones_own_may_have_one() -> None:
    image = keras.Input((6, 6, 1))
    x = keras.layers.Reshape((3, 12))(image)
    poses = xncaps_tf.layers.CapsFC(5, 4)(x)
    model = keras.Model(image, keras.layers.Dense(5)(keras.layers.Flatten()(poses)))
    assert models.with_decoder(model).output_shape == [(None, 5), (None, 6, 6, 1)]


def test_networks_without_poses_and_large_images_are_refused() -> None:
    with pytest.raises(
        DataError, match="small_cnn_dense: expected a network with one layer of caps"
    ):
        models.with_decoder(_classifier("dense"))
    large = models.build("small_cnn", "capsfc", (96, 64, 3), 3)
    with pytest.raises(DataError, match="at most 12,288 values.*Received: 96 x 64 x 3"):
        models.with_decoder(large)
