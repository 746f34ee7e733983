"""From a saved model to a checked file: load, convert, describe, verify, write."""

from __future__ import annotations

import os
import pathlib
from dataclasses import dataclass, replace
from typing import Any

from xncaps_converters import flatwrite, formats, loading, notes, origin, samples
from xncaps_converters.bounds import CHANGES
from xncaps_converters.formats import Options
from xncaps_converters.samples import Samples
from xncaps_converters.stored import from_result
from xncaps_converters.verify import VerifyResult, verify
from xncaps_files import expected, tflite
from xncaps_files.writing import write_all

SAMPLES = 1000


@dataclass(frozen=True)
class Check:
    """What a file is verified on.

    Attributes:
        data: name of a data set; None for that of the model's run, else random inputs.
        data_dir: where it lies; None for that of the model's run.
        samples: at most that many of the test split; None for all.
        tolerance: in place of 1e-4.
    """

    data: str | None = None
    data_dir: str | None = None
    samples: int | None = SAMPLES
    tolerance: float | None = None


@dataclass(frozen=True)
class Converted:
    """What `convert_file` made.

    Attributes:
        path: of the TFLite file.
        size: in bytes.
        notes: what must be said of it.
        verification: None where it was not asked for.
    """

    path: pathlib.Path
    size: int
    notes: tuple[str, ...]
    verification: VerifyResult | None


def convert_file(
    model_path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    to: str,
    options: Options | None = None,
    check: Check | None = None,
    *,
    passes: bool = True,
) -> Converted:
    """Converts a saved model and writes the file and its stored check, or nothing at all.

    Args:
        model_path: a .keras or .h5 file, or a SavedModel.
        out: the TFLite file; FILE.expected.npz is written beside it.
        to: a word of `formats.FORMATS`.
        options: how to convert.
        check: what to verify on; None does not verify, and removes an old FILE.expected.npz.
        passes: make exact rewrites before, where the format uses them.

    Raises:
        ConversionError: the model cannot be converted as asked.
        VerificationError: the file does not compute what the model does.
        DataError: a file is missing or damaged.
    """
    import xncaps_tf
    from xncaps_converters.clone import as_model

    out = pathlib.Path(out)
    if not out.parent.is_dir():
        raise FileNotFoundError(f"expected a folder to write to. Received: {out.parent}.")
    model = as_model(xncaps_tf.load_model(model_path, compile=False))
    entry = formats.FORMATS[to]
    said = notes.notes_of(model)
    source, done = model, ()
    if passes and entry.uses_passes:
        from xncaps_converters import passes as rewrites

        source, found = rewrites.apply(model)
        done = tuple(map(str, found))
    config = loading.run_config(model_path)
    options = options or Options()
    if options.calibration is None:
        options = replace(options, calibration=lambda: calibration_images(model, config, check))
    data = entry.convert(source, options)
    described = origin.describe(
        model,
        to,
        said,
        model_sha256=loading.sha256(model_path),
        data=_data_of(config, check or Check())[0],
        unpacked=_unpacked(model, to, data),
        passes=done,
        changes=options.changed,
    )
    data = flatwrite.with_metadata(data, described)
    result, stored = None, None
    if check is not None:
        chosen = choose_samples(model, config, check)
        result = verify(model, data, chosen, tolerance=check.tolerance).check()
        stored = _stored(model, model_path, result, chosen)
    write_checked(out, data, stored)
    changed = [f"changed: {CHANGES[word].words}" for word in options.changed]
    lines = [*(f"pass: {rewrite}" for rewrite in done), *changed, *said]
    return Converted(out, len(data), tuple(lines), result)


def _unpacked(model: Any, to: str, data: bytes) -> tuple[str, ...]:
    """Names of the layers whose binary weights the file keeps as float32."""
    from xncaps_converters import lce

    found = lce.unpacked_layers(model, tflite.parse(data))
    if to in ("fused", "composite"):  # where XnODR's bits are in an op of their own
        found = [layer for layer in found if not (layer.kind == "XnODR" and layer.is_packable)]
    return tuple(layer.name for layer in found)


def verify_file(
    model_path: str | os.PathLike[str],
    file: str | os.PathLike[str],
    check: Check,
    *,
    store: bool = False,
) -> VerifyResult:
    """Compares a TFLite file with its Keras model; `.check()` of the result raises.

    Args:
        model_path: a .keras or .h5 file, or a SavedModel.
        file: the TFLite file.
        check: what to verify on.
        store: write FILE.expected.npz where the file passes.
    """
    import xncaps_tf
    from xncaps_converters.clone import as_model

    data = tflite.load(file)
    tflite.parse(data)
    model = as_model(xncaps_tf.load_model(model_path, compile=False))
    chosen = choose_samples(model, loading.run_config(model_path), check)
    result = verify(model, data, chosen, tolerance=check.tolerance)
    if store and result.passed:
        write_all({expected.path_of(file): _stored(model, model_path, result, chosen)})
    return result


def choose_samples(model: Any, config: dict[str, Any], check: Check) -> Samples:
    """The data set that is named, else that of the model's run, else random inputs."""
    name, folder = _data_of(config, check)
    if name is None:
        return samples.random_samples(model, check.samples or SAMPLES)
    return samples.from_data(model, name, folder, check.samples)


def calibration_images(model: Any, config: dict[str, Any], check: Check | None) -> Any:
    """Images of the training split of the same data set."""
    name, folder = _data_of(config, check or Check())
    if name is None:
        return None
    return samples.from_data(model, name, folder, SAMPLES, split="train").inputs


def _data_of(config: dict[str, Any], check: Check) -> tuple[str | None, str | None]:
    if check.data is not None:
        return check.data, check.data_dir
    return config.get("data"), check.data_dir or config.get("data_dir")


def _stored(model: Any, model_path: Any, result: VerifyResult, chosen: Samples) -> bytes:
    from xncaps_tf import models

    names, sha256 = models.class_names(model), loading.sha256(model_path)
    return expected.encode(from_result(result, chosen, names, sha256))


def write_checked(out: pathlib.Path, data: bytes, stored: bytes | None) -> None:
    """Both files; an old stored check goes first, so that it never stands beside a new file."""
    beside = expected.path_of(out)
    beside.unlink(missing_ok=True)
    write_all({out: data, **({} if stored is None else {beside: stored})})
