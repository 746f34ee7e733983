"""EfficientNet-Lite as it was trained on ImageNet, as float and as int8 files."""

from __future__ import annotations

import pathlib

import matplotlib
import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from xncaps_converters import quantize
from xncaps_converters.to_fused import convert_fused
from xncaps_files import pictures
from xncaps_tf import models

GRACE_HOPPER = pathlib.Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
MILITARY_UNIFORM = 652
SIDE = 224


@pytest.fixture(scope="module")
def lite0() -> models.registry.keras.Model:
    return models.imagenet_classifier("efficientnet_lite0")


def _photographs() -> np.ndarray:
    """float32 [n, 224, 224, 3]: parts of photographs that scikit-learn ships, to calibrate with."""
    parts = [
        photograph[top : top + SIDE, left : left + SIDE]
        for photograph in load_sample_images().images
        for top in range(0, photograph.shape[0] - SIDE, 100)
        for left in range(0, photograph.shape[1] - SIDE, 100)
    ]
    return np.stack(parts).astype(np.float32)


@pytest.mark.parametrize("backbone", ["float32", "int8"])
def test_the_admiral_wears_a_uniform_in_the_file_too(lite0, backbone: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    pixels = pictures.decode(GRACE_HOPPER, (SIDE, SIDE, 3))[None].astype(np.float32)
    if backbone == "int8":  # as `convert --int8` makes what is in front of a head of capsules
        data = quantize.convert_int8(lite0, _photographs())
    else:
        data = convert_fused(lite0)
    assert (len(data) < 5.5e6) == (backbone == "int8")
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
    interpreter.invoke()
    scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
    assert scores.argmax() == MILITARY_UNIFORM
