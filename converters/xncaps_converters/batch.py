"""The batch size of a TFLite file: LCE's converter fixes it at 1, whatever the model says.

So a model is converted with a batch of a prime number that divides no other dimension, which is
then looked for in the file: where it stands in a shape, the batch stood.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xncaps_converters import graph_edit
from xncaps_converters.clone import flat_layers
from xncaps_tf._keras import tf
from xncaps_tf.errors import ConversionError

_SMALLEST = 97
_PADDING = 8  # a convolution's padding makes dimensions that no layer has


def mark_of(model: Any) -> int:
    """A batch size to find again: a prime that divides no dimension of a Keras model.

    Nor any within 8 of one; products and halves of dimensions are then no multiples either.
    """
    shapes = [node.output_shapes for layer in flat_layers(model) for node in layer.inbound_nodes]
    shapes += [tuple(tensor.shape) for tensor in (*model.inputs, *model.weights)]
    known = {size for size in tf.nest.flatten(shapes) if isinstance(size, int)}
    near = {size + step for size in known for step in range(-_PADDING, _PADDING + 1)} - {0}
    number = _SMALLEST
    while not _is_prime(number) or any(size % number == 0 for size in near):
        number += 2
    return number


def _is_prime(number: int) -> bool:
    return all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def open_batch(data: bytes, mark: int) -> bytes:
    """A file that was converted with a batch of `mark`, with the batch left open.

    Raises:
        ConversionError: an op has the batch size in a constant that cannot be left open.
    """
    model = graph_edit.unpack(data)
    for graph in model.subgraphs:
        for op in graph.operators:
            _open_constants(model, graph, op, mark)
        for tensor in graph.tensors:
            if not graph_edit.constant(model, tensor).size and tensor.shape is not None:
                marked = (tensor.shape != 0) & (tensor.shape % mark == 0)
                tensor.shape = np.where(marked, tensor.shape // mark, tensor.shape).astype("i4")
        for number in (*graph.inputs, *graph.outputs):
            shape = np.array(graph.tensors[number].shape, np.int32)
            graph.tensors[number].shapeSignature = np.concatenate([[-1], shape[1:]]).astype("i4")
    return graph_edit.pack(model)


def with_batch(data: bytes, size: int) -> bytes:
    """A file with an open batch, for an interpreter that cannot resize its inputs."""
    model = graph_edit.unpack(data)
    for number in model.subgraphs[0].inputs:
        tensor = model.subgraphs[0].tensors[number]
        tensor.shape = np.array([size, *tensor.shape[1:]], np.int32)
    return graph_edit.pack(model)


def _open_constants(model: Any, graph: Any, op: Any, mark: int) -> None:
    """Puts -1 where a RESHAPE names the batch; no other op can do without its size."""
    name = graph_edit.op_name(model, op)
    if name == "LceDequantize":
        raise ConversionError(
            "expected ops that take any batch size. Received: LceDequantize, which LCE does not "
            "resize; convert with a fixed batch size."
        )
    for number in op.inputs:
        if number < 0 or graph.tensors[number].type != graph_edit.schema().TensorType.INT32:
            continue
        if name.startswith("Lce"):  # whose int32 constants are bits
            continue
        values = graph_edit.constant(model, graph.tensors[number]).view("<i4")
        marked = (values != 0) & (values % mark == 0)
        if not marked.any():
            continue
        if name != "RESHAPE" or marked.sum() > 1 or (values == -1).any():
            raise ConversionError(
                f"expected ops that take any batch size. Received: {name}, which has it in a "
                "constant; convert with a fixed batch size."
            )
        opened = np.where(marked, -1, values).astype("<i4")
        tensor = graph.tensors[number]
        tensor.buffer = graph_edit.add_buffer(model, opened.tobytes())
        if op.builtinOptions is not None:
            op.builtinOptions.newShape = opened
