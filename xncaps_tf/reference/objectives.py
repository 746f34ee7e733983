"""Losses, accuracies and the learning rate, an element at a time."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


def margin_loss(
    targets: NDArray[Any],
    scores: NDArray[Any],
    m_plus: float = 0.9,
    m_minus: float = 0.1,
    down_weight: float = 0.5,
) -> list[float]:
    """Margin loss of each example; targets and scores [B, classes]."""
    losses: list[float] = []
    for row, values in zip(targets, scores, strict=True):
        loss = 0.0
        for t, p in zip(row, values, strict=True):
            loss += t * max(0.0, m_plus - p) ** 2
            loss += down_weight * (1.0 - t) * max(0.0, p - m_minus) ** 2
        losses.append(float(loss))
    return losses


def squared_hinge(targets: NDArray[Any], scores: NDArray[Any]) -> list[float]:
    """Squared hinge of each example; targets of 0 and 1 and scores [B, classes]."""
    losses: list[float] = []
    for row, values in zip(targets, scores, strict=True):
        terms = [max(0.0, 1.0 - (2 * t - 1) * p) ** 2 for t, p in zip(row, values, strict=True)]
        losses.append(float(sum(terms) / len(terms)))
    return losses


def _highest(scores: NDArray[Any], count: int) -> list[int]:
    """Indices of the highest scores; of equal ones the first."""
    return sorted(range(len(scores)), key=lambda k: (-scores[k], k))[:count]


def score_accuracy(labels: NDArray[Any], scores: NDArray[Any]) -> list[float]:
    """1 where the highest score is that of the label, else 0; labels [B], scores [B, classes]."""
    return [
        1.0 if _highest(row, 1)[0] == label else 0.0
        for label, row in zip(labels, scores, strict=True)
    ]


def two_label_accuracy(targets: NDArray[Any], scores: NDArray[Any]) -> list[float]:
    """Share of each example's two labels among its two highest scores; both [B, classes]."""
    return [
        sum(1 for k in _highest(row, 2) if target[k] == 1) / 2
        for target, row in zip(targets, scores, strict=True)
    ]


def triangular2(step: int, minimum: float, maximum: float, step_size: int) -> float:
    """Learning rate of one step; cycle 0 has the full height, each later one half of it."""
    height = maximum - minimum
    while step >= 2 * step_size:
        step -= 2 * step_size
        height /= 2
    up = step if step <= step_size else 2 * step_size - step
    return minimum + height * up / step_size
