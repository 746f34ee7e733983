"""Runs a TFLite file by whichever interpreter has its ops."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_converters.batch import with_batch
from xncaps_converters.output_formats import Report, silent
from xncaps_converters.samples import Inputs
from xncaps_files.op_codes import LCE_OPS, XNCAPS_OPS
from xncaps_files.tflite import TfliteFile, parsed
from xncaps_tf.errors import VerificationError

_BATCH = 32


# One batch `[size, ...]` -> the outputs of the file's only output, and the size.
Opened = tuple[Callable[[NDArray[Any]], NDArray[Any]], int]


@dataclass(frozen=True)
class Runtime:
    """An interpreter.

    Attributes:
        name: as it is reported.
        ops: the custom ops it has.
        package: the package that it needs.
        open: called with a file and the number of inputs to come.
        keeps_tensors: whether it can be asked for every tensor afterwards.
    """

    name: str
    ops: frozenset[str]
    package: str
    open: Callable[[TfliteFile, int], Opened]
    keeps_tensors: bool = True

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None

    def run(self, file: TfliteFile, inputs: Inputs, report: Report = silent) -> NDArray[Any]:
        """A file's outputs `[n, ...]` for inputs `[n, ...]`."""
        return in_batches(self.open(file, len(inputs)), inputs, report)


def pick(file: TfliteFile, *, keeping_tensors: bool = False) -> Runtime:
    """The first installed runtime that has every op of the file (and keeps its tensors).

    Raises:
        VerificationError: none has.
    """
    needed = set(file.custom_ops)
    able = [
        runtime
        for runtime in RUNTIMES
        if needed <= runtime.ops and (runtime.keeps_tensors or not keeping_tensors)
    ]
    if not able:
        odd = ", ".join(sorted(needed - LCE_OPS - XNCAPS_OPS)) or ", ".join(sorted(needed))
        raise VerificationError(f"expected ops that a runtime has. Received: {odd}.")
    for runtime in able:
        if runtime.installed:
            return runtime
    raise VerificationError(
        f"expected the package {' or '.join(sorted({r.package for r in able}))}, which runs "
        f"{', '.join(sorted(needed))}. Received: none of them is installed."
    )


def run(
    file: bytes | TfliteFile, inputs: Inputs, report: Report = silent
) -> tuple[str, NDArray[Any]]:
    """(the runtime's name, the file's outputs `[n, ...]` for inputs `[n, ...]`)."""
    file = parsed(file)
    runtime = pick(file)
    try:
        return runtime.name, runtime.run(file, inputs, report)
    except (RuntimeError, ValueError) as error:
        raise VerificationError(f"{runtime.name} cannot run the file: {error}") from error


def _open_lce(file: TfliteFile, count: int) -> Opened:
    """LCE's interpreter with the kernel that runs groups; its own batches are always of one."""
    from larq_compute_engine.tflite.python.interpreter import Interpreter

    graph, data = file.main, file.data
    if graph.tensors[graph.inputs[0]].signature[:1] == (-1,):
        data = with_batch(data, min(_BATCH, count))
    interpreter = Interpreter(data, use_indirect_bgemm=True)
    step: Any = interpreter.interpreter.predict
    return (lambda chunk: step([chunk])[0]), interpreter.input_shapes[0][0]


def _open_litert(file: TfliteFile, count: int) -> Opened:
    from ai_edge_litert.interpreter import Interpreter

    return open_tflite(Interpreter(model_content=file.data), count)


def _open_xncaps(file: TfliteFile, count: int) -> Opened:
    from xncaps_runtime import Interpreter

    return open_tflite(Interpreter(file.data), count)


def open_tflite(tflite: Any, count: int) -> Opened:
    """Any interpreter with the interface of tf.lite's."""
    detail = tflite.get_input_details()[0]
    signature = detail.get("shape_signature", detail["shape"])
    batch = int(detail["shape"][0])
    if len(signature) and signature[0] == -1:
        batch = min(_BATCH, count)
        shape = [batch, *detail["shape"][1:]]
        tflite.resize_tensor_input(detail["index"], shape)
    tflite.allocate_tensors()
    output = tflite.get_output_details()[0]["index"]

    def step(chunk: NDArray[Any]) -> NDArray[Any]:
        tflite.set_tensor(detail["index"], chunk)
        tflite.invoke()
        return tflite.get_tensor(output)

    return step, batch


def in_batches(opened: Opened, inputs: Inputs, report: Report = silent) -> NDArray[Any]:
    """Feeds batches of a fixed size; the last one is filled up with its last sample."""
    step, batch = opened
    found: list[NDArray[Any]] = []
    for start in range(0, len(inputs), batch):
        report(f"run the file on {len(inputs)} samples", start / len(inputs))
        chunk = inputs[start : start + batch]
        filler = np.repeat(chunk[-1:], batch - len(chunk), axis=0)
        found.append(step(np.concatenate([chunk, filler]))[: len(chunk)])
    return np.concatenate(found)


RUNTIMES: tuple[Runtime, ...] = (
    Runtime("litert", frozenset(), "ai_edge_litert", _open_litert),
    Runtime("lce", LCE_OPS, "larq_compute_engine", _open_lce, False),
    Runtime("litert+xncaps", LCE_OPS | XNCAPS_OPS, "xncaps_runtime", _open_xncaps),
)
