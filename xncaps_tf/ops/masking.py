"""All capsules but one set to zero."""

from __future__ import annotations

from typing import Any

from xncaps_tf._keras import tf


def keep_highest(capsules: Any, scores: Any) -> Any:
    """The capsules with all but that of the highest score set to zero; of equal ones the first.

    Args:
        capsules: `[B, J, E]`.
        scores: `[B, J]`; no gradient runs to them.

    Returns:
        `[B, J, E]`.
    """
    highest = tf.one_hot(tf.argmax(scores, axis=1), capsules.shape[1], dtype=capsules.dtype)
    return capsules * highest[:, :, tf.newaxis]  # [B, J, E]
