"""`load`: a data set by its name, from the first place that has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from xncaps_tf.data import digits, mnist
from xncaps_tf.data.dataset import Dataset
from xncaps_tf.data.names import NAMES, SPLITS
from xncaps_tf.data.places import Found
from xncaps_tf.errors import DataError

# (what is looked for, where, the reader)
_Place = tuple[str, Path, Callable[[], Found]]
_DEBIAN = {"fashion_mnist": Path("/usr/share/datasets/fashion-mnist")}


def load(
    name: str, split: str, data_dir: str | Path | None = None, *, download: bool = False
) -> Dataset:
    """The split of a data set."""
    if name not in NAMES:
        raise ValueError(f"load: expected one of {', '.join(NAMES)}. Received: name={name!r}.")
    if split not in SPLITS:
        raise ValueError(f"load: expected one of {', '.join(SPLITS)}. Received: split={split!r}.")
    if name == "digits":
        return digits.load(split)
    tried = []
    for what, folder, look in _places(name, split, Path(data_dir) if data_dir else None):
        found = look()
        if isinstance(found, Dataset):
            return found
        tried.append(f"{folder} ({what}): {found.why}")
    raise DataError(f"{name}: not found. " + "; ".join(tried))


def _places(name: str, split: str, data_dir: Path | None) -> Iterator[_Place]:
    root = data_dir or _DEBIAN.get(name)
    if root is None:
        return
    for folder in (root / name, root / name.replace("_", "-"), root):
        if folder.is_dir() and name in mnist.CLASSES:
            yield "IDX", folder, lambda folder=folder: mnist.from_idx(name, split, folder)
            yield "npz", folder, lambda folder=folder: mnist.from_npz(name, split, folder)
