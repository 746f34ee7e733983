"""Own images: a folder a class."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from xncaps_tf.data import images, storage
from xncaps_tf.data.dataset import ArrayImages, Dataset
from xncaps_tf.data.names import SPLITS
from xncaps_tf.data.places import Found, NotFound
from xncaps_tf.errors import DataError

_SPLIT_FOLDERS = {*SPLITS, "val", "validation"}
_TEST_SHARE = 5  # where there is no test folder, a fifth of every class is for testing
_DEFAULT_SIDE = 224


def load(split: str, root: Path, image_shape: tuple[int, int, int] | None = None) -> Dataset:
    """The split of the pictures under `root`.

    Either root/train/CLASS/... and root/test/CLASS/..., or root/CLASS/...; then a fifth of every
    class, chosen by a hash of each picture's path, is the test split. Classes are in the order of
    their names. Pictures that are not of the shape are cut and scaled as `images.read` does.

    Args:
        split: 'train' or 'test'.
        root: the folder.
        image_shape: (H, W, C); None: that of the pictures if it is one and the same and no side is
            over 224, else (224, 224, 3).

    Raises:
        DataError: there is no such folder, fewer than two classes, an empty class, classes that
            are not the same in both splits, or a picture that cannot be read.
    """
    classes = _files(split, root)
    paths = [path for files in classes.values() for path in files]
    shape = image_shape or _common_shape(paths)
    pixels = storage.allocate(len(paths), shape, what=str(root))
    storage.fill(pixels, paths, lambda path: images.decode(path, shape))
    counts = [len(files) for files in classes.values()]
    return Dataset(
        name="folder",
        split=split,
        class_names=tuple(classes),
        images=ArrayImages(pixels),
        labels=np.repeat(np.arange(len(counts), dtype=np.int64), counts),
        source=str(root),
    )


def named(
    name: str,
    split: str,
    root: Path,
    class_names: tuple[str, ...],
    shape: tuple[int, int, int],
) -> Found:
    """A known data set as pictures: root/SPLIT/CLASS/..., a class by its name or number."""
    folder = root / split
    if not folder.is_dir():
        return NotFound(f"no {split}/CLASS/ of pictures")
    own = {path.name: path for path in _subfolders(folder)}
    numbers = tuple(str(number) for number in range(len(class_names)))
    keys = next((keys for keys in (class_names, numbers) if set(keys) == set(own)), None)
    if keys is None:
        return NotFound(f"{split}/ has other folders than the classes' names or numbers")
    files = [_class_files(own[key]) for key in keys]
    paths = [path for group in files for path in group]
    pixels = storage.allocate(len(paths), shape, what=str(folder))
    storage.fill(pixels, paths, lambda path: images.decode(path, shape))
    return Dataset(
        name=name,
        split=split,
        class_names=class_names,
        images=ArrayImages(pixels),
        labels=np.repeat(np.arange(len(files), dtype=np.int64), [len(group) for group in files]),
        source=str(folder),
        note="picture files",
    )


def _files(split: str, root: Path) -> dict[str, list[Path]]:
    if not root.is_dir():
        raise DataError(f"{root}: expected a folder with a folder a class. Received: no folder.")
    inside = {path.name for path in _subfolders(root)}
    if not inside & set(SPLITS) or not inside <= _SPLIT_FOLDERS:
        classes = {path.name: _class_files(path) for path in _classes(root)}
        return {name: _share(split, root / name, files) for name, files in classes.items()}
    for needed in SPLITS:
        if needed not in inside:
            raise DataError(
                f"{root}: expected both train/ and test/. Received: {', '.join(sorted(inside))}."
            )
    trained, tested = ([path.name for path in _classes(root / part)] for part in SPLITS)
    if trained != tested:
        different = ", ".join(sorted(set(trained) ^ set(tested)))
        raise DataError(
            f"{root}: expected the same classes in train/ and test/. "
            f"Received: {different} in only one of them."
        )
    return {path.name: _class_files(path) for path in _classes(root / split)}


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(
            path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
        )
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror or error}.") from error


def _classes(folder: Path) -> list[Path]:
    found = _subfolders(folder)
    if len(found) < 2:
        raise DataError(
            f"{folder}: expected two folders or more, one a class. Received: {len(found)}."
        )
    return found


def _class_files(folder: Path) -> list[Path]:
    files = images.find(folder)
    if not files:
        raise DataError(
            f"{folder}: expected pictures of the class ({', '.join(sorted(images.SUFFIXES))}). "
            "Received: an empty class."
        )
    return files


def _share(split: str, folder: Path, files: list[Path]) -> list[Path]:
    """The part of a class that is for `split`: by a hash of the path, so it does not move when
    other pictures come or the whole folder is copied elsewhere."""
    if len(files) < 2:
        raise DataError(
            f"{folder}: expected two pictures or more, to have one for testing. Received: one."
        )

    def key(path: Path) -> bytes:
        return hashlib.sha256(path.relative_to(folder).as_posix().encode()).digest()

    tested = set(sorted(files, key=key)[: max(1, len(files) // _TEST_SHARE)])
    return [path for path in files if (path in tested) == (split == "test")]


def _common_shape(paths: list[Path]) -> tuple[int, int, int]:
    shapes = {images.measure(path) for path in paths}
    if len(shapes) == 1 and max(next(iter(shapes))) <= _DEFAULT_SIDE:
        return next(iter(shapes))
    return _DEFAULT_SIDE, _DEFAULT_SIDE, 3
