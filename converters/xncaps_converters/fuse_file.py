"""From a TFLite file that exists to a fused one that is checked: read, fuse, compare, write."""

from __future__ import annotations

import os
import pathlib
from dataclasses import dataclass, replace
from typing import Any, cast

from numpy.typing import NDArray

from xncaps_converters import (
    capsule_patterns,
    conversion,
    graph_edit,
    interpreters,
    samples,
)
from xncaps_converters.bounds import Bounds, bounds_between
from xncaps_converters.samples import Samples
from xncaps_converters.stored_check import from_result
from xncaps_converters.verify import VerifyResult, compare
from xncaps_files import expected, metadata, tflite
from xncaps_files.expected import Expected
from xncaps_files.metadata import Metadata
from xncaps_files.op_codes import XNCAPS_OPS
from xncaps_files.tflite import TfliteFile
from xncaps_tf.errors import ConversionError, DataError

RANDOM_SAMPLES = 100
_UNKNOWN = -1


@dataclass(frozen=True)
class Fused:
    """What `fuse_file` made.

    Attributes:
        path: of the fused file.
        ops: names of the ops that took the heads' places.
        before, after: bytes of the two files.
        verification: of the fused file against the other one.
        runtimes: what ran the file that was given, and the fused one.
    """

    path: pathlib.Path
    ops: tuple[str, ...]
    before: int
    after: int
    verification: VerifyResult
    runtimes: tuple[str, str]

    def lines(self) -> list[str]:
        """For a person."""
        made = f"{', '.join(self.ops)}; {self.before:,} to {self.after:,} bytes"
        first = f"compared {self.runtimes[0]} with {self.runtimes[1]}"
        return [f"{self.path}  {made}", first, *self.verification.lines()]


def fuse_file(
    file: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    tolerance: float | None = None,
) -> Fused:
    """Fuses the capsule layers of a file; writes the new file and its stored check, or nothing.

    Both files run on the inputs of FILE.expected.npz, else on random ones of the right range. The
    new stored check has the old one's outputs, those of Keras, or else the given file's.

    Args:
        file: a TFLite file that this toolkit wrote, with a fixed batch size.
        out: the fused file; its .expected.npz is written beside it.
        tolerance: in place of the bounds' own.

    Raises:
        ConversionError: no capsule layer is found in the file.
        VerificationError: the fused file does not compute what the other does.
        DataError: the file or its stored check is damaged.
    """
    out = conversion.writable(out)
    before = tflite.parse(tflite.load(file), str(file))
    fused = capsule_patterns.fuse(before)
    described = metadata.read(before)
    if described is not None:
        fused = graph_edit.with_metadata(fused, _described(described))
    after = tflite.parse(fused)
    given = _given(file)
    chosen = _samples(before, given)
    first, wanted = interpreters.run(before, chosen.inputs)
    second, made = interpreters.run(after, chosen.inputs)
    bounds = bounds_between(before, after)
    bounds = bounds.within(tolerance) if tolerance is not None else bounds.for_outputs(wanted)
    result = compare(wanted, made, chosen, bounds, second).check()
    content = _content(given, chosen, wanted, made, bounds, described)
    conversion.write_checked(out, fused, content)
    ops = tuple(op.name for op in after.ops if op.name in XNCAPS_OPS)
    return Fused(out, ops, before.size, after.size, result, (first, second))


def _described(described: Metadata) -> Metadata:
    """The same, and that it was fused; XnODR's weights are bits now."""
    origin = dict(described.origin)
    layers = origin.get("binary_layers")
    if isinstance(layers, list):
        origin["binary_layers"] = list(map(_as_bits, cast("list[object]", layers)))
    origin["fused_from"] = origin.get("format")
    origin["format"] = "fused"
    words = f"{described.description} Fused by xncaps fuse.".strip()
    return replace(described, description=words, origin=origin)


def _as_bits(layer: object) -> object:
    """A row of `binary_layers`: an XnODR's weights are bits now."""
    if not isinstance(layer, dict):
        return layer
    row = cast("dict[str, object]", layer)
    return {**row, "bits": True} if row.get("kind") == "XnODR" else row


def _given(file: str | os.PathLike[str]) -> Expected | None:
    path = expected.path_of(file)
    return expected.read(path) if path.exists() else None


def _samples(file: TfliteFile, given: Expected | None) -> Samples:
    """The stored inputs, else random ones."""
    graph = file.main
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ConversionError(
            "expected a file with one input and one output. "
            f"Received: {len(graph.inputs)} and {len(graph.outputs)}."
        )
    shape = graph.tensors[graph.inputs[0]].shape[1:]
    if given is None:
        return samples.random_inputs(shape, RANDOM_SAMPLES)
    if tuple(given.inputs.shape[1:]) != shape:
        raise DataError(
            f"expected stored inputs {list(shape)}, as the file takes them. "
            f"Received: {list(given.inputs.shape[1:])}."
        )
    known = None if (given.labels == _UNKNOWN).any() else given.labels
    return Samples(given.inputs, known, given.source)


def _content(
    given: Expected | None,
    chosen: Samples,
    wanted: NDArray[Any],
    made: NDArray[Any],
    bounds: Bounds,
    described: Metadata | None,
) -> bytes:
    """The new stored check: Keras's outputs where they are stored, and what they were held to."""
    names, sha256 = (), ""
    if described is not None:
        names = described.class_names
        sha256 = str(described.object("model").get("sha256", ""))
    if given is not None:
        wanted, names, sha256 = given.outputs, given.class_names, given.model_sha256
        share = max(given.tolerated_share, bounds.share)
        tolerance = max(given.tolerance, bounds.tolerance)
        bounds = replace(bounds, tolerance=tolerance, share=share)
    result = compare(wanted, made, chosen, bounds, "").check()
    return expected.encode(from_result(result, chosen, names, sha256))
