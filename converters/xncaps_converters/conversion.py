"""A conversion as one object on its way: loaded, made, described, verified, and written or not."""

from __future__ import annotations

import errno
import os
import pathlib
from dataclasses import dataclass, replace
from typing import Any

from xncaps_converters import describe, graph_edit, layer_diff, output_formats, samples
from xncaps_converters.bounds import CHANGES
from xncaps_converters.describe import BinaryLayer
from xncaps_converters.layer_diff import LayerDiff
from xncaps_converters.model_source import ModelSource
from xncaps_converters.output_formats import Options, Report, silent
from xncaps_converters.passes import Rewrite
from xncaps_converters.samples import Inputs, Samples
from xncaps_converters.stored_check import from_result
from xncaps_converters.verify import SAMPLES, VerifyResult, verify
from xncaps_files import expected, tflite, zoo
from xncaps_files.metadata import Metadata
from xncaps_files.op_codes import IDENTIFIER
from xncaps_files.writing import check_place, may_be_replaced, write_all
from xncaps_tf.errors import ConversionError, DataError


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
class Conversion:
    """A TFLite file that was made of a Keras model, and what is known of it.

    Attributes:
        to: the format's word.
        data: the file's bytes, with metadata.
        metadata: what it says of itself.
        rewrites: the exact rewrites that were made before.
        layers: every layer with a binary weight, and whether its weight became bits.
        changed: words of `bounds.CHANGES` for what is not exact.
        verification: the check with its figures; None where it was not asked for.
        stored: the bytes of FILE.expected.npz; None without a verification.
        path: where it was written; None where it was not.
    """

    to: str
    data: bytes
    metadata: Metadata
    rewrites: tuple[Rewrite, ...]
    layers: tuple[BinaryLayer, ...]
    changed: tuple[str, ...]
    verification: VerifyResult | None
    stored: bytes | None
    path: pathlib.Path | None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.data)

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said of the file, a line each."""
        return (
            *(f"pass: {rewrite}" for rewrite in self.rewrites),
            *(f"changed: {CHANGES[word].words}" for word in self.changed),
            *(f"float: {layer.kind} {layer.name!r}" for layer in self.layers if not layer.bits),
            *self.metadata.notes,
        )

    def write(self, path: str | os.PathLike[str]) -> Conversion:
        """The same, written with its stored check, or nothing at all; an old check is removed.

        Raises:
            FileNotFoundError: there is no such folder.
            ConversionError: something lies there that is no TFLite file.
        """
        out = writable(path)
        write_checked(out, self.data, self.stored)
        return replace(self, path=out)


def convert(
    model: Any,
    to: str,
    options: Options | None = None,
    check: Check | None = None,
    *,
    verified: bool = True,
    report: Report = silent,
) -> Conversion:
    """Converts a Keras model, and runs what came out against it.

    Args:
        model: a path (a .keras or .h5 file, a SavedModel), a Keras model or a built layer.
        to: a word of `output_formats.FORMATS`.
        options: how to convert.
        check: what to verify on; its data set is also what int8 is calibrated on.
        verified: run the file and compare it with Keras.
        report: called with each step and the share of it that is done.

    Raises:
        ConversionError: the model cannot be converted as asked.
        VerificationError: the file does not compute what the model does.
        DataError: a file is missing or damaged.
    """
    options, check = options or Options(), check or Check()
    report("load", 0)
    source = ModelSource.of(model)
    if options.calibration is None:
        images = lambda: calibration_images(source, check)  # noqa: E731
        options = replace(options, calibration=images)
    made = output_formats.of(to).make(source.model, options, report)
    layers = describe.binary_layers(source.model, made.unpacked)
    described = describe.describe(
        source.model,
        to,
        model_sha256=source.sha256,
        data=_data_of(source, check)[0],
        layers=layers,
        passes=tuple(map(str, made.rewrites)),
        changes=options.changed,
    )
    data = graph_edit.with_metadata(made.file, described)
    result, stored = None, None
    if verified:
        report("verify", 0)
        chosen = choose_samples(source, check)
        result = verify(
            source.model, tflite.parse(data), chosen, tolerance=check.tolerance, report=report
        )
        stored = _stored(source, result.check(), chosen)
    report("done", 1)
    return Conversion(to, data, described, made.rewrites, layers, options.changed, result, stored)


def convert_file(
    model: Any,
    out: str | os.PathLike[str],
    to: str,
    options: Options | None = None,
    check: Check | None = None,
    *,
    verified: bool = True,
    report: Report = silent,
) -> Conversion:
    """`convert`, written to a file with its stored check beside it, or nothing at all.

    Raises:
        FileNotFoundError, ConversionError: as of `writable`; nothing has been converted then.
    """
    writable(out)
    return convert(model, to, options, check, verified=verified, report=report).write(out)


def verify_file(
    model: Any,
    file: str | os.PathLike[str],
    check: Check,
    *,
    store: bool = False,
    report: Report = silent,
) -> VerifyResult:
    """Compares a TFLite file with its Keras model; `.check()` of the result raises.

    Args:
        model: a path (a .keras or .h5 file, a SavedModel), a Keras model or a built layer.
        file: the TFLite file.
        check: what to verify on.
        store: write FILE.expected.npz where the file passes.
        report: called with each step and the share of it that is done.

    Raises:
        DataError: it is to be stored beside a file of the zoo, or where nothing can be written.
    """
    parsed = tflite.parse(tflite.load(file), str(file))
    if store and zoo.holds(pathlib.Path(file)):
        raise DataError(
            f"--store: expected a file of your own. Received: {file}, one of the zoo, which "
            "has its stored check; copy it by xncaps zoo copy."
        )
    if store:
        check_place(expected.path_of(file), "--store", "stored check", _is_zip)
    report("load", 0)
    source = ModelSource.of(model)
    chosen = choose_samples(source, check)
    result = verify(source.model, parsed, chosen, tolerance=check.tolerance, report=report)
    if store and result.passed:
        write_all({expected.path_of(file): _stored(source, result, chosen)})
    return result


def diff_file(model: Any, file: str | os.PathLike[str], check: Check) -> LayerDiff:
    """Looks for the values of each Keras layer in a TFLite file; see `layer_diff`."""
    parsed = tflite.parse(tflite.load(file), str(file))
    source = ModelSource.of(model)
    chosen = choose_samples(source, replace(check, samples=layer_diff.SAMPLES))
    return layer_diff.compare_layers(source.model, parsed, chosen)


def choose_samples(source: ModelSource, check: Check) -> Samples:
    """The data set that is named, else that of the model's run, else random inputs."""
    name, folder = _data_of(source, check)
    if name is None:
        return samples.random_samples(source.model, check.samples or SAMPLES)
    return samples.from_data(source.model, name, folder, check.samples)


