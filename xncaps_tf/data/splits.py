"""A hold-out of the training split, and a sample of any: the same share of every class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_tf.data import seeds
from xncaps_tf.data.dataset import Dataset
from xncaps_tf.errors import DataError


def split_validation(ds: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """(the rest, a hold-out of about `fraction` of `ds`), a function of the seed.

    The hold-out has round(fraction * n) images and the same share of every class, give or take one
    image; of a class with two images or more it has at least one and never all. Where images show
    two classes the share is taken of the whole.

    Raises:
        ValueError: `fraction` is not between 0 and 1.
        DataError: no class has two images, so that the hold-out or the rest would be empty.
    """
    if not 0 < fraction < 1:
        raise ValueError(
            f"split_validation: expected 0 < fraction < 1. Received: fraction={fraction!r}."
        )
    order = seeds.numpy_order(len(ds), seed)
    groups = ds.labels[order] if ds.labels.ndim == 1 else np.zeros(len(ds), np.int64)
    held = np.zeros(len(ds), bool)
    kinds, counts = np.unique(groups, return_counts=True)
    for kind, wanted in zip(kinds, _quotas(counts, fraction), strict=True):
        held[order[groups == kind][:wanted]] = True
    if not held.any():
        raise DataError(
            "split_validation: expected a class with two images or more, to hold one out. "
            f"Received: {len(ds)} images in {len(kinds)} classes; train on more images, or hold "
            "none out (validation 0)."
        )
    return (
        ds.subset(np.flatnonzero(~held), split=f"{ds.split}[rest]"),
        ds.subset(np.flatnonzero(held), split=f"{ds.split}[validation]"),
    )


def sample(ds: Dataset, count: int, seed: int) -> Dataset:
    """`count` images of a split with the same share of every class, a function of the seed.

    The images are in such an order that the first n of them are a sample in the same sense, for
    every n: where a split is sorted by class, no prefix of the sample is. Where images show two
    classes the sample is drawn from the whole.

    Raises:
        ValueError: `count` is not between 1 and the number of images.
    """
    if not 1 <= count <= len(ds):
        raise ValueError(f"sample: expected 1 <= count <= {len(ds)}. Received: count={count!r}.")
    order = seeds.numpy_order(len(ds), seed)
    groups = ds.labels[order] if ds.labels.ndim == 1 else np.zeros(len(ds), np.int64)
    place = np.zeros(len(ds))  # of an image within its class, from 0 to 1
    for kind in np.unique(groups):
        (members,) = np.nonzero(groups == kind)
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return ds.subset(order[np.argsort(place, kind="stable")][:count])


def _quotas(counts: NDArray[Any], fraction: float) -> NDArray[Any]:
    """How many of each class to hold out: largest remainders, then 1 to count - 1."""
    exact = fraction * counts
    quotas = np.floor(exact).astype(np.int64)
    missing = int(round(fraction * int(counts.sum()))) - int(quotas.sum())
    quotas[np.argsort(quotas - exact, kind="stable")[:missing]] += 1
    return np.minimum(np.maximum(quotas, 1), counts - 1)
