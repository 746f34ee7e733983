"""Fuses the capsule layers of a TFLite file that exists already.

It finds what this toolkit's other converters write, float capsule layers (`--to float`) and
grouped LceBconv2d ones (`--to lce`), and puts one custom op in their place. A head starts at its
projection, a product with a constant, and ends where the last turn's squash is the one tensor that
the rest of the network reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flatbuffers.flexbuffers as flexbuffers
import numpy as np

from xncaps_converters import flatwrite, join, markers, packing
from xncaps_converters.lce_layers import padded_depth
from xncaps_files import tflite
from xncaps_files.tflite import Op, Subgraph
from xncaps_tf.errors import ConversionError

_SIGN_CHAIN = ("NEG", "SIGN", "ADD", "SIGN", "NEG")  # b(x) = -sign(-x), larq's sign in TFLite's ops
_LCE_CHAIN = ("LceQuantize", "RESHAPE", "PADV2")
_REPEAT_OPS = ("RESHAPE", "TILE", "BROADCAST_TO", "EXPAND_DIMS", "CONCATENATION", "PACK", "GATHER")


@dataclass(frozen=True)
class Head:
    """A capsule layer found in a graph.

    Attributes:
        op: what takes its place.
        nodes: the numbers of its ops.
        source: the tensor u `[B, N, D]`.
        target: the tensor v `[B, J, E]`.
    """

    op: markers.FusedOp
    nodes: frozenset[int]
    source: int
    target: int


def fuse(data: bytes) -> bytes:
    """Puts one custom op in the place of every capsule layer of a file.

    Args:
        data: a TFLite file that this toolkit wrote, with a fixed batch size.

    Returns:
        The fused file. What is appended to a flatbuffer (label files) is left out.

    Raises:
        ConversionError: no capsule layer is found.
        DataError: the file is damaged.
    """
    graph = tflite.parse(data).main
    heads = find_heads(graph)
    if not heads:
        raise ConversionError(
            "expected a file with a capsule layer as `xncaps convert --to float` or `--to lce` "
            "writes it, with a fixed batch size. Received: one without, or one that is fused."
        )
    model = join.unpack(data)
    for head in heads:
        _append_op(model, head)
    _remove(model, heads)
    return join.pack(model)


def find_heads(graph: Subgraph) -> list[Head]:
    """The capsule layers of a graph, in order."""
    found = []
    for number, op in enumerate(graph.ops):
        if op.name == "BATCH_MATMUL":
            head = _float_head(graph, number)
        elif op.name == "LceBconv2d":
            head = _lce_head(graph, number)
        else:
            continue
        if head is not None:
            found.append(head)
    return found


def _float_head(graph: Subgraph, number: int) -> Head | None:
    op = graph.ops[number]
    weights = graph.tensors[op.inputs[1]]
    if weights.data is None or weights.type != "FLOAT32" or len(weights.shape) != 3:
        return None
    moved = _producer(graph, op.inputs[0])
    if moved is None or moved.name not in ("RESHAPE", "TRANSPOSE"):
        return None
    signed = _signed(graph, moved.inputs[0])
    source = moved.inputs[0] if signed is None else signed
    region = _region(graph, source, number)
    if region is None:
        return None
    nodes, target = region
    matrix = weights.data.view(np.float32).reshape(weights.shape)  # [N, D, J * E]
    n, d, _ = weights.shape
    _, j, e = graph.tensors[target].shape
    if matrix.shape[2] != j * e or graph.tensors[source].shape[1:] != (n, d):
        return None
    kernel = matrix.reshape(n, d, j, e).transpose(0, 2, 1, 3)  # [N, J, D, E]
    turns = 1 + sum(graph.ops[index].name == "SOFTMAX" for index in nodes)
    name = _agreement(graph, [index for index in nodes if index > number], turns)
    if name is None:
        return None
    constants: tuple[np.ndarray, ...] = (np.ascontiguousarray(kernel),)
    if signed is not None:
        scale = np.abs(kernel[:, :, 0])  # [N, J, E]; a sign times its scale has one magnitude
        if np.any(np.abs(kernel) != scale[:, :, np.newaxis]):
            return None
        if name != "XnCapsFc":  # signs outside of the routing and inside
            return None
        name, constants = "XnCapsOdr", (packing.pack_bits(kernel), scale)
    fused = markers.FusedOp(name, constants, turns, j, e)
    return Head(fused, nodes, source, target)


def _agreement(graph: Subgraph, nodes: list[int], turns: int) -> str | None:
    """The op whose routing these nodes are: XnCapsFc without signs, XnCapsIdr with ours on both
    operands of every agreement, None with any others."""
    ops = [graph.ops[index] for index in nodes]
    signs = sum(op.name == "SIGN" for op in ops)
    if not signs:
        return "XnCapsFc"
    chains = [_follow_back(graph, op.outputs[0], _SIGN_CHAIN) for op in ops if op.name == "NEG"]
    ranks = [len(graph.tensors[tensor].shape) for tensor in chains if tensor is not None]
    # u_hat [N, B, J, E] is binarised once, v [B, J, E] in every turn but the last.
    both = ranks.count(4) == 1 and ranks.count(3) == turns - 1
    return "XnCapsIdr" if both and signs == 2 * len(ranks) else None


def _lce_head(graph: Subgraph, number: int) -> Head | None:
    op = graph.ops[number]
    bits, multiplier, bias = (graph.tensors[index] for index in op.inputs[1:4])
    if bits.data is None or multiplier.data is None or bias.data is None:
        return None
    padded = _follow_back(graph, op.inputs[0], _LCE_CHAIN)
    source = None if padded is None else _negated(graph, padded)
    if source is None or bits.shape[1:3] != (1, 1):
        return None
    region = _region(graph, source, number)
    if region is None or np.any(bias.data.view(np.float32)):
        return None
    nodes, target = region
    _, n, d = graph.tensors[source].shape
    _, j, e = graph.tensors[target].shape
    repeats, channels = padded_depth(d)
    if channels // 32 != bits.shape[3] or bits.shape[0] != n * j * e:
        return None
    words = bits.data.reshape(n, j, e, -1)  # [N, J, E, P / 8], bit set where W > 0
    kernel = packing.unpack_bits(words, d * repeats)[:, :, ::repeats]  # [N, J, D, E]
    scale = multiplier.data.view(np.float32).reshape(n, j, e) * np.float32(repeats)
    kernel = np.where(scale[:, :, None, :] < 0, -kernel, kernel)
    names = [graph.ops[index].name for index in nodes]
    constants = packing.pack_bits(kernel), np.abs(scale)
    fused = markers.FusedOp("XnCapsOdr", constants, 1 + names.count("SOFTMAX"), j, e)
    return Head(fused, nodes, source, target)


def _producer(graph: Subgraph, tensor: int) -> Op | None:
    return next((op for op in graph.ops if tensor in op.outputs), None)


def _follow_back(graph: Subgraph, tensor: int, names: tuple[str, ...]) -> int | None:
    """The tensor in front of a chain of ops that ends in `tensor`, the last op first."""
    for name in names:
        op = _producer(graph, tensor)
        if op is None or op.name != name:
            return None
        tensor = op.inputs[0]
    return tensor


def _negated(graph: Subgraph, tensor: int) -> int | None:
    """The tensor u of -u, or of -u with each value twice, as an odd D has it."""
    op = _producer(graph, tensor)
    while op is not None and op.name in _REPEAT_OPS:
        op = _producer(graph, op.inputs[0])
    return op.inputs[0] if op is not None and op.name == "NEG" else None


def _signed(graph: Subgraph, tensor: int) -> int | None:
    """The tensor u of `sign(u) * mean of abs u`, or None where `tensor` is something else."""
    op = _producer(graph, tensor)
    if op is None or op.name != "MUL":
        return None
    found = [_follow_back(graph, factor, _SIGN_CHAIN) for factor in op.inputs]
    return next((u for u in found if u is not None), None)


def _region(graph: Subgraph, source: int, anchor: int) -> tuple[frozenset[int], int] | None:
    """(the ops from u to v, v): grown from u until one tensor is all that the rest reads."""
    inside, made = set(), {source}
    for number, op in enumerate(graph.ops):
        if not made & set(op.inputs):
            continue
        inside.add(number)
        made |= set(op.outputs)
        live = _read_outside(graph, made - {source}, inside)
        if number > anchor and live == set(op.outputs) and _is_squash(graph, op):
            if _read_outside(graph, {source}, inside):
                return None
            return frozenset(inside), op.outputs[0]
    return None


def _read_outside(graph: Subgraph, tensors: set[int], inside: set[int]) -> set[int]:
    readers = [set(op.inputs) for number, op in enumerate(graph.ops) if number not in inside]
    return tensors & set(graph.outputs).union(*readers)


def _is_squash(graph: Subgraph, op: Op) -> bool:
    """Whether an op is the last of a squash: a product with a quotient, of shape [B, J, E]."""
    if op.name != "MUL" or len(graph.tensors[op.outputs[0]].shape) != 3:
        return False
    producers = [_producer(graph, tensor) for tensor in op.inputs]
    return any(producer is not None and producer.name == "DIV" for producer in producers)


def _append_op(model: Any, head: Head) -> None:
    """Adds the custom op with its constants behind the others; `_remove` puts it in its place."""
    schema, graph = flatwrite.schema(), model.subgraphs[0]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = head.op.name.encode(), 1
    model.operatorCodes.append(code)
    inputs = [head.source]
    for constant in head.op.constants:
        buffer, tensor = schema.BufferT(), schema.TensorT()
        buffer.data = np.frombuffer(constant.tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.shape, tensor.buffer = np.array(constant.shape, np.int32), len(model.buffers) - 1
        kind = schema.TensorType
        tensor.type = kind.UINT8 if constant.dtype == np.uint8 else kind.FLOAT32
        tensor.name, tensor.hasRank = f"{head.op.name}/{len(inputs)}".encode(), True
        graph.tensors.append(tensor)
        inputs.append(len(graph.tensors) - 1)
    op = schema.OperatorT()
    op.opcodeIndex = len(model.operatorCodes) - 1
    op.inputs = np.array(inputs, np.int32)
    op.outputs = np.array([head.target], np.int32)
    options = {
        "routing_iterations": head.op.routing_iterations,
        "version": markers.OP_VERSION,
    }
    op.customOptions = np.frombuffer(bytes(flexbuffers.Dumps(options)), np.uint8)
    op.customOptionsFormat = schema.CustomOptionsFormat.FLEXBUFFERS
    graph.operators.append(op)


def _remove(model: Any, heads: list[Head]) -> None:
    """Takes the heads' ops out, moves the new ops to where they ended, drops unread constants."""
    graph = model.subgraphs[0]
    count = len(graph.operators) - len(heads)
    new = dict(zip((max(head.nodes) for head in heads), graph.operators[count:], strict=True))
    gone = frozenset().union(*(head.nodes for head in heads))
    kept = []
    for number, op in enumerate(graph.operators[:count]):
        if number in new:
            kept.append(new[number])
        elif number not in gone:
            kept.append(op)
    graph.operators = kept
    read = {int(index) for op in kept for index in (*op.inputs, *op.outputs)}
    read |= {int(index) for index in (*graph.inputs, *graph.outputs)}
    used = {graph.tensors[index].buffer for index in read if index >= 0}
    used |= {entry.buffer for entry in model.metadata or []}
    for other in model.subgraphs[1:]:
        used |= {tensor.buffer for tensor in other.tensors}
    for number, buffer in enumerate(model.buffers):
        if number not in used:
            buffer.data = None
