from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmark_files import ROWS, Digits
from xncaps_benchmark import images, measure
from xncaps_files.errors import DataError

Make = Callable[..., pathlib.Path]


@pytest.mark.parametrize(
    ("arrays", "shape", "labels"),
    [
        ({"inputs": np.zeros((3, 8, 8, 1)), "labels": np.arange(3)}, (3, 8, 8, 1), [0, 1, 2]),
        (
            {"x_test": np.zeros((2, 28, 28), np.uint8), "y_test": np.array([[4], [5]])},
            (2, 28, 28, 1),
            [4, 5],
        ),
        ({"images": np.zeros((2, 6, 8))}, (2, 6, 8), [-1, -1]),
    ],
    ids=["own", "keras", "unlabelled"],
)
def test_read_takes_the_names_that_people_use(
    tmp_path: pathlib.Path, arrays: dict[str, Any], shape: tuple[int, ...], labels: list[int]
) -> None:
    path = tmp_path / "images.npz"
    np.savez(path, **arrays)
    found = images.read(path)
    assert found.inputs.shape == shape and found.inputs.dtype in (np.uint8, np.float32)
    assert found.labels.tolist() == labels


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pixels": np.zeros((3, 8))}, "named one of inputs, images, x_test"),
        ({"inputs": np.zeros((3, 8)), "labels": np.arange(4)}, r"images=\(3, 8\), labels=\(4,\)"),
        ({"inputs": np.array(["a", "b"])}, "'inputs' of kind 'fu'"),
    ],
    ids=["name", "length", "kind"],
)
def test_read_refuses_what_does_not_fit(
    tmp_path: pathlib.Path, arrays: dict[str, Any], message: str
) -> None:
    path = tmp_path / "images.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=message):
        images.read(path)


def test_accuracy_takes_the_place_of_that_of_the_stored_rows(
    model: Make, digits: Digits, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "images.npz"
    half = ROWS // 2
    np.savez(path, inputs=digits.images[:half], labels=digits.labels[:half])
    (entry,) = measure([model()], runs=32, warm_up=0.01, accuracy=path)["models"]
    found = digits.outputs()[:half].argmax(1)
    assert entry["accuracy"]["rows"] == half and entry["accuracy"]["source"] == "images.npz"
    assert entry["accuracy"]["correct"] == int((found == digits.labels[:half]).sum())
    assert entry["accuracy"]["class_names"][0] == "digit 0"
    assert entry["predictions"] == found.tolist()


def test_images_of_another_shape_fail_the_file(model: Make, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "images.npz"
    np.savez(path, inputs=np.zeros((2, 9, 9, 1), np.float32))
    (entry,) = measure([model()], runs=32, warm_up=0.01, accuracy=path)["models"]
    assert entry["status"] == "failed" and "do not fit the model's" in entry["error"]


def test_images_that_are_missing_are_said(model: Make, tmp_path: pathlib.Path) -> None:
    with pytest.raises(DataError, match="nowhere.npz: cannot be read"):
        measure([model()], accuracy=tmp_path / "nowhere.npz")
