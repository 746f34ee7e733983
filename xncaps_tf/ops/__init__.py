"""Pure functions of tensors: squash, length, sign, projection and routing of capsules."""

from __future__ import annotations

from xncaps_tf.ops.binarize import mean_magnitude, sign
from xncaps_tf.ops.routing import capsules, project, route
from xncaps_tf.ops.squash import length, squash

__all__ = ["capsules", "length", "mean_magnitude", "project", "route", "sign", "squash"]
