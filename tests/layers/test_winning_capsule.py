"""WinningCapsule: one pose among zeros."""

from __future__ import annotations

import re

import numpy as np
import pytest

from xncaps_tf import reference
from xncaps_tf._keras import keras, tf
from xncaps_tf.layers import WinningCapsule

RNG = np.random.default_rng(3)
POSES = RNG.normal(size=(5, 4, 3)).astype(np.float32)
SCORES = RNG.normal(size=(5, 4)).astype(np.float32)


def test_it_equals_numpy_loops():
    expected = reference.keep_highest(POSES, SCORES).reshape(5, 12)
    np.testing.assert_array_equal(WinningCapsule()([POSES, SCORES]), expected)
    assert (np.count_nonzero(expected, axis=1) == 3).all()


def test_of_equal_scores_the_first_counts():
    scores = np.array([[1, 2, 2, 0]] * 5, np.float32)
    expected = reference.keep_highest(POSES, scores).reshape(5, 12)
    np.testing.assert_array_equal(WinningCapsule()([POSES, scores]), expected)
    np.testing.assert_array_equal(expected[:, 3:6], POSES[:, 1])


def test_the_gradient_runs_to_the_winners_pose_alone():
    poses, scores = tf.constant(POSES), tf.constant(SCORES)
    with tf.GradientTape() as tape:
        tape.watch([poses, scores])
        y = WinningCapsule()([poses, scores])
    of_poses, of_scores = tape.gradient(y, [poses, scores])
    np.testing.assert_array_equal(of_poses, reference.keep_highest(np.ones((5, 4, 3)), SCORES))
    assert of_scores is None


def test_it_is_saved_and_works_at_any_batch(tmp_path):
    inputs = [keras.Input((4, 3)), keras.Input((4,))]
    model = keras.Model(inputs, WinningCapsule()(inputs))
    assert model.output_shape == (None, 12)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = WinningCapsule()([POSES, SCORES])
    np.testing.assert_array_equal(loaded.predict([POSES, SCORES], verbose=0), expected)


@pytest.mark.parametrize(
    "shapes", [[(4, 3), (5,)], [(4,), (4,)], [(4, None), (4,)], [(4, 3), (4, 3)]], ids=str
)
def test_other_shapes_are_refused(shapes):
    text = re.escape("WinningCapsule: expected poses [B, J, E] and scores [B, J]. Received:")
    with pytest.raises(ValueError, match=text):
        WinningCapsule()([keras.Input(shape) for shape in shapes])
