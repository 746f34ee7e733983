"""`load`: a data set by its name, from the first place that has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xncaps_tf.data import (
    affine,
    cifar10,
    digits,
    folder,
    grocery,
    mnist,
    overlap,
    packed,
    prepared,
)
from xncaps_tf.data import download as downloading
from xncaps_tf.data.catalogue import (
    CIFAR10_CLASSES,
    DIGIT_CLASSES,
    NAMES,
    PICTURES,
    SPLITS,
    VALIDATION,
)
from xncaps_tf.data.dataset import Dataset
from xncaps_tf.data.lookup import Found, NotFound
from xncaps_tf.errors import DataError

_SHAPES = {"mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
_CLASSES = {**mnist.CLASSES, "cifar10": CIFAR10_CLASSES, "multi_mnist": DIGIT_CLASSES}
# Folders of data_dir that are searched before data_dir itself.
_SUBFOLDERS = {
    "mnist": ("mnist", "MNIST/raw"),
    "fashion_mnist": ("fashion_mnist", "fashion-mnist", "FashionMNIST/raw"),
    "cifar10": ("cifar10", "cifar-10-batches-bin", "cifar10_jpeg"),
}
# Where others put a data set, searched where no data_dir is given.
_KERAS = Path("~/.keras/datasets")
_USUAL = {
    "mnist": (_KERAS,),
    "fashion_mnist": (Path("/usr/share/datasets/fashion-mnist"), _KERAS / "fashion-mnist"),
    "cifar10": (_KERAS / "cifar-10-batches-bin",),
}


def load(
    name: str,
    split: str,
    data_dir: str | Path | None = None,
    *,
    download: bool = False,
    image_shape: tuple[int, int, int] | None = None,
) -> Dataset:
    """One split of a data set.

    Looked for, in this order: local files in `data_dir` (where it is not given, in the places where
    Debian and Keras put them); what tfds has prepared, in `data_dir` and in tfds's own folder;
    then, only with `download`, by tfds. `docs/data.md` lists the files. `multi_mnist` is composed
    of a local MNIST where tfds has not prepared it. Those of `PICTURES` are decoded while they are
    read, the others are in memory.

    Args:
        name: one of `data.NAMES`.
        split: 'train', 'test', or 'validation' where the data set has one (`has_validation`).
        data_dir: a folder; `folder` and `grocery` need it.
        download: let tfds download what is found nowhere, into `data_dir` or tfds's own folder.
        image_shape: (H, W, C) of those of `PICTURES`; None: see `data.folder.load`, and 224x224x3
            of `grocery`.

    Raises:
        ValueError: `name` or `split` is unknown, or `image_shape` comes with another name.
        DataError: a file is damaged; or the data set is nowhere, with every place and why; or it
            has no such split.
    """
    if name not in NAMES:
        raise ValueError(f"load: expected one of {', '.join(NAMES)}. Received: name={name!r}.")
    if split not in (*SPLITS, VALIDATION):
        known = ", ".join((*SPLITS, VALIDATION))
        raise ValueError(f"load: expected one of {known}. Received: split={split!r}.")
    if image_shape is not None and name not in PICTURES:
        raise ValueError(
            f"load: expected image_shape with one of {', '.join(PICTURES)} only. "
            f"Received: name={name!r}."
        )
    root = Path(data_dir).expanduser() if data_dir else None
    if name in PICTURES:
        if root is None:
            what = "a folder a class" if name == "folder" else "a clone of its repository"
            raise DataError(f"{name}: expected data_dir, a folder with {what}.")
        if name == "folder":
            return folder.load(split, root, image_shape)
        return grocery.load(name, split, root, image_shape)
    if split == VALIDATION:
        raise DataError(
            f"{name}: expected one of {', '.join(SPLITS)}. Received: split={split!r}, which this "
            "data set has not; split_validation holds a share of 'train' out."
        )
    if name == "digits":
        return digits.load(split)
    return _search(name, split, root, may_download=download)


def load_for(
    shape: tuple[int | None, ...],
    name: str,
    split: str,
    data_dir: str | Path | None = None,
    *,
    download: bool = False,
) -> Dataset:
    """The same for a model of images of `shape`: pictures are scaled to the size that it takes.

    Args:
        shape: (H, W, C) as the model's input has it; what it leaves open (None) the data decides.
        name, split, data_dir, download: as of `load`.

    Raises:
        ValueError, DataError: as `load` does.
    """
    is_open = name in PICTURES and len(shape) == 3 and None not in shape and shape[2] in (1, 3)
    wanted: Any = tuple(shape) if is_open else None
    return load(name, split, data_dir, download=download, image_shape=wanted)


def has_validation(name: str, data_dir: str | Path | None) -> bool:
    """Whether the data set comes with a split that training may look at."""
    if name == "folder":
        return data_dir is not None and folder.has_validation(Path(data_dir).expanduser())
    return name in ("grocery", "grocery/coarse")


def _search(name: str, split: str, root: Path | None, *, may_download: bool) -> Dataset:
    tried: list[str] = []
    for place, found in _looks(name, split, root):
        if isinstance(found, Dataset):
            return found
        tried.append(f"{place}: {found.why}")
    if may_download:
        target = prepared.roots(root)[0]
        stored = "mnist" if name == "affine_mnist" else name
        try:
            downloading.prepare(stored, target)
        except DataError as error:
            raise DataError(f"{name}: found nowhere. {'; '.join(tried)}; {error}") from error
        found = _prepared(stored, split, target)
        if isinstance(found, Dataset):
            return found if stored == name else affine.dataset(found)
        tried.append(f"{target}: {found.why} after a download")
    advice = "" if may_download else "; download: not asked for (--download)"
    raise DataError(f"{name}: found nowhere. {'; '.join(tried)}{advice}.")


def _looks(name: str, split: str, root: Path | None) -> Iterator[tuple[Path, Found]]:
    """(place, what it holds), one after another, each looked at when it is asked for."""
    if name == "affine_mnist":
        for place in [root / "affNIST", root] if root else []:
            yield place, affine.from_mat(split, place)
        for place, found in _looks("mnist", split, root):
            yield place, affine.dataset(found) if isinstance(found, Dataset) else found
        return
    is_overlap = name.startswith("multi_mnist")
    if not is_overlap:
        yield from _local(name, split, root)
    for place in prepared.roots(root):
        yield place, _prepared(name, split, place)
    if not is_overlap:
        return
    for place, found in _looks("mnist", split, root):
        if isinstance(found, Dataset):
            yield place, overlap.dataset(found, name.partition("/")[2] or overlap.DEFAULT)
        else:
            yield place, found


def _local(name: str, split: str, root: Path | None) -> Iterator[tuple[Path, Found]]:
    given = [root / part for part in _SUBFOLDERS[name]] if root else []
    usual = [place.expanduser() for place in _USUAL[name]]
    for place in [*(place for place in given if place.is_dir()), root] if root else usual:
        if not place.is_dir():
            yield place, NotFound("no such folder")
            continue
        yield place, _files(name, split, place)


def _files(name: str, split: str, place: Path) -> Found:
    """A split from the files of one folder, whichever format they have."""
    reasons: list[str] = []
    for found in _formats(name, split, place):
        if isinstance(found, Dataset):
            return found
        reasons.append(found.why)
    return NotFound(", ".join(reasons))


def _formats(name: str, split: str, place: Path) -> Iterator[Found]:
    if name == "cifar10":
        yield cifar10.from_bin(split, place)
        yield packed.from_npz(name, split, place, _CLASSES[name], _SHAPES[name])
    else:
        yield mnist.from_idx(name, split, place)
        yield mnist.from_npz(name, split, place)
    yield folder.named(name, split, place, _CLASSES[name], _SHAPES[name])


def _prepared(name: str, split: str, place: Path) -> Found:
    base, _, config = name.partition("/")
    if base != "multi_mnist":
        return prepared.from_tfds(name, split, place, _CLASSES[name], _SHAPES[name])
    shape = (overlap.SIDE, overlap.SIDE, 1)
    return prepared.from_tfds(
        name, split, place, _CLASSES[base], shape, config=config or overlap.DEFAULT
    )
