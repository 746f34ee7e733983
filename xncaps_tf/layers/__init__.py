"""Keras layers of capsule networks; importing this package registers them with Keras."""

from __future__ import annotations

from xncaps_tf.layers.caps_fc import CapsFC
from xncaps_tf.layers.capsule_reshape import CapsuleReshape
from xncaps_tf.layers.class_scores import ClassScores
from xncaps_tf.layers.length import Length
from xncaps_tf.layers.seeded_dropout import SeededDropout
from xncaps_tf.layers.winning_capsule import WinningCapsule
from xncaps_tf.layers.xnidr import XnIDR
from xncaps_tf.layers.xnodr import XnODR
from xncaps_tf.quantizers import CapsSign

__all__ = [
    "CapsFC",
    "CapsSign",
    "CapsuleReshape",
    "ClassScores",
    "Length",
    "SeededDropout",
    "WinningCapsule",
    "XnIDR",
    "XnODR",
]
