"""The NumPy loops agree with the published layers' outputs, so both say the same."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from xncaps_tf import reference

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "golden" / "layers"
LAYERS = {"capsfc": reference.caps_fc, "xnodr": reference.xnodr, "xnidr": reference.xnidr}


@pytest.mark.parametrize("number", [0, 2, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_loops_agree_with_published_layer(name, number):
    with np.load(FOLDER / f"{name}_{number}.npz", allow_pickle=False) as data:
        v = LAYERS[name](data["u"][:2], data["W"], int(data["routing_iterations"]))
        np.testing.assert_allclose(v, data["v"][:2], rtol=0, atol=1e-6)


def test_loops_import_no_tensorflow():
    import subprocess
    import sys

    code = "import sys, xncaps_tf.reference; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
