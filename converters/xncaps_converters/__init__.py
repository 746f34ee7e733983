"""Converters from Keras to TFLite files; TensorFlow is loaded when one of them is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xncaps_tf._lazy import attach

if TYPE_CHECKING:
    from xncaps_converters.composite import convert_composite as convert_composite
    from xncaps_converters.floating import convert_float as convert_float
    from xncaps_converters.fused import FusedOptions as FusedOptions
    from xncaps_converters.fused import convert_fused as convert_fused
    from xncaps_converters.lce import convert_lce as convert_lce
    from xncaps_converters.lce import prepare_lce as prepare_lce

_LAZY = {
    "FusedOptions": "fused",
    "convert_composite": "composite",
    "convert_float": "floating",
    "convert_fused": "fused",
    "convert_lce": "lce",
    "prepare_lce": "lce",
}

__all__ = [
    "FusedOptions",
    "convert_composite",
    "convert_float",
    "convert_fused",
    "convert_lce",
    "prepare_lce",
]


__getattr__ = attach(__name__, _LAZY)


def __dir__() -> list[str]:
    return sorted(__all__)
