"""The table of formats: a word for `--to`, and the function that makes such a file.

Imports nothing but the standard library, so that a command's --help can list the words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Options:
    """How to convert; a format ignores what does not concern it.

    Attributes:
        batch_size: of the file's inputs; None leaves it open.
        allow_float: accept binary weights that are kept as float32.
        scales: of fused XnODR layers: 'channel', 'capsule' or 'none'.
        scale_type: of fused XnODR layers: 'float32' or 'float16'.
        backbone: in front of fused layers: 'float32', 'int8' or 'dynamic'.
        calibration: called for images `[n, ...]` where an int8 backbone needs them.
    """

    batch_size: int | None = 1
    allow_float: bool = False
    scales: str = "channel"
    scale_type: str = "float32"
    backbone: str = "float32"
    calibration: Callable[[], Any] | None = None

    @property
    def changed(self) -> tuple[str, ...]:
        """The words that change the model; see `bounds.CHANGES`."""
        exact = ("channel", "float32")
        given = (self.scales, self.scale_type, self.backbone)
        return tuple(word for word in given if word not in exact)


@dataclass(frozen=True)
class Format:
    """An entry of the table.

    Attributes:
        summary: a line for people.
        convert: called with (model, options); returns the file's bytes.
        uses_passes: whether exact rewrites (`passes`) are made before.
    """

    summary: str
    convert: Callable[[Any, Options], bytes]
    uses_passes: bool = False


def _lce(model: Any, options: Options) -> bytes:
    from xncaps_converters.lce import convert_lce

    return convert_lce(model, batch_size=options.batch_size, allow_float=options.allow_float)


def _float(model: Any, options: Options) -> bytes:
    from xncaps_converters.floating import convert_float

    return convert_float(model, batch_size=options.batch_size)


def _fused(model: Any, options: Options) -> bytes:
    from xncaps_converters.fused import convert_fused

    return convert_fused(model, **_fused_arguments(options))


def _composite(model: Any, options: Options) -> bytes:
    from xncaps_converters.composite import convert_composite

    return convert_composite(model, **_fused_arguments(options))


def _fused_arguments(options: Options) -> dict[str, Any]:
    from xncaps_converters.fused import FusedOptions

    images = options.calibration() if options.backbone == "int8" and options.calibration else None
    return {
        "batch_size": options.batch_size,
        "options": FusedOptions(options.scales, options.scale_type, options.backbone),
        "calibration": images,
        "allow_float": options.allow_float,
    }


FORMATS: dict[str, Format] = {
    "lce": Format("binary weights as bits, by larq-compute-engine's ops", _lce),
    "float": Format("float32, by TFLite's own ops", _float),
    "fused": Format("a capsule layer as one op of xncaps-runtime", _fused, uses_passes=True),
    "composite": Format("fused, with a float version inside", _composite, uses_passes=True),
}
