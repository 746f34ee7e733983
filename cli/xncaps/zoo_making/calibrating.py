"""Temperature and threshold of a file's scores, fitted on held-out data."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files.errors import XncapsError
from xncaps_files.scores import ScoreScale, right_answers

# Of the right answers on the hold-out; the others are the price of refusing foreign pictures.
KEPT = 0.95
_LOG_RANGE = (-4.0, 4.0)  # of the temperature
_SMALLEST = 1e-12


def fit(
    outputs: NDArray[np.floating[Any]],
    labels: NDArray[np.integer[Any]],
    kind: str,
    *,
    kept: float = KEPT,
) -> ScoreScale:
    """The temperature of least cross-entropy, and the threshold that keeps a share of the right.

    Args:
        outputs: of the file on the hold-out, [n, classes].
        labels: [n].
        kind: what the outputs are, one of `scores.KINDS`.
        kept: share of the right answers whose highest share is not below the threshold.

    Raises:
        XncapsError: no answer is right, so that there is nothing to fit.

    Source: Guo et al. 2017, section 4.2, https://arxiv.org/abs/1706.04599; the threshold on the
        highest share: Hendrycks and Gimpel 2017, https://arxiv.org/abs/1610.02136.
    """
    from scipy.optimize import minimize_scalar

    right = right_answers(outputs, labels)
    if not right.any():
        raise XncapsError(
            f"zoo: expected right answers on the hold-out. Received: none of {len(labels)}."
        )

    def loss(log_temperature: float) -> float:
        shares = ScoreScale(kind, math.exp(log_temperature)).shares(outputs)
        of_label = shares[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(of_label, _SMALLEST)).mean())

    found: Any = minimize_scalar(loss, bounds=_LOG_RANGE, method="bounded")
    # Four digits: what is stored is what was judged.
    scale = ScoreScale(kind, float(f"{math.exp(found.x):.4g}"))
    top = np.sort(scale.shares(outputs)[right].max(axis=1))
    index = math.floor((1 - kept) * len(top) + 1e-9)
    return replace(scale, threshold=math.floor(1e4 * top[index]) / 1e4)


def kept_of_right(
    scale: ScoreScale, outputs: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]]
) -> float:
    """Share of the right answers that are not refused."""
    right = right_answers(outputs, labels)
    return float((~scale.is_none(scale.shares(outputs[right]))).mean()) if right.any() else 0.0


def accepted(scale: ScoreScale, outputs: NDArray[np.floating[Any]]) -> float:
    """Share of pictures that get a class: of foreign ones, the wrongly accepted."""
    return float((~scale.is_none(scale.shares(outputs))).mean())
