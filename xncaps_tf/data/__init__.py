"""Data sets by name, their batches, and the pictures of a user's own.

Names are at hand at once; what needs TensorFlow is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xncaps_files.lazy import attach
from xncaps_tf.data.catalogue import NAMES, PICTURES, SPLITS, VALIDATION

if TYPE_CHECKING:
    from xncaps_tf.data import augment, folder, overlap
    from xncaps_tf.data.augment import AUGMENTATIONS, Augmentation
    from xncaps_tf.data.batching import batches, num_batches
    from xncaps_tf.data.dataset import ArrayImages, Dataset
    from xncaps_tf.data.loading import has_validation, load, load_for
    from xncaps_tf.data.splits import sample, split_validation

_ATTRIBUTES = {
    "AUGMENTATIONS": "augment",
    "ArrayImages": "dataset",
    "Augmentation": "augment",
    "Dataset": "dataset",
    "batches": "batching",
    "has_validation": "loading",
    "load": "loading",
    "load_for": "loading",
    "num_batches": "batching",
    "sample": "splits",
    "split_validation": "splits",
}
_MODULES = ("augment", "folder", "overlap")

__all__ = [
    "AUGMENTATIONS",
    "NAMES",
    "PICTURES",
    "SPLITS",
    "VALIDATION",
    "ArrayImages",
    "Augmentation",
    "Dataset",
    "augment",
    "batches",
    "folder",
    "has_validation",
    "load",
    "load_for",
    "num_batches",
    "overlap",
    "sample",
    "split_validation",
]


__getattr__ = attach(__name__, _ATTRIBUTES, _MODULES)


def __dir__() -> list[str]:
    return sorted(__all__)
