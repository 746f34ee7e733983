"""One trained network, every format of its file, every runtime that has its ops: the same scores.

On real images. Sums are made in another order, so scores differ by rounding, up to 1e-4. Where a
rounded value's sign is taken next (XnODR's input, XnIDR's agreement, binary convolutions), a value
near zero may come out with the other sign, and that moves an image's scores by far more: one
percent of the images may be such ones, and with XnODR behind a float backbone each is shown to have
a value near zero there.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xncaps_converters import output_formats
from xncaps_files import tflite
from xncaps_tf import data, load_model
from xncaps_tf._keras import keras

TOLERANCE = 1e-4
FLIPPED_SHARE = 0.01
NEAR_ZERO = 1e-5  # of values of order 1: a hundred units in the last place

NETS = {
    "xnodr": ("xnodr", "small_cnn"),
    "xnidr": ("xnidr", "small_cnn"),
    "quicknet-xnodr": ("xnodr", "quicknet"),
}
# Formats and what runs them.
RUNS = {
    "float": ("litert", "tf.lite"),
    "lce": ("lce", "litert+xncaps", "tf.lite+xncaps"),
    "fused": ("litert+xncaps", "tf.lite+xncaps"),
    "composite": ("litert", "litert+xncaps", "tf.lite", "tf.lite+xncaps"),
}
# Ops that show that a file is what its name says.
OPS = {
    ("lce", "xnodr"): {"LceBconv2d"},
    ("fused", "xnodr"): {"XnCapsOdr"},
    ("fused", "xnidr"): {"XnCapsIdr"},
    ("fused", "quicknet-xnodr"): {"XnCapsOdr", "LceBconv2d"},
    ("composite", "xnodr"): {"STABLEHLO_COMPOSITE"},
    ("composite", "xnidr"): {"STABLEHLO_COMPOSITE"},
    ("composite", "quicknet-xnodr"): {"STABLEHLO_COMPOSITE", "LceBconv2d"},
}


def _cases() -> list[tuple[str, str, str]]:
    """(network, format, runtime); LCE's ops in a composite's backbone need the delegate."""
    return [
        (net, form, runtime)
        for net, (_, backbone) in NETS.items()
        for form, runtimes in RUNS.items()
        for runtime in runtimes
        if (form, backbone) != ("composite", "quicknet") or runtime.endswith("+xncaps")
    ]


class Net:
    """A trained network: what Keras makes of the test images, and its files, each made once."""

    def __init__(self, path: pathlib.Path) -> None:
        images, self.labels = data.load("digits", "test").numpy()
        self.images = images.astype(np.float32)
        self.model = model = load_model(path, compile=False)
        self.files: dict[str, bytes] = {}
        norm = model.get_layer("primary_norm").output
        both = keras.Model(model.input, [model.output, norm])
        self.scores, values = both.predict(self.images, verbose=0)
        values = values.reshape(len(self.images), -1)  # in front of a ReLU and XnODR's signs
        self.nearest_to_zero = np.abs(values).min(axis=1)

    def file(self, form: str) -> bytes:
        """As `xncaps convert --to FORM` makes it."""
        if form not in self.files:
            made = output_formats.of(form).make(self.model, output_formats.Options())
            self.files[form] = made.data
        return self.files[form]


@pytest.fixture(scope="module")
def nets(trained: Callable[..., pathlib.Path]) -> Callable[[str], Net]:
    known: dict[str, Net] = {}

    def get(name: str) -> Net:
        if name not in known:
            known[name] = Net(trained(*NETS[name]))
        return known[name]

    return get


@pytest.mark.parametrize("name", NETS)
def test_the_network_has_learnt_something(nets: Any, name: str) -> None:
    net = nets(name)
    assert (net.scores.argmax(1) == net.labels).mean() > 0.7
    assert net.scores.std(axis=0).min() > 100 * TOLERANCE  # every score depends on the image


@pytest.mark.parametrize(("name", "form", "runtime"), _cases())
def test_every_file_gives_the_scores_of_keras(
    nets: Any, run_file: Any, knows_composites: Any, name: str, form: str, runtime: str
) -> None:
    net = nets(name)
    file = net.file(form)
    names = {op.name for op in tflite.parse(file).main.ops}
    assert OPS.get((form, name), {"SOFTMAX"}) <= names
    if form == "composite" and not knows_composites(runtime):
        with pytest.raises((ValueError, RuntimeError), match="206"):
            run_file(runtime, file, net.images[:1])
        return
    scores = run_file(runtime, file, net.images)
    flipped = np.abs(scores - net.scores).max(axis=1) > TOLERANCE
    assert flipped.sum() <= FLIPPED_SHARE * len(scores)
    if name == "xnodr":
        assert (net.nearest_to_zero[flipped] < NEAR_ZERO).all()
    best = np.sort(net.scores, axis=1)
    clear = best[:, -1] - best[:, -2] > TOLERANCE
    same = scores.argmax(axis=1) == net.scores.argmax(axis=1)
    assert clear.mean() > 0.9 and same[clear & ~flipped].all()
    assert same.mean() >= 1 - FLIPPED_SHARE


def test_binary_convolutions_beside_a_composite_need_the_delegate(nets: Any, run_file: Any) -> None:
    """They are LCE's ops and have no float version inside: a runtime without it names the op."""
    net = nets("quicknet-xnodr")
    with pytest.raises(RuntimeError, match="unresolved custom op: LceQuantize"):
        run_file("litert", net.file("composite"), net.images[:1])
