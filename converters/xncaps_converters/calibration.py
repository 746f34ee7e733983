"""The ranges by which int8 rounds what a network computes, seen on images.

TensorFlow's own calibrator is not asked: it looks at the tensors of an interpreter that adds in
place, so what an addition overwrites, the branch of a residual block, is logged with the range of
the sum. Here every tensor is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xncaps_converters import graph_edit
from xncaps_converters.output_formats import Report, silent
from xncaps_converters.samples import Inputs
from xncaps_files.op_codes import TENSOR_TYPES

_FLOAT32 = "FLOAT32"


def with_ranges(data: bytes, images: Inputs, report: Report = silent) -> bytes:
    """A float TFLite file with the least and the largest value of each tensor written into it.

    Args:
        data: a file of one input `[b, ...]`, of ops that LiteRT has.
        images: `[n, ...]`, as the file takes them, n above 0.
        report: called as images have been run.
    """
    model = graph_edit.unpack(data)
    graph = model.subgraphs[0]
    made = {int(number) for op in graph.operators for number in op.outputs}
    wanted = [
        number for number in sorted({*made, *map(int, graph.inputs)}) if _is_float(graph, number)
    ]
    least, most = np.full(len(wanted), np.inf), np.full(len(wanted), -np.inf)
    interpreter = _interpreter(data)
    (given,) = interpreter.get_input_details()
    batch = int(given["shape"][0])
    for start in range(0, len(images), batch):
        report(f"calibrate int8 on {len(images)} images", start / len(images))
        rows = np.minimum(np.arange(start, start + batch), len(images) - 1)
        interpreter.set_tensor(given["index"], np.asarray(images[rows], np.float32))
        interpreter.invoke()
        for place, number in enumerate(wanted):
            value = interpreter.get_tensor(number)
            least[place] = min(least[place], value.min(initial=np.inf))
            most[place] = max(most[place], value.max(initial=-np.inf))
    for number, low, high in zip(wanted, least, most, strict=True):
        if low <= high:  # an empty tensor has no range
            quantization = graph_edit.schema().QuantizationParametersT()
            quantization.min, quantization.max = [float(low)], [float(high)]
            graph.tensors[number].quantization = quantization
    return graph_edit.pack(model)


def _is_float(graph: Any, number: int) -> bool:
    return TENSOR_TYPES[int(graph.tensors[number].type)] == _FLOAT32


def _interpreter(data: bytes) -> Any:
    """One that keeps every tensor: without XNNPACK, which keeps what it computes to itself."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=data,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    return interpreter
