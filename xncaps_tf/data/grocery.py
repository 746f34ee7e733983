"""The Grocery Store data set: smartphone photographs of 81 groceries, or of 43 coarse classes."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xncaps_tf.data.dataset import Dataset
from xncaps_tf.data.picture_files import FileImages
from xncaps_tf.errors import DataError

SIDE = 224
_LISTS = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}
_CLASSES = "classes.csv"
_FOLDERS = ("", "dataset", "GroceryStoreDataset/dataset", "grocery/dataset")
_COLUMNS = (
    "Class Name (str)",
    "Class ID (int)",
    "Coarse Class Name (str)",
    "Coarse Class ID (int)",
)
_LINE = re.compile(r"([^,]+),\s*(\d{1,6}),\s*(\d{1,6})")
_MAX_LIST_BYTES = 50 * 10**6


@dataclass(frozen=True)
class _Classes:
    fine: tuple[str, ...]
    coarse: tuple[str, ...]
    coarse_of: tuple[int, ...]  # of each fine class


def load(
    name: str, split: str, root: Path, image_shape: tuple[int, int, int] | None = None
) -> Dataset:
    """The split as its authors published it: 2,640 train, 296 validation and 2,485 test pictures.

    Args:
        name: 'grocery' (fine classes) or 'grocery/coarse'.
        split: 'train', 'validation' (of 60 of the 81 classes) or 'test'.
        root: a clone of github.com/marcusklasson/GroceryStoreDataset, its `dataset` folder, or a
            folder with either.
        image_shape: (H, W, C) that pictures are cut and scaled to; None: (224, 224, 3).

    Raises:
        DataError: there is no such file, or a list names a picture outside the folder, one that is
            not there, or a class that `classes.csv` has not.

    Source: M. Klasson, C. Zhang, H. Kjellström 2019, A Hierarchical Grocery Store Image Dataset
        with Visual and Semantic Labels, arXiv 1901.00711.
    """
    folder = _find(root)
    classes = _read_classes(folder / _CLASSES)
    paths, labels = _read_list(folder / _LISTS[split], classes, is_coarse=name != "grocery")
    return Dataset(
        name=name,
        split=split,
        class_names=classes.fine if name == "grocery" else classes.coarse,
        images=FileImages(paths, image_shape or (SIDE, SIDE, 3)),
        labels=np.array(labels, np.int64),
        source=str(folder),
    )


def _find(root: Path) -> Path:
    for part in _FOLDERS:
        if (root / part / _CLASSES).is_file():
            return root / part
    raise DataError(
        f"grocery: expected {_CLASSES} in {root} or {root / 'dataset'}, as in a clone of "
        "https://github.com/marcusklasson/GroceryStoreDataset. Received: no such file."
    )


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _MAX_LIST_BYTES:
            raise DataError(
                f"{path}: expected at most {_MAX_LIST_BYTES // 10**6} MB. Received: a larger file."
            )
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected a text in UTF-8. Received: {error}.") from error


def _read_classes(path: Path) -> _Classes:
    rows = csv.DictReader(_lines(path))
    missing = [column for column in _COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise DataError(
            f"{path}: expected the columns {', '.join(_COLUMNS)}. "
            f"Received: none called {', '.join(missing)}."
        )
    fine: dict[int, str] = {}
    coarse: dict[int, str] = {}
    coarse_of: dict[int, int] = {}
    for row in rows:
        name, number, coarse_name, coarse_number = (row[column] or "" for column in _COLUMNS)
        if not (number.isdecimal() and coarse_number.isdecimal() and name and coarse_name):
            raise DataError(
                f"{path}, line {rows.line_num}: expected two names with their numbers. "
                f"Received: {name!r}, {number!r}, {coarse_name!r}, {coarse_number!r}."
            )
        index, coarse_index = int(number), int(coarse_number)
        if index in fine or coarse.get(coarse_index, coarse_name) != coarse_name:
            raise DataError(
                f"{path}, line {rows.line_num}: expected a number for each class. Received: "
                f"{number} ({name}) or {coarse_number} ({coarse_name}) for another one as well."
            )
        fine[index], coarse[coarse_index], coarse_of[index] = name, coarse_name, coarse_index
    for known in (fine, coarse):
        if not known or sorted(known) != list(range(len(known))):
            raise DataError(
                f"{path}: expected classes numbered from 0 on, none left out. "
                f"Received: {len(known)} classes up to {max(known, default=None)}."
            )
    order = range(len(fine))
    return _Classes(
        tuple(fine[index] for index in order),
        tuple(coarse[index] for index in range(len(coarse))),
        tuple(coarse_of[index] for index in order),
    )


def _read_list(path: Path, classes: _Classes, *, is_coarse: bool) -> tuple[list[str], list[int]]:
    folder = os.path.realpath(path.parent)
    paths: list[str] = []
    labels: list[int] = []
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise DataError(
                f"{path}, line {number}: expected 'PATH, CLASS, COARSE CLASS'. "
                f"Received: {line[:200]!r}."
            )
        fine, coarse = int(match[2]), int(match[3])
        if fine >= len(classes.fine) or classes.coarse_of[fine] != coarse:
            raise DataError(
                f"{path}, line {number}: expected one of the {len(classes.fine)} classes of "
                f"{_CLASSES} with its coarse class. Received: {fine}, {coarse}."
            )
        paths.append(_inside(folder, match[1], f"{path}, line {number}"))
        labels.append(coarse if is_coarse else fine)
    if not paths:
        raise DataError(f"{path}: expected a picture a line. Received: no line.")
    return paths, labels


def _inside(folder: str, relative: str, where: str) -> str:
    """The picture's path; neither '..' nor a link leads out of the folder."""
    found = os.path.realpath(os.path.join(folder, relative)) if "\0" not in relative else ""
    if not found.startswith(folder + os.sep) or ".." in Path(relative).parts:
        raise DataError(
            f"{where}: expected a path inside the list's folder. Received: {relative!r}."
        )
    if not os.path.isfile(found):
        raise DataError(f"{where}: expected a picture. Received: {relative!r}, no such file.")
    return found
