"""Pure functions of tensors: squash, length, sign, projection and routing of capsules."""

from __future__ import annotations

from xncaps_tf.ops.binarize import mean_magnitude, sign
from xncaps_tf.ops.masking import keep_highest
from xncaps_tf.ops.routing import KERNEL_AXES, agreement, capsules, project, route, scaled_signs
from xncaps_tf.ops.squash import length, squash
from xncaps_tf.ops.xla import Signs, compiled_capsules

__all__ = [
    "KERNEL_AXES",
    "Signs",
    "agreement",
    "capsules",
    "compiled_capsules",
    "keep_highest",
    "length",
    "mean_magnitude",
    "project",
    "route",
    "scaled_signs",
    "sign",
    "squash",
]
