"""The Grocery Store data set's published layout with small drawn pictures, for the tests."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

HEAD = (
    "Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),"
    "Iconic Image Path (str),Product Description Path (str)"
)
CLASSES = f"""{HEAD}
Golden-Delicious,0,Apple,0,/a,/b
Pink-Lady,1,Apple,0,/a,/b
"Milk, 3 %",2,Milk,1,/a,/b
"""
COARSE = (0, 0, 1)
SPLITS = {"train": (0, 1, 2, 2), "val": (2, 0), "test": (1, 2, 0)}


def write(
    folder: pathlib.Path, splits: Mapping[str, Sequence[int]] = SPLITS, *, noise: int = 0
) -> pathlib.Path:
    """A clone of the repository: the red of class i is 100 i; returns its `dataset` folder."""
    generator = np.random.default_rng(1)
    place = folder / "GroceryStoreDataset" / "dataset"
    for split, labels in splits.items():
        lines = []
        for number, label in enumerate(labels):
            path = f"{split}/Fruit/{label}/{number}.jpg"
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            pixels = np.full((48, 48, 3), (label * 100, 10, 20), np.int64)
            pixels += generator.integers(0, noise + 1, pixels.shape)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(place / path)
            lines.append(f"{path}, {label}, {COARSE[label]}\n")
        (place / f"{split}.txt").write_text("".join(lines))
    (place / "classes.csv").write_text(CLASSES)
    return place
