"""XnODR with one magnitude a pair of capsules, or one in all."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layers.test_capsule_layers import TOLERANCE, _built, _draw, _gradients
from xncaps_tf import ops, reference
from xncaps_tf.layers import XnODR


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("scales", ["capsule", "none"])
def test_coarser_scales_equal_numpy_loops(scales, training):
    u, kernel = _draw(3, 7, 5, 4, 6)
    layer = _built(XnODR, kernel, scales=scales)

    v, grad_u, grad_kernel = _gradients(layer, u, training)

    expected = reference.xnodr(u, kernel, 3, scales=scales)
    np.testing.assert_allclose(v, expected, rtol=0, atol=TOLERANCE)
    assert np.abs(expected - reference.xnodr(u, kernel, 3)).max() > 1e-3
    # The same gradients as those of a float layer of the scaled signs, magnitudes constant.
    axes = ops.KERNEL_AXES[scales]
    magnitude = np.abs(kernel).mean(axis=axes, keepdims=True)
    signs = (np.where(kernel > 0, 1, -1) * magnitude).astype(np.float32)
    floats = _gradients(_built(XnODR, signs, kernel_quantizer=None), u, training)
    np.testing.assert_allclose(grad_u, floats[1], rtol=0, atol=TOLERANCE)
    windowed = np.where(np.abs(kernel) <= 1, floats[2] * magnitude, 0)
    np.testing.assert_allclose(grad_kernel, windowed, rtol=0, atol=TOLERANCE)


def test_scales_are_kept_and_an_older_config_has_the_published_ones():
    config = XnODR(3, 4, scales="capsule").get_config()
    assert XnODR.from_config(config).scales == "capsule"
    del config["scales"]
    assert XnODR.from_config(config).scales == "channel"


def test_unknown_scales_are_refused():
    with pytest.raises(ValueError, match="XnODR: expected one of channel, capsule, none. .*'pair'"):
        XnODR(3, 4, scales="pair")
    with pytest.raises(TypeError, match="XnODR: expected one of channel.* Received: scales=2"):
        XnODR(3, 4, scales=2)
