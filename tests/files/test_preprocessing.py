"""How a picture becomes an input: the golden values that Java is held to, metadata that fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from xncaps_files import pictures
from xncaps_files.errors import DataError
from xncaps_files.preprocessing import Preprocessing, dequantise, quantise

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "android"
INDEX = json.loads((GOLDEN / "preprocessing.json").read_text())
UPRIGHT = [c for c in INDEX["cases"] if "picture" in c and not c["degrees"]]


def _of(spec: dict[str, Any]) -> Preprocessing:
    return Preprocessing(tuple(spec["mean"]), tuple(spec["std"]), spec["invert"])


def test_every_upright_golden_picture_is_among_the_cases() -> None:
    assert {(c["picture"], c["spec"]) for c in UPRIGHT} == {
        (picture, spec) for picture in ("china.png", "flower.png") for spec in INDEX["specs"]
    }


@pytest.mark.parametrize("case", UPRIGHT, ids=lambda c: f"{c['picture']}-{c['spec']}")
def test_inputs_are_the_golden_ones_that_java_is_held_to(case: dict[str, Any]) -> None:
    spec = INDEX["specs"][case["spec"]]
    expected = np.fromfile(GOLDEN / "expected.f32", "<f4")[case["offset"] :][: case["count"]]
    picture = pictures.load(GOLDEN / case["picture"])
    got = _of(spec).apply(picture, tuple(spec["shape"]))
    assert got.dtype == np.float32
    if spec["type"] != "float32":
        details = {"dtype": np.dtype(spec["type"]).type,
                   "quantization": (spec["scale"], spec["zero_point"])}  # fmt: skip
        stored = quantise(got, details)
        assert stored.dtype == spec["type"]
        got = dequantise(stored, details)
    np.testing.assert_array_equal(got.ravel(), expected)


def test_scaling_is_used() -> None:
    white = Image.new("RGB", (9, 9), (255, 255, 255))
    got = Preprocessing((127.5,), (63.75,)).apply(white, (8, 8, 1))
    np.testing.assert_allclose(got, 2.0, atol=1e-5)
    assert not Preprocessing(invert=True).apply(white, (8, 8, 1)).any()


@pytest.mark.parametrize(
    ("about", "words"),
    [
        (Preprocessing((1.0, 2.0)), "expected 1 or 1 finite values of mean. Received: .1.0, 2.0"),
        (Preprocessing((float("nan"),)), "finite values of mean. Received: .nan"),
        (Preprocessing(std=(0.0,)), "expected positive values of std"),
        (Preprocessing(channel_order="RGB"), "channel_order of 1 channels. Received: RGB"),
    ],
    ids=["mean", "nan", "std", "order"],
)
def test_metadata_that_do_not_fit_the_input_are_refused(about: Preprocessing, words: str) -> None:
    with pytest.raises(DataError, match=words):
        about.check(1)
