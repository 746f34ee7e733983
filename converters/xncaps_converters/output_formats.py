"""The table of output formats: a word for `--to`, what makes such a file, and what goes with it.

Imports nothing that loads TensorFlow, so that a command's --help can list the words.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xncaps_tf.models.choices import SCALES

if TYPE_CHECKING:
    from xncaps_converters.binary_weights import UnpackedLayer
    from xncaps_converters.passes import Rewrite
    from xncaps_converters.samples import Inputs
    from xncaps_files.tflite import TfliteFile

SCALE_TYPES = ("float32", "float16")
BACKBONES = ("float32", "int8", "dynamic")
_EXACT = (SCALES[0], SCALE_TYPES[0], BACKBONES[0])
# Called with the name of a step and the share of it that is done, 0 to 1.
Report = Callable[[str, float], None]


def silent(step: str, done: float) -> None:
    """A report that nobody reads."""


@dataclass(frozen=True)
class FusedOptions:
    """How a model is fused.

    Attributes:
        scales: of XnODR's bits: 'channel' (exact), 'capsule' or 'none'.
        scale_type: 'float32' (exact) or 'float16'; of CapsFC's weights too.
        backbone: 'float32', 'int8' (calibrated after training) or 'dynamic' (int8 weights only).
    """

    scales: str = SCALES[0]
    scale_type: str = SCALE_TYPES[0]
    backbone: str = BACKBONES[0]

    def __post_init__(self) -> None:
        _one_of("scales", self.scales, SCALES)
        _one_of("scale_type", self.scale_type, SCALE_TYPES)
        _one_of("backbone", self.backbone, BACKBONES)

    @property
    def changed(self) -> tuple[str, ...]:
        """The words of these options that change the model; see `bounds.CHANGES`."""
        given = (self.scales, self.scale_type, self.backbone)
        return tuple(word for word in given if word not in _EXACT)


@dataclass(frozen=True)
class Options(FusedOptions):
    """How to convert to any format; those of `FusedOptions` go with formats that fuse.

    Attributes:
        batch_size: of the file's inputs; None leaves it open.
        allow_float: accept binary weights that are kept as float32.
        passes: make exact rewrites before, where the format fuses.
        calibration: called for images `[n, ...]` where an int8 backbone needs them.
    """

    batch_size: int | None = 1
    allow_float: bool = False
    passes: bool = True
    calibration: Callable[[], Inputs | None] | None = None


@dataclass(frozen=True)
class Made:
    """What a format makes of a model.

    Attributes:
        file: without metadata.
        unpacked: the layers whose binary weights it keeps as float32.
        rewrites: the exact rewrites that were made before.
    """

    file: TfliteFile
    unpacked: tuple[UnpackedLayer, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()

    @property
    def data(self) -> bytes:
        """The file's bytes."""
        return self.file.data


@dataclass(frozen=True)
class Format:
    """An entry of the table.

    Attributes:
        summary: a line for people.
        module: of this package; its `make(model, options, report)` returns a `Made`.
        fuses: whether a capsule layer becomes one op; `FusedOptions` and passes go with that.
        open_batch: whether the batch size may be left open.
    """

    summary: str
    module: str
    fuses: bool = False
    open_batch: bool = True

    def make(self, model: Any, options: Options, report: Report = silent) -> Made:
        """Converts a built functional or sequential Keras model.

        Raises:
            ConversionError: the model or an option does not go with this format.
        """
        from xncaps_tf.errors import ConversionError

        if options.changed and not self.fuses:
            fusing = ", ".join(name for name, entry in FORMATS.items() if entry.fuses)
            raise ConversionError(
                f"expected {', '.join(options.changed)} with a format that fuses ({fusing}). "
                f"Received: {self.summary}."
            )
        if options.batch_size is None and not self.open_batch:
            raise ConversionError(
                f"expected a fixed batch size for {self.summary}. Received: a dynamic one."
            )
        module = importlib.import_module(f"xncaps_converters.{self.module}")
        return module.make(model, options, report)


FORMATS: dict[str, Format] = {
    "lce": Format("binary weights as bits, by larq-compute-engine's ops", "to_lce"),
    "float": Format("float32, by TFLite's own ops", "to_float"),
    "fused": Format("a capsule layer as one op of xncaps-runtime", "to_fused", fuses=True),
    "composite": Format(
        "fused, with a float version inside", "to_composite", fuses=True, open_batch=False
    ),
}


def of(word: str) -> Format:
    """The entry of a word.

    Raises:
        ValueError: there is none.
    """
    if word not in FORMATS:
        raise ValueError(f"expected to to be one of {', '.join(FORMATS)}. Received: to={word!r}.")
    return FORMATS[word]


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(
            f"convert_fused: expected {name} to be one of {', '.join(allowed)}. "
            f"Received: {name}={value!r}."
        )
