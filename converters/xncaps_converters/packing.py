"""Capsule kernels as the fused ops store them: one bit a weight, and the scales beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_tf.models.choices import SCALES


def pack_bits(kernel: NDArray[Any]) -> NDArray[Any]:
    """Signs of a kernel, bit d % 8 of byte d // 8 set where the weight is above zero.

    Args:
        kernel: `[N, J, D, E]`.

    Returns:
        uint8 `[N, J, E, ceil(D / 8)]`; the bits beyond D are zero.
    """
    by_pose = np.moveaxis(np.asarray(kernel) > 0, 2, 3)  # [N, J, E, D]
    return np.packbits(by_pose, axis=-1, bitorder="little")  # [N, J, E, ceil(D / 8)]


def unpack_bits(bits: NDArray[Any], dim: int) -> NDArray[Any]:
    """The inverse of `pack_bits`: float32 `[N, J, D, E]` of -1 and +1."""
    ones = np.unpackbits(np.asarray(bits), axis=-1, count=dim, bitorder="little")  # [N, J, E, D]
    return np.moveaxis(ones.astype(np.float32) * 2 - 1, 3, 2)  # [N, J, D, E]


def scale_of(kernel: NDArray[Any], scales: str, scale_type: str) -> NDArray[Any] | None:
    """Mean magnitude of a kernel over D, at the resolution asked for.

    Args:
        kernel: `[N, J, D, E]`.
        scales: 'channel' for `[N, J, E]`, which is exact; 'capsule' for its mean over E,
            `[N, J]`; 'none' for none.
        scale_type: 'float32' or 'float16'.

    Returns:
        The scales, or None.
    """
    if scales == "none":
        return None
    channel = np.abs(np.asarray(kernel, np.float64)).mean(axis=2)  # [N, J, E]
    values = channel if scales == "channel" else channel.mean(axis=2)
    return values.astype(scale_type)


def coarser(first: str, second: str) -> str:
    """The one of two words of `SCALES` that keeps fewer numbers."""
    return max(first, second, key=SCALES.index)


def global_scale(kernel: NDArray[Any]) -> float:
    """The one number that stands for all scales of a kernel where none is stored."""
    return float(np.abs(np.asarray(kernel, np.float64)).mean())


def custom_attributes(**attributes: int | bool) -> str:
    """Attributes of a function marker: integers and booleans, as LCE's converter drops the rest."""
    return " ".join(_attribute(name, value) for name, value in attributes.items())


def _attribute(name: str, value: Any) -> str:
    kind = f"b: {str(value).lower()}" if isinstance(value, bool) else f"i: {int(value)}"
    return f'attr {{ key: "{name}" value {{ {kind} }} }}'
