"""Converters from Keras to TFLite files; TensorFlow is loaded when one of them is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xncaps_files.lazy import attach

if TYPE_CHECKING:
    from xncaps_converters.output_formats import FusedOptions as FusedOptions
    from xncaps_converters.to_composite import convert_composite as convert_composite
    from xncaps_converters.to_float import convert_float as convert_float
    from xncaps_converters.to_fused import convert_fused as convert_fused
    from xncaps_converters.to_lce import convert_lce as convert_lce
    from xncaps_converters.to_lce import prepare_lce as prepare_lce

_LAZY = {
    "FusedOptions": "output_formats",
    "convert_composite": "to_composite",
    "convert_float": "to_float",
    "convert_fused": "to_fused",
    "convert_lce": "to_lce",
    "prepare_lce": "to_lce",
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
