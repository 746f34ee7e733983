"""Runs a TFLite file by whichever interpreter has its ops."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xncaps_converters.batch import with_batch
from xncaps_files.ops import LCE_OPS, XNCAPS_OPS
from xncaps_files.tflite import TfliteFile, parse
from xncaps_tf.errors import VerificationError

_BATCH = 32


@dataclass(frozen=True)
class Runtime:
    """An interpreter.

    Attributes:
        name: as it is reported.
        ops: the custom ops it has.
        package: the package that it needs.
        run: file's bytes, inputs -> outputs of the file's only output.
    """

    name: str
    ops: frozenset[str]
    package: str
    run: Callable[[bytes, np.ndarray], np.ndarray]

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None


def pick(file: TfliteFile) -> Runtime:
    """The first installed runtime that has every op of the file.

    Raises:
        VerificationError: none has.
    """
    needed = set(file.custom_ops)
    able = [runtime for runtime in RUNTIMES if needed <= runtime.ops]
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


def run(data: bytes, inputs: np.ndarray) -> tuple[str, np.ndarray]:
    """(the runtime's name, the file's outputs `[n, ...]` for inputs `[n, ...]`)."""
    runtime = pick(parse(data))
    try:
        return runtime.name, runtime.run(data, inputs)
    except (RuntimeError, ValueError) as error:
        raise VerificationError(f"{runtime.name} cannot run the file: {error}") from error


def _run_lce(data: bytes, inputs: np.ndarray) -> np.ndarray:
    """LCE's interpreter with the kernel that runs groups; its own batches are always of one."""
    from larq_compute_engine.tflite.python.interpreter import Interpreter

    graph = parse(data).main
    if graph.tensors[graph.inputs[0]].signature[:1] == (-1,):
        data = with_batch(data, min(_BATCH, len(inputs)))
    interpreter = Interpreter(data, use_indirect_bgemm=True)
    batch = interpreter.input_shapes[0][0]
    step = interpreter.interpreter.predict
    return _in_batches(lambda chunk: step([chunk])[0], inputs, batch)


def _run_litert(data: bytes, inputs: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    return _run_tflite(Interpreter(model_content=data), inputs)


def _run_xncaps(data: bytes, inputs: np.ndarray) -> np.ndarray:
    from xncaps_runtime import Interpreter

    return _run_tflite(Interpreter(data), inputs)


def _run_tflite(tflite: Any, inputs: np.ndarray) -> np.ndarray:
    """Any interpreter with the interface of tf.lite's."""
    detail = tflite.get_input_details()[0]
    signature = detail.get("shape_signature", detail["shape"])
    batch = int(detail["shape"][0])
    if len(signature) and signature[0] == -1:
        batch = min(_BATCH, len(inputs))
        shape = [batch, *detail["shape"][1:]]
        tflite.resize_tensor_input(detail["index"], shape)
    tflite.allocate_tensors()
    output = tflite.get_output_details()[0]["index"]

    def step(chunk: np.ndarray) -> np.ndarray:
        tflite.set_tensor(detail["index"], chunk)
        tflite.invoke()
        return tflite.get_tensor(output)

    return _in_batches(step, inputs, batch)


def _in_batches(
    step: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray, batch: int
) -> np.ndarray:
    """Feeds batches of a fixed size; the last one is filled up with its last sample."""
    found = []
    for start in range(0, len(inputs), batch):
        chunk = inputs[start : start + batch]
        filler = np.repeat(chunk[-1:], batch - len(chunk), axis=0)
        found.append(step(np.concatenate([chunk, filler]))[: len(chunk)])
    return np.concatenate(found)


RUNTIMES: tuple[Runtime, ...] = (
    Runtime("litert", frozenset(), "ai_edge_litert", _run_litert),
    Runtime("lce", LCE_OPS, "larq_compute_engine", _run_lce),
    Runtime("litert+xncaps", LCE_OPS | XNCAPS_OPS, "xncaps_runtime", _run_xncaps),
)
