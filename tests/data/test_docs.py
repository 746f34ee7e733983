"""docs/data.md names what there is, and its code works."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import numpy as np

import pages
from xncaps_tf import data
from xncaps_tf.data import overlap
from xncaps_tf.data.catalogue import CIFAR10_CLASSES


def _text(root: pathlib.Path) -> str:
    return (root / "docs" / "data.md").read_text(encoding="utf-8")


def _first_cells(text: str, head: str) -> list[str]:
    """The words in the first column of the table whose head begins so."""
    rows = text.split(f"\n| {head} |", 1)[1].split("\n\n", 1)[0].split("\n")[2:]
    return [re.match(r"\| `([^`]+)`", row)[1] for row in rows]  # pyright: ignore[reportOptionalSubscript]


def test_tables_name_every_data_set_augmentation_and_config(root: pathlib.Path) -> None:
    text = _text(root)
    assert _first_cells(text, "name") == list(data.NAMES)
    assert _first_cells(text, "`augment`") == ["none", *data.AUGMENTATIONS]
    assert _first_cells(text, "config") == list(overlap.CONFIGS)


def test_the_code_that_packs_jpeg_writes_what_load_reads(
    root: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (code,) = (block for block in pages.blocks(_text(root)) if "def pack(" in block)
    names: dict[str, Any] = {}
    exec(code, names)
    colors = np.arange(6, dtype=np.uint8)[:, None, None, None] * 40
    images = np.broadcast_to(colors, (6, 32, 32, 3))
    names["pack"](tmp_path / "train.npz", images, [3, 1, 4, 1, 5, 9], CIFAR10_CLASSES)
    found = data.load("cifar10", "train", tmp_path)
    np.testing.assert_allclose(found.numpy()[0], images, atol=1)  # a step of JPEG's DC term
    assert found.labels.tolist() == [3, 1, 4, 1, 5, 9]


def test_everything_public_can_be_reached() -> None:
    for name in data.__all__:
        assert getattr(data, name) is not None
    assert set(data.__all__) == set(dir(data))
