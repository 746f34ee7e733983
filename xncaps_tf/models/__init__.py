"""Networks: a backbone and a head, joined by their names.

The names load no TensorFlow; `build` and the rest are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from xncaps_tf.models.names import BACKBONES, HEADS, UPSAMPLING

if TYPE_CHECKING:
    from xncaps_tf.models.normalization import BatchNorm as BatchNorm
    from xncaps_tf.models.preprocessing import CaffePreprocessing as CaffePreprocessing
    from xncaps_tf.models.registry import build as build
    from xncaps_tf.models.registry import class_names as class_names
    from xncaps_tf.models.registry import is_capsule_head as is_capsule_head

_LAZY = {
    "BatchNorm": "normalization",
    "CaffePreprocessing": "preprocessing",
    "build": "registry",
    "class_names": "registry",
    "is_capsule_head": "registry",
}

__all__ = [
    "BACKBONES",
    "HEADS",
    "UPSAMPLING",
    "BatchNorm",
    "CaffePreprocessing",
    "build",
    "class_names",
    "is_capsule_head",
]


def __getattr__(name: str) -> Any:
    """Loads a function or layer when it is first used (PEP 562)."""
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
