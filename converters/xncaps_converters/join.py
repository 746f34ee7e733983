"""Two TFLite files in a row as one: the outputs of the first are the inputs of the second."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_converters.graph_edit import adopt, pack, unpack
from xncaps_tf.errors import ConversionError


def join(first: bytes, second: bytes) -> bytes:
    """One file that runs `first`, then `second` on its outputs.

    Args:
        first: a file of one subgraph.
        second: a file of one subgraph whose inputs have the shapes and types of first's outputs.

    Returns:
        A file with the inputs (and their names) of the first and the outputs of the second.

    Raises:
        ConversionError: a file has more than one subgraph, or the ends do not fit.
    """
    a, b = unpack(first), unpack(second)
    for model in (a, b):
        if len(model.subgraphs) != 1:
            raise ConversionError(
                f"expected files of one subgraph to join. Received: {len(model.subgraphs)}."
            )
    graph, tail = a.subgraphs[0], b.subgraphs[0]
    _check_ends(graph, tail)
    adopt(a, b)
    number = _tensor_numbers(graph, tail)
    for old, tensor in enumerate(tail.tensors):
        if number[old] >= len(graph.tensors):
            graph.tensors.append(tensor)
    for op in tail.operators:
        op.inputs = _renumbered(op.inputs, number)
        op.outputs = _renumbered(op.outputs, number)
        graph.operators.append(op)
    graph.outputs = _renumbered(tail.outputs, number)
    a.signatureDefs = _signature(a, b, number)
    return pack(a)


def _check_ends(graph: Any, tail: Any) -> None:
    outs = [graph.tensors[index] for index in graph.outputs]
    ins = [tail.tensors[index] for index in tail.inputs]
    described = [
        [(list(tensor.shape), int(tensor.type)) for tensor in tensors] for tensors in (outs, ins)
    ]
    if described[0] != described[1]:
        raise ConversionError(
            f"expected the second file to take what the first gives, {described[0]}. "
            f"Received: {described[1]}."
        )


def _tensor_numbers(graph: Any, tail: Any) -> dict[int, int]:
    """The number of each of the second file's tensors in the joined file; -1 stays 'left out'."""
    number = {-1: -1, **dict(zip(map(int, tail.inputs), map(int, graph.outputs), strict=True))}
    following = len(graph.tensors)
    for old in range(len(tail.tensors)):
        if old not in number:
            number[old] = following
            following += 1
    return number


def _renumbered(tensors: Any, number: dict[int, int]) -> NDArray[Any]:
    return np.array([number[int(index)] for index in tensors], np.int32)


def _signature(a: Any, b: Any, number: dict[int, int]) -> Any:
    """The first file's signature with the second's outputs; none where either has none."""
    if not a.signatureDefs or not b.signatureDefs:
        return None
    signature = a.signatureDefs[0]
    signature.outputs = b.signatureDefs[0].outputs
    for output in signature.outputs:
        output.tensorIndex = number[int(output.tensorIndex)]
    return [signature]
