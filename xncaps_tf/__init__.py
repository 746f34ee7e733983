"""Capsule networks with one-bit layers (XnODR, XnIDR): Keras layers, models, training.

Importing this package loads no TensorFlow: the names below are loaded when they are first used.
It does choose the Keras that TensorFlow will load. Larq works with Keras 2 only, which is the
package `tf_keras`; TensorFlow takes it where TF_USE_LEGACY_KERAS=1 is set before its own import.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from xncaps_files.lazy import attach

if TYPE_CHECKING:
    from xncaps_tf.saving import load_model as load_model

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# TensorFlow leaves oneDNN off on x86 without AVX-512; a training's convolutions are a quarter to a
# third faster with it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

try:
    __version__ = version("xncaps-tf")
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "0+unknown"

_SUBMODULES = (
    "accounting",
    "data",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "quantizers",
    "reference",
    "schedules",
    "testing",
    "training",
)
_ATTRIBUTES = {"load_model": "saving"}

__all__ = ["__version__", "load_model", *_SUBMODULES]  # pyright: ignore[reportUnsupportedDunderAll]


__getattr__ = attach(__name__, _ATTRIBUTES, _SUBMODULES)


def __dir__() -> list[str]:
    return sorted(__all__)
