"""The published layers' own outputs and gradients (tests/golden/layers)."""

from __future__ import annotations

import hashlib
import pathlib

import numpy as np
import pytest

from xncaps_tf._keras import tf
from xncaps_tf.layers import CapsFC, XnIDR, XnODR

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "golden" / "layers"
LAYERS = {"capsfc": CapsFC, "xnodr": XnODR, "xnidr": XnIDR}
FILES = sorted(path.name for path in FOLDER.glob("*.npz"))
TOLERANCE = 1e-5  # what the vectors were published with; float32 needs a tenth of it


def _run(layer, u, g, mode):
    def step(u):
        with tf.GradientTape() as tape:
            tape.watch(u)
            v = layer(u, training=mode != "inference")
            loss = tf.reduce_sum(v * g)
        return v, *tape.gradient(loss, [u, layer.kernel])

    if mode == "eager":
        return step(u)
    return tf.function(step, jit_compile=mode == "caller's XLA")(u)


@pytest.mark.parametrize("mode", ["eager", "inference", "training", "caller's XLA"])
@pytest.mark.parametrize("name", FILES)
def test_layer_agrees_with_published_layer(name, mode):
    with np.load(FOLDER / name, allow_pickle=False) as file:
        data = dict(file)
    n, j, d, e = data["W"].shape
    layer = LAYERS[name.split("_")[0]](j, e, routing_iterations=int(data["routing_iterations"]))
    layer.build((None, n, d))
    layer.set_weights([data["W"]])

    v, grad_u, grad_w = _run(layer, tf.constant(data["u"]), data["g"], mode)

    np.testing.assert_allclose(v, data["v"], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(grad_u, data["grad_u"], rtol=0, atol=TOLERANCE)
    if "grad_W" in data:
        np.testing.assert_allclose(grad_w, data["grad_W"], rtol=0, atol=TOLERANCE)
    else:
        np.testing.assert_allclose(grad_w[:8], data["grad_W_head"], rtol=0, atol=TOLERANCE)


def test_golden_files_are_those_that_were_copied():
    lines = (FOLDER / "SHA256SUMS").read_text(encoding="utf-8").split("\n")
    sums = {line.split()[1]: line.split()[0] for line in lines if line}
    found = {name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in FILES}

    assert found == sums
    assert {name.split("_")[0] for name in FILES} == set(LAYERS)
