"""Looks into a .tflite file, without TensorFlow: is it one, and would the app's runtime run it?"""

from __future__ import annotations

import math
import pathlib
import re
import sys

from xncaps_android.commands import BuildError
from xncaps_android.folders import ANDROID, ROOT

sys.path.append(str(ROOT / "files"))  # of this checkout; what is imported of it needs no package
from xncaps_files.errors import DataError  # noqa: E402
from xncaps_files.flatbuffer import Source, Table  # noqa: E402
from xncaps_files.op_codes import IDENTIFIER, operator_codes  # noqa: E402

_OPS_SOURCE = ANDROID / "core/src/main/java/org/xncaps/core/Ops.java"


def check(file: pathlib.Path) -> list[str]:
    """The delegate's ops that the model has; BuildError if the app cannot run it."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BuildError(f"{file}: {error.strerror}") from None
    try:
        model = Source(data, "TensorFlow Lite model").root(IDENTIFIER, "model")
        codes = operator_codes(model)
        inputs, outputs = _ends(model)
    except DataError as error:
        raise BuildError(f"{file}: {error}") from None
    if not _is_classifier(inputs, outputs):
        raise BuildError(
            f"{file}: the app takes picture classifiers, one input [1, height, width, 1 or 3] and "
            f"one output [1, classes]; got inputs {inputs} and outputs {outputs}"
        )
    last, delegated = known_ops()
    refused = sorted(
        code.name
        for code in set(codes)
        if (code.is_custom and code.name not in delegated) or code.number > last
    )
    if refused:
        raise BuildError(
            f"{file}: the app's runtime (TensorFlow Lite 2.16 with the xncaps delegate) refuses "
            f"{', '.join(refused)}; convert with --to float, fused or lce"
        )
    return sorted({code.name for code in codes if code.is_custom})


def _ends(model: Table) -> tuple[list[list[int]], list[list[int]]]:
    """Shapes of the first subgraph's inputs and outputs."""
    graphs = model.tables(2, "subgraph")
    if not graphs:
        return [], []
    tensors = graphs[0].tables(0, "tensor")
    found: list[list[list[int]]] = []
    for field, name in ((1, "inputs"), (2, "outputs")):
        numbers = graphs[0].ints(field, name)
        if not all(0 <= number < len(tensors) for number in numbers):
            raise model.source.fail(f"{name} {list(numbers)} of {len(tensors)} tensors")
        found.append([list(tensors[number].ints(0, "shape")) for number in numbers])
    return found[0], found[1]


def _is_classifier(inputs: list[list[int]], outputs: list[list[int]]) -> bool:
    """As ModelReader.java and InputSpec.java ask it of a file."""
    if len(inputs) != 1 or len(outputs) != 1 or not outputs[0]:
        return False
    (picture,), (scores,) = inputs, outputs
    fits = len(picture) == 4 and picture[0] == 1 and picture[3] in (1, 3) and min(picture) > 0
    return fits and scores[-1] > 0 and math.prod(scores) == scores[-1]


def known_ops() -> tuple[int, set[str]]:
    """The last built-in op and the delegate's ops, as the app's own source has them."""
    source = _OPS_SOURCE.read_text(encoding="utf-8")
    found = re.search(r"LAST_BUILTIN = (\d+);", source)
    if found is None:
        raise BuildError(f"{_OPS_SOURCE}: expected LAST_BUILTIN = N;")
    return int(found.group(1)), set(re.findall(r'case "(\w+)":', source))