def calibration_images(source: ModelSource, check: Check) -> Inputs | None:
    """Images of the training split of the same data set."""
    name, folder = _data_of(source, check)
    if name is None:
        return None
    return samples.from_data(source.model, name, folder, SAMPLES, split="train").inputs


def _data_of(source: ModelSource, check: Check) -> tuple[str | None, str | None]:
    if check.data is not None:
        return check.data, check.data_dir
    return source.data.name, check.data_dir or source.data.folder


def _stored(source: ModelSource, result: VerifyResult, chosen: Samples) -> bytes:
    from xncaps_tf import models

    names = models.class_names(source.model)
    return expected.encode(from_result(result, chosen, names, source.sha256))


def writable(path: str | os.PathLike[str]) -> pathlib.Path:
    """Where a TFLite file may be written: a new place, or that of an older TFLite file.

    Raises:
        FileNotFoundError: there is no folder to write to.
        PermissionError: it takes no file of this user's.
        ConversionError: something else lies there, such as the model itself.
    """
    out = pathlib.Path(path)
    if not out.parent.is_dir():
        raise FileNotFoundError(f"expected a folder to write to. Received: {out.parent}.")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(out))
    if not may_be_replaced(out, lambda head: head[4:8] == IDENTIFIER):
        raise ConversionError(
            f"expected a new file to write, or an older TFLite file to replace. Received: {out}, "
            "which is something else; choose another name."
        )
    return out


def _is_zip(head: bytes) -> bool:
    return head.startswith(b"PK")


def write_checked(out: pathlib.Path, data: bytes, stored: bytes | None) -> None:
    """Both files; an old stored check goes first, so that it never stands beside a new file."""
    beside = expected.path_of(out)
    beside.unlink(missing_ok=True)
    write_all({out: data, **({} if stored is None else {beside: stored})})
