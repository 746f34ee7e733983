"""Fuses the capsule layers of a TFLite file that exists already.

It finds what this toolkit's other converters write, float capsule layers (`--to float`) and
grouped LceBconv2d ones (`--to lce`), and puts one custom op in their place. A head starts at its
projection, a product with a constant, and ends where the last turn's squash is the one tensor that
the rest of the network reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_converters import graph_edit, marked_layers, packing
from xncaps_converters.lce_layers import padded_depth
from xncaps_files import tflite
from xncaps_files.tflite import Op, Subgraph
from xncaps_tf.errors import ConversionError

_SIGN_CHAIN = ("NEG", "SIGN", "ADD", "SIGN", "NEG")  # b(x) = -sign(-x), larq's sign in TFLite's ops
_LCE_CHAIN = ("LceQuantize", "RESHAPE", "PADV2")
_BINARISING = {"SIGN", "NEG", "ABS"}  # a float routing has none of them
_SHOWN = 3  # candidates whose reason is said in an error
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

    op: marked_layers.FusedOp
    nodes: frozenset[int]
    source: int
    target: int


@dataclass(frozen=True)
class Miss:
    """An op that looks like a capsule layer's projection and is none.

    Attributes:
        number: of the op in its graph.
        op: its name.
        reason: the first condition that does not hold.
    """

    number: int
    op: str
    reason: str

    def __str__(self) -> str:
        return f"op {self.number} ({self.op}): {self.reason}"


class _NoMatch(Exception):
    """The condition that does not hold."""


def fuse(file: bytes | tflite.TfliteFile) -> bytes:
    """Puts one custom op in the place of every capsule layer of a file.

    Args:
        file: a TFLite file that this toolkit wrote, with a fixed batch size.

    Returns:
        The fused file. What is appended to a flatbuffer (label files) is left out.

    Raises:
        ConversionError: no capsule layer is found; it says what each candidate lacks.
        DataError: the file is damaged.
    """
    file = tflite.parsed(file)
    heads, misses = examine(file.main)
    if not heads:
        found = "; ".join(map(str, misses[:_SHOWN])) or "no product with a constant in it"
        raise ConversionError(
            "expected a file with a capsule layer as `xncaps convert --to float` or `--to lce` "
            f"writes it, with a fixed batch size. Received: one without, or one that is fused: "
            f"{found}."
        )
    model = graph_edit.unpack(file.data)
    _replace(model, heads)
    return graph_edit.pack(model)


def find_heads(graph: Subgraph) -> list[Head]:
    """The capsule layers of a graph, in order."""
    return examine(graph)[0]


def examine(graph: Subgraph) -> tuple[list[Head], list[Miss]]:
    """(the capsule layers of a graph, what looks like one and why it is none), in order."""
    heads: list[Head] = []
    misses: list[Miss] = []
    for number, op in enumerate(graph.ops):
        pattern = _PATTERNS.get(op.name)
        if pattern is None:
            continue
        try:
            heads.append(pattern(graph, number))
        except _NoMatch as reason:
            misses.append(Miss(number, op.name, str(reason)))
    return heads, misses


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise _NoMatch(reason)


def _float_head(graph: Subgraph, number: int) -> Head:
    op = graph.ops[number]
    weights = graph.tensors[op.inputs[1]]
    if weights.data is None or weights.type != "FLOAT32" or len(weights.shape) != 3:
        raise _NoMatch("its second operand is no float32 constant [N, D, J * E]")
    moved = _producer(graph, op.inputs[0])
    if moved is None or moved.name not in ("RESHAPE", "TRANSPOSE"):
        raise _NoMatch("its first operand is not made by RESHAPE or TRANSPOSE")
    signed = _signed(graph, moved.inputs[0])
    source = moved.inputs[0] if signed is None else signed
    nodes, target = _region(graph, source, number)
    matrix = weights.data.view(np.float32).reshape(weights.shape)  # [N, D, J * E]
    n, d, _ = weights.shape
    _, j, e = graph.tensors[target].shape
    _require(matrix.shape[2] == j * e, f"its weight {weights.shape} does not make J x E = {j}x{e}")
    fits = graph.tensors[source].shape[1:] == (n, d)
    _require(fits, f"its input is not [B, {n}, {d}], as its weight would have it")
    kernel = matrix.reshape(n, d, j, e).transpose(0, 2, 1, 3)  # [N, J, D, E]
    turns = 1 + sum(graph.ops[index].name == "SOFTMAX" for index in nodes)
    name = _agreement(graph, [index for index in nodes if index > number], turns)
    constants: tuple[NDArray[Any], ...] = (np.ascontiguousarray(kernel),)
    if signed is not None:
        scale = np.abs(kernel[:, :, 0])  # [N, J, E]; a sign times its scale has one magnitude
        even = not np.any(np.abs(kernel) != scale[:, :, np.newaxis])
        _require(even, "its input has signs, but its weight is not of one magnitude a pose value")
        _require(name == "XnCapsFc", "signs outside of the routing and inside")
        name, constants = "XnCapsOdr", (packing.pack_bits(kernel), scale)
    return Head(marked_layers.FusedOp(name, constants, turns, j, e), nodes, source, target)


def _agreement(graph: Subgraph, nodes: list[int], turns: int) -> str:
    """The op whose routing these nodes are: XnCapsFc without signs, XnCapsIdr with ours on both
    operands of every agreement."""
    ops = [graph.ops[index] for index in nodes]
    signs = sum(op.name == "SIGN" for op in ops)
    if not {op.name for op in ops} & _BINARISING:
        return "XnCapsFc"
    chains = [_follow_back(graph, op.outputs[0], _SIGN_CHAIN) for op in ops if op.name == "NEG"]
    ranks = [len(graph.tensors[tensor].shape) for tensor in chains if tensor is not None]
    # u_hat [N, B, J, E] is binarised once, v [B, J, E] in every turn but the last.
    both = ranks.count(4) == 1 and ranks.count(3) == turns - 1
    ours = both and signs == 2 * len(ranks)
    _require(ours, "its agreement has signs, but not ours on both operands")
    return "XnCapsIdr"


def _lce_head(graph: Subgraph, number: int) -> Head:
    op = graph.ops[number]
    bits, multiplier, bias = (graph.tensors[index] for index in op.inputs[1:4])
    if bits.data is None or multiplier.data is None or bias.data is None:
        raise _NoMatch("its filter, multiplier or bias is no constant")
    _require(bits.shape[1:3] == (1, 1), "its filter is not 1x1")
    padded = _follow_back(graph, op.inputs[0], _LCE_CHAIN)
    if padded is None:
        raise _NoMatch(f"its input does not come by {' <- '.join(_LCE_CHAIN)}")
    source = _negated(graph, padded)
    if source is None:
        raise _NoMatch("its input is not negated, as ours is")
    nodes, target = _region(graph, source, number)
    _require(not np.any(bias.data.view(np.float32)), "it has a bias")
    _require(len(graph.tensors[source].shape) == 3, "its input is not [B, N, D]")
    _, n, d = graph.tensors[source].shape
    _, j, e = graph.tensors[target].shape
    repeats, channels = padded_depth(d)
    fits = channels // 32 == bits.shape[3] and bits.shape[0] == n * j * e
    _require(fits, f"its filter {bits.shape} is not that of N, J, D, E = {n}, {j}, {d}, {e}")
    words = bits.data.reshape(n, j, e, -1)  # [N, J, E, P / 8], bit set where W > 0
    kernel = packing.unpack_bits(words, d * repeats)[:, :, ::repeats]  # [N, J, D, E]
    scale = multiplier.data.view(np.float32).reshape(n, j, e) * np.float32(repeats)
    kernel = np.where(scale[:, :, None, :] < 0, -kernel, kernel)
    names = [graph.ops[index].name for index in nodes]
    constants = packing.pack_bits(kernel), np.abs(scale)
    fused = marked_layers.FusedOp("XnCapsOdr", constants, 1 + names.count("SOFTMAX"), j, e)
    return Head(fused, nodes, source, target)


_PATTERNS: dict[str, Callable[[Subgraph, int], Head]] = {
    "BATCH_MATMUL": _float_head,
    "LceBconv2d": _lce_head,
}


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


def _region(graph: Subgraph, source: int, anchor: int) -> tuple[frozenset[int], int]:
    """(the ops from u to v, v): grown from u until one tensor is all that the rest reads."""
    inside: set[int] = set()
    made = {source}
    for number, op in enumerate(graph.ops):
        if not made & set(op.inputs):
            continue
        inside.add(number)
        made |= set(op.outputs)
        live = _read_outside(graph, made - {source}, inside)
        if number > anchor and live == set(op.outputs) and _is_squash(graph, op):
            alone = not _read_outside(graph, {source}, inside)
            _require(alone, "its input is read by other ops as well")
            return frozenset(inside), op.outputs[0]
    raise _NoMatch("no squash behind it is all that the rest of the network reads")


def _read_outside(graph: Subgraph, tensors: set[int], inside: set[int]) -> set[int]:
    readers = [set(op.inputs) for number, op in enumerate(graph.ops) if number not in inside]
    return tensors & set(graph.outputs).union(*readers)


def _is_squash(graph: Subgraph, op: Op) -> bool:
    """Whether an op is the last of a squash: a product with a quotient, of shape [B, J, E]."""
    if op.name != "MUL" or len(graph.tensors[op.outputs[0]].shape) != 3:
        return False
    producers = [_producer(graph, tensor) for tensor in op.inputs]
    return any(producer is not None and producer.name == "DIV" for producer in producers)


def _fused_op(model: Any, head: Head) -> Any:
    """The custom op of a head, its constants added to the first subgraph."""
    graph, name = model.subgraphs[0], head.op.name
    constants = [
        graph_edit.add_constant(model, graph, constant, f"{name}/{number}")
        for number, constant in enumerate(head.op.constants, start=1)
    ]
    options = {
        "routing_iterations": head.op.routing_iterations,
        "version": marked_layers.OP_VERSION,
    }
    return graph_edit.custom_op(model, name, [head.source, *constants], [head.target], options)


def _replace(model: Any, heads: list[Head]) -> None:
    """Puts the new ops where the heads' ended, takes these out, drops unread constants."""
    graph = model.subgraphs[0]
    new = {max(head.nodes): _fused_op(model, head) for head in heads}
    gone = frozenset[int]().union(*(head.nodes for head in heads))
    graph.operators = [
        new.get(number, op)
        for number, op in enumerate(graph.operators)
        if number in new or number not in gone
    ]
    graph_edit.drop_unread_constants(model)
