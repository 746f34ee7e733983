"""Weights as a function of a seed, whatever built the model and whatever was drawn before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

# The attribute that holds an initializer, and the weight that it made.
_INITIALIZED = (
    ("kernel_initializer", "kernel"),
    ("depthwise_initializer", "depthwise_kernel"),
    ("pointwise_initializer", "pointwise_kernel"),
    ("bias_initializer", "bias"),
)


def derive(seed: int, *path: str) -> int:
    """A seed of 31 bits for the draw that `path` names."""
    digest = hashlib.sha256("/".join((str(seed), *path)).encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def initialize(layers: Iterable[Any], seed: int) -> None:
    """Draws the layers' random weights again, each by a seed of `seed` and its own name.

    Keras's global generators are neither read nor moved, so two models of one process, or one in
    each of many workers, start equal. Weights with a constant initializer stay as they are.
    """
    for layer in layers:
        for attribute, weight_name in _INITIALIZED:
            initializer = getattr(layer, attribute, None)
            weight = getattr(layer, weight_name, None)
            if initializer is None or weight is None or not hasattr(initializer, "get_config"):
                continue
            config = initializer.get_config()
            if "seed" not in config:
                continue
            config["seed"] = derive(seed, layer.name, weight_name)
            fresh = initializer.__class__.from_config(config)
            weight.assign(fresh(weight.shape, dtype="float32"))
