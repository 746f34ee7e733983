"""A folder of pictures as images to score files on: one folder a class, as trained on."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.images import MAX_BYTES, Images
from xncaps_files.errors import DataError


def read(
    folder: pathlib.Path, shape: tuple[int, int, int], class_names: Sequence[str] = ()
) -> Images:
    """Every picture of FOLDER/CLASS/..., or of FOLDER/test/CLASS/... where there is such a folder.

    Each is turned upright as its EXIF data say, cut to the shape's aspect about its centre, scaled
    (bilinear) and made grey or RGB, as `xncaps evaluate --data folder` does. It is a data set and
    no camera's picture: nothing is inverted, whatever the file's metadata say of the camera's.

    Args:
        folder: of folders of pictures. Pictures that lie in it directly have no label.
        shape: (H, W, C) of the models' input, C 1 or 3.
        class_names: the model's, in its order; the folders are named like them, by their numbers,
            or (where they are not known) sorted by name.

    Raises:
        BenchmarkError: no pictures, one that cannot be read, folders that are no classes of the
            model, more than fits, Pillow is not installed.
    """
    decode = _pictures().decode
    files, names = _labelled(folder, class_names)
    if len(files) * int(np.prod(shape)) > MAX_BYTES:
        raise DataError(f"{folder}: expected at most {MAX_BYTES} bytes of pixels.")
    pixels = np.empty((len(files), *shape), np.uint8)
    for index, (path, _) in enumerate(files):
        pixels[index] = decode(path, shape)
    labels = np.array([label for _, label in files], np.int64)
    return Images(pixels, labels, tuple(names), folder.name[:200])


def _pictures() -> ModuleType:
    """The reader of pictures, which a board may lack."""
    try:
        from xncaps_files import pictures
    except ImportError as error:
        raise BenchmarkError(
            "--accuracy: a folder of pictures needs Pillow: pip install "
            "'xncaps-benchmark[pictures]', or give an .npz"
        ) from error
    return pictures


def _labelled(
    folder: pathlib.Path, class_names: Sequence[str]
) -> tuple[list[tuple[pathlib.Path, int]], Sequence[str]]:
    """(file, label) of every picture, and the names of the classes."""
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder of pictures. Received: no folder.")
    root = folder / "test" if (folder / "test").is_dir() else folder
    classes = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not classes:
        files, names = [(path, -1) for path in _pictures().find(root)], class_names
    else:
        numbers, names = _numbers(root, [path.name for path in classes], class_names)
        files = [
            (path, number)
            for place, number in zip(classes, numbers, strict=True)
            for path in _pictures().find(place)
        ]
    if not files:
        endings = ", ".join(sorted(_pictures().SUFFIXES))
        raise DataError(f"{folder}: expected pictures ({endings}). Received: none.")
    _pictures().say_left_out(root)
    return files, names


def _numbers(
    root: pathlib.Path, found: list[str], class_names: Sequence[str]
) -> tuple[list[int], Sequence[str]]:
    """The class of each folder, by its name, its number, or (names not known) its place."""
    known = list(class_names)
    if not known:
        return list(range(len(found))), found
    if set(found) <= set(known):
        return [known.index(name) for name in found], known
    if all(name.isdigit() and int(name) < len(known) for name in found):
        return [int(name) for name in found], known
    odd = sorted(set(found) - set(known))
    raise BenchmarkError(
        f"--accuracy: expected folders named like the model's classes ({', '.join(known[:20])}) "
        f"or their numbers in {root}. Received: {', '.join(odd[:20])}."
    )
