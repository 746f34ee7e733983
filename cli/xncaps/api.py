"""What a program calls: `xncaps.convert`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from xncaps_converters.output_formats import BACKBONES, SCALE_TYPES, SCALES, Report, silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xncaps_converters.conversion import Conversion


def convert(
    model: Any,
    to: str,
    *,
    out: str | os.PathLike[str] | None = None,
    batch_size: int | None = 1,
    allow_float: bool = False,
    passes: bool = True,
    scales: str = SCALES[0],
    scale_type: str = SCALE_TYPES[0],
    backbone: str = BACKBONES[0],
    calibration: NDArray[Any] | Callable[[], NDArray[Any]] | None = None,
    verify: bool = True,
    data: str | None = None,
    data_dir: str | None = None,
    samples: int | None = 1000,
    tolerance: float | None = None,
    report: Report = silent,
) -> Conversion:
    """Turns a Keras model into a TFLite file, and runs the file against the model.

    Example:
        >>> import xncaps
        >>> from xncaps_tf import models
        >>> model = models.build("small_cnn", "xnodr", (28, 28, 1), 10, seed=1)
        >>> made = xncaps.convert(model, to="fused", samples=50)
        >>> made.verification.passed, made.layers[0].kind, made.layers[0].bits
        (True, 'XnODR', True)

    Args:
        model: a path (a .keras or .h5 file, a SavedModel, a run folder), a functional or
            sequential Keras model, or a built layer.
        to: 'lce', 'float', 'fused' or 'composite'; see docs/converting.md.
        out: a file to write, its stored check beside it; None writes nothing (`write` does later).
        batch_size: of the file's inputs; None leaves it open.
        allow_float: accept binary weights that are kept as float32.
        passes: make exact rewrites before, where the format fuses.
        scales: of fused XnODR bits: 'channel' (exact), 'capsule' or 'none'.
        scale_type: of fused XnODR bits: 'float32' (exact) or 'float16'.
        backbone: in front of fused layers: 'float32', 'int8' (calibrated) or 'dynamic'.
        calibration: images `[n, H, W, C]` for an int8 backbone, or a function that gives them; None
            takes 1,000 of the training split of `data`.
        verify: run the file and compare it with Keras.
        data: name of a data set to verify and calibrate on; None for that of the model's run, else
            random inputs.
        data_dir: where it lies; None for that of the model's run.
        samples: at most that many of the test split, the same share of every class; None for all.
        tolerance: in place of the bounds' own.
        report: called with each step and the share of it that is done, 0 to 1.

    Returns:
        The file's bytes, its metadata, what became bits, and the check with its figures.

    Raises:
        ConversionError: the model cannot be converted as asked.
        VerificationError: the file does not compute what the model does; nothing is written.
        DataError: a file or data set is missing or damaged.
        ValueError: a word is none of those above.
    """
    from xncaps_converters import conversion

    given = calibration if callable(calibration) or calibration is None else lambda: calibration
    options = conversion.Options(
        scales=scales,
        scale_type=scale_type,
        backbone=backbone,
        batch_size=batch_size,
        allow_float=allow_float,
        passes=passes,
        calibration=given,
    )
    check = conversion.Check(data, data_dir, samples, tolerance)
    if out is None:
        return conversion.convert(model, to, options, check, verified=verify, report=report)
    return conversion.convert_file(model, out, to, options, check, verified=verify, report=report)
