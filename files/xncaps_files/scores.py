"""One scale for the scores of every head: shares from 0 to 1 that add up to 1, and 'none of these'.

The heads say it differently: capsule lengths (0 or more, without bound), logits (any number),
probabilities. docs/metadata.md has the formula; the Android app computes the same in Java, and both
are held to tests/golden/formats/scores.json.

Source: temperature scaling, Guo et al. 2017, https://arxiv.org/abs/1706.04599; refusing by the
highest share, Hendrycks and Gimpel 2017, https://arxiv.org/abs/1610.02136.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xncaps_files.errors import DataError

KINDS = ("lengths", "logits", "probabilities")
_SMALLEST = 1e-12  # of a probability whose logarithm is taken


class OutputWords(TypedDict):
    """The object `output` in a file's metadata."""

    scores: str | None
    temperature: float | None
    threshold: float | None


@dataclass(frozen=True)
class ScoreScale:
    """How the outputs of a model become shares.

    Attributes:
        kind: what the outputs are, one of `KINDS`; None where the file does not tell.
        temperature: fitted on held-out data, above 0; None where it was not.
        threshold: a highest share below it means 'none of these'; None never says so.

    Raises:
        DataError: another kind, or a number out of its range.
    """

    kind: str | None = None
    temperature: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in KINDS:
            raise DataError(
                f"scores: expected a kind among {', '.join(KINDS)}. Received: kind={self.kind!r}."
            )
        _check("temperature", self.temperature, lambda value: value > 0, "above 0")
        _check("threshold", self.threshold, lambda value: 0 <= value <= 1, "from 0 to 1")

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> ScoreScale:
        """Of the object `output` in a file's metadata; what it lacks is None."""
        return cls(told.get("scores"), told.get("temperature"), told.get("threshold"))

    def to_json(self) -> OutputWords:
        """What `from_json` reads."""
        return {
            "scores": self.kind,
            "temperature": self.temperature,
            "threshold": self.threshold,
        }

    def shares(self, outputs: ArrayLike) -> NDArray[np.float64]:
        """Shares `[..., classes]` of a model's outputs `[..., classes]`, in double precision.

        The order of the classes stays as it is.

        Raises:
            DataError: an output is NaN or infinite, or there is no class.
        """
        values = np.asarray(outputs, np.float64)
        if not values.ndim or not values.shape[-1] or not np.isfinite(values).all():
            raise DataError(
                "scores: expected finite outputs [..., classes]. "
                f"Received: shape {list(values.shape)}, {_odd(values)} of them not finite."
            )
        if self.kind is None:
            negative = (values < 0).any(axis=-1, keepdims=True)
            return np.where(negative, self._softmax(values), self._of_lengths(values))
        if self.kind == "logits":
            return self._softmax(values)
        if self.kind == "probabilities" and self.temperature is not None:
            return self._softmax(np.log(np.maximum(values, _SMALLEST)))
        return self._of_lengths(values)

    def is_none(self, shares: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether shares `[..., classes]` say that the picture is of none of the classes."""
        return shares.max(axis=-1) < (0.0 if self.threshold is None else self.threshold)

    def _of_lengths(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.temperature is not None:
            return self._softmax(values)
        positive = np.maximum(values, 0.0)
        total = positive.sum(axis=-1, keepdims=True)
        return np.where(total > 0, positive / np.where(total > 0, total, 1), 1 / values.shape[-1])

    def _softmax(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        highest = values.max(axis=-1, keepdims=True)
        powers = np.exp((values - highest) / (self.temperature or 1.0))
        return powers / powers.sum(axis=-1, keepdims=True)


def right_answers(scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Which answers are right; of equal scores the first counts as the highest.

    Args:
        scores: `[n, classes]`.
        labels: the classes, int `[n]`; or k of them a sample, two-hot `[n, classes]`.

    Returns:
        `[n]`: whether the highest score is that of the class; or `[n, k]`: which of the k highest
        are labels, the highest first.
    """
    if labels.ndim == 1:
        return np.asarray(scores.argmax(axis=1) == labels)
    k = round(float((labels > 0).sum(axis=1).mean()))
    highest = np.argsort(-scores, axis=1, kind="stable")[:, :k]  # [n, k]
    return np.take_along_axis(labels, highest, axis=1) > 0


def _check(name: str, value: Any, test: Callable[[float], bool], expected: str) -> None:
    if value is None:
        return
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not test(value):
        raise DataError(
            f"scores: expected {name} to be a number {expected}. Received: {name}={value!r}."
        )


def _odd(values: NDArray[np.float64]) -> int:
    return int((~np.isfinite(values)).sum())
