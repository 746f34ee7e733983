"""Own images: a folder a class."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import numpy as np

from xncaps_files import pictures
from xncaps_tf.data.catalogue import SPLITS, VALIDATION
from xncaps_tf.data.dataset import Dataset
from xncaps_tf.data.lookup import Found, NotFound
from xncaps_tf.data.picture_files import FileImages
from xncaps_tf.errors import DataError

_VALIDATION_FOLDERS = ("validation", "val")
_SPLIT_FOLDERS = {*SPLITS, *_VALIDATION_FOLDERS}
_TEST_SHARE = 5  # where there is no test folder, a fifth of every class is for testing
_DEFAULT_SIDE = 224


def load(split: str, root: Path, image_shape: tuple[int, int, int] | None = None) -> Dataset:
    """The split of the pictures under `root`.

    Either root/train/CLASS/... and root/test/CLASS/... (and perhaps root/validation/CLASS/... or
    root/val/CLASS/...), or root/CLASS/...; then a fifth of every class, chosen by a hash of each
    picture's path, is the test split. Classes are in the order of their names. Pictures that are
    not of the shape are cut and scaled as `pictures.read` does, when they are asked for.

    Args:
        split: 'train', 'validation' or 'test'.
        root: the folder.
        image_shape: (H, W, C); None: that of the split's pictures if it is one and the same and no
            side is over 224, else (224, 224, 3).

    Raises:
        DataError: there is no such folder, fewer than two classes, an empty class, classes that
            are not the same in all splits, no folder of the split, or (without `image_shape`) a
            picture whose size cannot be read.
    """
    classes = _files(split, root)
    _say_once(root)
    paths = [path for files in classes.values() for path in files]
    counts = [len(files) for files in classes.values()]
    return Dataset(
        name="folder",
        split=split,
        class_names=tuple(classes),
        images=FileImages(paths, image_shape or _common_shape(paths)),
        labels=np.repeat(np.arange(len(counts), dtype=np.int64), counts),
        source=str(root),
    )


def has_validation(root: Path) -> bool:
    """Whether the folder has pictures to validate on: root/validation/ or root/val/."""
    return root.is_dir() and _has_splits(_names(root)) and bool(_validation_folder(root))


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
    return Dataset(
        name=name,
        split=split,
        class_names=class_names,
        images=FileImages(paths, shape),
        labels=np.repeat(np.arange(len(files), dtype=np.int64), [len(group) for group in files]),
        source=str(folder),
        note="picture files",
    )


def _files(split: str, root: Path) -> dict[str, list[Path]]:
    if not root.is_dir():
        raise DataError(f"{root}: expected a folder with a folder a class. Received: no folder.")
    inside = _names(root)
    if not _has_splits(inside):
        if split == VALIDATION:
            raise DataError(
                f"{root}: expected train/, test/ and validation/. Received: folders of classes, "
                "without a split for validation."
            )
        classes = {path.name: _class_files(path) for path in _classes(root)}
        return {name: _share(split, root / name, files) for name, files in classes.items()}
    for needed in SPLITS:
        if needed not in inside:
            raise DataError(
                f"{root}: expected both train/ and test/. Received: {', '.join(sorted(inside))}."
            )
    part = _validation_folder(root) if split == VALIDATION else split
    if not part:
        raise DataError(
            f"{root}: expected validation/ or val/. Received: {', '.join(sorted(inside))}."
        )
    others = [name for name in (*SPLITS, part) if name != "train"]
    trained = [path.name for path in _classes(root / "train")]
    for other in others:
        if different := set(trained) ^ {path.name for path in _classes(root / other)}:
            raise DataError(
                f"{root}: expected the same classes in train/ and {other}/. "
                f"Received: {', '.join(sorted(different))} in only one of them."
            )
    return {path.name: _class_files(path) for path in _classes(root / part)}


def _names(root: Path) -> set[str]:
    return {path.name for path in _subfolders(root)}


def _has_splits(inside: set[str]) -> bool:
    return bool(inside & set(SPLITS)) and inside <= _SPLIT_FOLDERS


def _validation_folder(root: Path) -> str:
    """Its name in the folder, '' where there is none."""
    return next((name for name in _VALIDATION_FOLDERS if (root / name).is_dir()), "")


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
    files = pictures.find(folder)
    if not files:
        raise DataError(
            f"{folder}: expected pictures of the class ({', '.join(sorted(pictures.SUFFIXES))}). "
            f"Received: {_other_files(folder)}."
        )
    return files


def _other_files(folder: Path) -> str:
    """What lies in a class without pictures: photographs of a phone are .heic, say."""
    others = pictures.left_out(folder)
    return (
        f"{others} of other kinds alone; save them as JPEG or PNG" if others else "an empty class"
    )


@functools.cache
def _say_once(root: Path) -> None:
    """Of the files that are left out; once, of all splits."""
    pictures.say_left_out(root)


def _share(split: str, folder: Path, files: list[Path]) -> list[Path]:
    """The part of a class that is for `split`: by a hash of the path, so it does not move when
    other pictures come or the whole folder is copied elsewhere."""
    if len(files) < 2:
        raise DataError(
            f"{folder}: expected two pictures or more, to have one for testing. Received: one."
        )

    def key(path: Path) -> bytes:
        name = path.relative_to(folder).as_posix()  # of any bytes
        return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()

    tested = set(sorted(files, key=key)[: max(1, len(files) // _TEST_SHARE)])
    return [path for path in files if (path in tested) == (split == "test")]


def _common_shape(paths: list[Path]) -> tuple[int, int, int]:
    """The shape of all if it is one and small; the first that tells otherwise ends the search."""
    common: tuple[int, int, int] | None = None
    for path in paths:
        shape = pictures.measure(path)
        if max(shape) > _DEFAULT_SIDE or shape != (common or shape):
            return _DEFAULT_SIDE, _DEFAULT_SIDE, 3
        common = shape
    return common or (_DEFAULT_SIDE, _DEFAULT_SIDE, 3)
