"""Accuracy, and whether a file has lost some against what it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files.scores import right_answers

# Of a standard normal variable: the value that 99.9 % are below.
_ONE_SIDED = 3.09


@dataclass(frozen=True)
class Loss:
    """What a file loses of the accuracy that was expected, on the same samples.

    Attributes:
        lost: share of right answers, expected minus file; below 0 where the file is better.
        noise: how much of that the choice of the samples explains by itself.
    """

    lost: float
    noise: float


def loss(expected: NDArray[Any], outputs: NDArray[Any], labels: NDArray[Any]) -> Loss:
    """The loss of accuracy from scores to others `[n, classes]` of the same samples.

    Both answer the same samples, so only the samples that one has right and the other has not count
    (McNemar 1947, "Note on the sampling error of the difference between correlated proportions").
    With x_i = right_i(expected) - right_i(file), each -1, 0 or 1, the loss is the mean of x. A file
    that is as good as the model has mean 0 and Var(sum x) = sum E[x_i^2], estimated by the number m
    of samples with x_i != 0. A share 3.09 sqrt(m) / n is what such a file passes by chance once in
    a thousand. The normal approximation is good enough for small m too: 9 changed answers, all for
    the worse, pass both it and the exact binomial test (0.5^9 > 0.001), 10 pass neither.
    With two labels a sample x_i may be a half; the same sum holds.
    """
    change = _right(expected, labels) - _right(outputs, labels)  # [n]
    noise = _ONE_SIDED * float(np.sqrt((change**2).sum())) / len(change)
    return Loss(float(change.mean()), noise)


def accuracy(scores: NDArray[Any], labels: NDArray[Any]) -> float:
    """Share of right top-1 classes; of two-hot labels, share of labels among the two highest."""
    return float(_right(scores, labels).mean())


def _right(scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.float64]:
    """[n], the share of each sample's labels that its highest scores name."""
    right = right_answers(scores, labels)
    return right.reshape(len(right), -1).mean(axis=1)
