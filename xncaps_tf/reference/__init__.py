"""The maths of this package in plain NumPy loops, float64: to read and to test against."""

from __future__ import annotations

from xncaps_tf.reference.capsules import (
    caps_fc,
    capsule_reshape,
    keep_highest,
    length,
    sign,
    squash,
    xnidr,
    xnodr,
)
from xncaps_tf.reference.objectives import (
    margin_loss,
    score_accuracy,
    squared_hinge,
    triangular2,
    two_label_accuracy,
)

__all__ = [
    "caps_fc",
    "capsule_reshape",
    "keep_highest",
    "length",
    "margin_loss",
    "score_accuracy",
    "sign",
    "squared_hinge",
    "squash",
    "triangular2",
    "two_label_accuracy",
    "xnidr",
    "xnodr",
]
