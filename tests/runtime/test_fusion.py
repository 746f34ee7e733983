"""Built-in ops behind a binary convolution or before a quantize, done by the delegate in one pass.

Against the convolution alone and NumPy's float32 arithmetic, which rounds each op as LiteRT does:
equal to the bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated
from ai_edge_litert.interpreter import Interpreter as Stock
from ai_edge_litert.interpreter import load_delegate as stock_load_delegate

from runtime_models import grid
from runtime_models.lce import Bconv2d, LceWriter, pack
from xncaps_runtime import Interpreter, delegate_path, load_delegate

schema: Any = schema_py_generated
OP = schema.BuiltinOperator
ACTIVATIONS = {  # TFLite's numbers, what they do
    0: lambda x: x,
    1: lambda x: np.maximum(x, np.float32(0)),
    2: lambda x: np.clip(x, np.float32(-1), np.float32(1)),
    3: lambda x: np.clip(x, np.float32(0), np.float32(6)),
}
BINARY = {
    OP.ADD: (np.add, schema.AddOptionsT),
    OP.MUL: (np.multiply, schema.MulOptionsT),
    OP.MINIMUM: (np.minimum, None),
    OP.MAXIMUM: (np.maximum, None),
}
UNARY = {OP.RELU: 1, OP.RELU_N1_TO_1: 2, OP.RELU6: 3}


def _signs(values: np.ndarray) -> np.ndarray:
    return pack(values <= np.float32(-1.17549435e-38))


class Net:
    """A file and what NumPy makes of it: `values[t]` of tensor t."""

    def __init__(self, rng: np.random.Generator, batch: int, size: tuple[int, int]) -> None:
        self.rng, self.writer, self.batch, self.size = rng, LceWriter(), batch, size
        self.values: dict[int, np.ndarray] = {}
        self.inputs: list[int] = []

    def feed(self, channels: int) -> int:
        """A float input of the file, one for all."""
        shape = (self.batch, *self.size, channels)
        tensor = self.writer.value(shape, "float32")
        self.inputs.append(tensor)
        self.values[tensor] = self.rng.normal(size=shape).astype(np.float32)
        return tensor

    def quantize(self, source: int) -> int:
        tensor = self.writer.quantize(source)
        self.values[tensor] = _signs(self.values[source])
        return tensor

    def conv(self, source: int, channels_in: int, channels_out: int, **options: Any) -> int:
        conv = Bconv2d(channels_in, channels_out, **options)
        constants = grid.draw_constants(self.rng, conv)
        tensor = self.writer.bconv2d(source, conv, constants)
        bits = self.values[source]
        alone = LceWriter()
        given = alone.value(bits.shape, "int32")
        model = alone.finish([given], [alone.bconv2d(given, conv, constants)])
        [self.values[tensor]] = _run(model, [bits])
        return tensor

    def binary(
        self,
        op: int,
        source: int,
        operand: int | np.ndarray,
        activation: int = 0,
        swap: bool = False,
    ) -> int:
        function, options = BINARY[op]
        if isinstance(operand, np.ndarray):
            operand, value = self.writer.constant(f"c{len(self.values)}", operand), operand
        else:
            value = self.values[operand]
        tensor = self.writer.value(self.values[source].shape, "float32")
        told = None
        if options is not None:
            told = options()
            told.fusedActivationFunction = activation
        pair = [operand, source] if swap else [source, operand]
        self.writer.builtin(op, pair, [tensor], told)
        self.values[tensor] = ACTIVATIONS[activation](function(self.values[source], value))
        return tensor

    def unary(self, op: int, source: int) -> int:
        tensor = self.writer.value(self.values[source].shape, "float32")
        self.writer.builtin(op, [source], [tensor])
        self.values[tensor] = ACTIVATIONS[UNARY[op]](self.values[source])
        return tensor

    def check(self, outputs: list[int], claimed: int, capfd: Any, threads: int = 1) -> None:
        """All outputs are equal to the bit; so many nodes are ours."""
        capfd.readouterr()
        fed = [self.values[tensor] for tensor in self.inputs]
        made = _run(self.writer.finish(self.inputs, outputs), fed, threads)
        for tensor, values in zip(outputs, made, strict=True):
            np.testing.assert_array_equal(values, self.values[tensor])
        assert f"xncaps: {claimed} of " in capfd.readouterr().err


def _run(model: bytes, inputs: list[np.ndarray], threads: int = 1) -> list[np.ndarray]:
    interpreter = Interpreter(model, threads, verbose=True)
    for detail, values in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.resize_tensor_input(detail["index"], values.shape)
    interpreter.allocate_tensors()
    for detail, values in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def _vector(rng: np.random.Generator, channels: int) -> np.ndarray:
    return rng.normal(size=channels).astype(np.float32)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_residual_block_is_one_pass(threads: int, capfd: Any) -> None:
    """Clamp, norm, residual and the next signs, as in QuickNet; nothing is left to others."""
    net = Net(np.random.default_rng(0), 2, (40, 30))
    x = net.feed(64)
    for _ in range(3):
        y = net.conv(net.quantize(x), 64, 64, activation=1)
        y = net.binary(OP.MINIMUM, y, np.array(6, np.float32))
        y = net.binary(OP.MUL, y, _vector(net.rng, 64))
        y = net.binary(OP.ADD, y, _vector(net.rng, 64))
        x = net.binary(OP.ADD, y, x, activation=1, swap=True)
    net.check([x, net.quantize(x)], 3 * 6 + 1, capfd, threads)


@pytest.mark.parametrize("channels", [1, 3, 31, 32, 33, 64, 100])
@pytest.mark.parametrize("op", BINARY)
def test_each_op_with_each_kind_of_operand(op: int, channels: int, capfd: Any) -> None:
    net = Net(np.random.default_rng(channels), 1, (5, 7))
    other = net.feed(channels)
    x = net.feed(40)
    bits = net.quantize(x)
    outputs = []
    with_activation = (0, 1, 2, 3) if BINARY[op][1] else (0,)
    operands: list[Any] = [other, _vector(net.rng, channels), _vector(net.rng, 1)]
    operands.append(_vector(net.rng, channels).reshape(1, 1, 1, channels))
    for operand in operands:
        for activation in with_activation:
            y = net.conv(bits, 40, channels)
            outputs.append(net.binary(op, y, operand, activation, swap=activation % 2 == 1))
    net.check(outputs, 1 + 2 * len(outputs), capfd)


def test_activations_by_themselves_and_many_of_them(capfd: Any) -> None:
    net = Net(np.random.default_rng(1), 1, (6, 6))
    bits = net.quantize(net.feed(33))
    outputs = [net.unary(op, net.conv(bits, 33, 20)) for op in UNARY]
    y = net.conv(bits, 33, 20)
    for k in range(12):  # more than fit in one pass: the rest is not ours
        y = net.binary(OP.ADD, y, _vector(net.rng, 20) * k)
    net.check([*outputs, y], 1 + 3 * 2 + 1 + 8, capfd)


def test_what_others_read_is_not_skipped(capfd: Any) -> None:
    """A tensor between that is an output of the file, or has a second reader."""
    net = Net(np.random.default_rng(2), 1, (6, 6))
    bits = net.quantize(net.feed(32))
    y = net.conv(bits, 32, 16)
    shown = net.binary(OP.MUL, y, _vector(net.rng, 16))
    last = net.binary(OP.ADD, shown, _vector(net.rng, 16))
    # The host does not tell which tensors are outputs before nodes are claimed.
    net.check([shown, last, net.quantize(last)], 5, capfd)
    net = Net(np.random.default_rng(3), 1, (6, 6))
    y = net.conv(net.quantize(net.feed(32)), 32, 16)
    once, twice = net.unary(OP.RELU, y), net.binary(OP.MUL, y, _vector(net.rng, 16))
    net.check([once, twice], 2, capfd)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("channels", [1, 31, 32, 33, 70, 96, 160])
def test_what_is_before_a_quantize_is_one_pass(channels: int, threads: int, capfd: Any) -> None:
    """The norm of a concatenation in front of the signs, as in BinaryDenseNet and MeliusNet."""
    net = Net(np.random.default_rng(channels), 2, (40, 30))
    x = net.feed(channels)
    scaled = net.binary(OP.MUL, x, _vector(net.rng, channels), swap=True)
    shifted = net.binary(OP.ADD, scaled, _vector(net.rng, channels), activation=2)
    clamped = net.unary(OP.RELU6, net.binary(OP.MUL, x, np.array([-2], np.float32)))
    net.check([net.quantize(shifted), net.quantize(clamped)], 6, capfd, threads)


def test_what_is_before_a_quantize_and_read_by_others_is_not_ours(capfd: Any) -> None:
    net = Net(np.random.default_rng(7), 1, (6, 6))
    x = net.feed(40)
    shared = net.binary(OP.MUL, x, _vector(net.rng, 40))
    bits, other = net.quantize(shared), net.binary(OP.ADD, shared, _vector(net.rng, 40))
    net.check([bits, other], 1, capfd)
    net = Net(np.random.default_rng(8), 1, (6, 6))
    both = net.binary(OP.ADD, net.feed(40), net.feed(40))  # of two tensors: any time
    net.check([net.quantize(both)], 1, capfd)
    net = Net(np.random.default_rng(9), 1, (6, 6))
    shown = net.binary(OP.MUL, net.feed(40), _vector(net.rng, 40))  # an output of the file
    net.check([net.quantize(shown), shown], 2, capfd)


def test_built_in_ops_stay_with_the_host_where_asked(capfd: Any) -> None:
    net = Net(np.random.default_rng(10), 1, (6, 6))
    x = net.binary(OP.MUL, net.feed(40), _vector(net.rng, 40))
    y = net.binary(OP.ADD, net.conv(net.quantize(x), 40, 40), _vector(net.rng, 40))
    [fed], [tensor] = net.inputs, [net.quantize(y)]
    model = net.writer.finish(net.inputs, [tensor])
    delegate = load_delegate(verbose=True, keep_builtins=True)
    interpreter = Stock(model_content=model, experimental_delegates=[delegate])
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], net.values[fed])
    interpreter.invoke()
    made = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_array_equal(made, net.values[tensor])
    assert "xncaps: 3 of 5 nodes claimed" in capfd.readouterr().err
    with pytest.raises(ValueError, match="option keep_builtins: expected 0 or 1"):
        stock_load_delegate(delegate_path(), {"keep_builtins": "2"})


def test_two_convolutions_of_one_sum(capfd: Any) -> None:
    net = Net(np.random.default_rng(4), 1, (6, 6))
    bits = net.quantize(net.feed(32))
    both = net.binary(OP.ADD, net.conv(bits, 32, 24), net.conv(bits, 32, 24))
    net.check([both], 4, capfd)


def test_an_operand_that_comes_after_other_ops_stays_with_them(capfd: Any) -> None:
    """The sum waits for a pooling of the residual, which is not ours: so it is not claimed."""
    net = Net(np.random.default_rng(5), 1, (6, 6))
    x = net.binary(OP.ADD, net.conv(net.quantize(net.feed(32)), 32, 32), _vector(net.rng, 32))
    y = net.conv(net.quantize(x), 32, 32)
    y = net.binary(OP.MUL, y, _vector(net.rng, 32))
    logistic = net.writer.value(net.values[x].shape, "float32")
    net.writer.builtin(OP.NEG, [x], [logistic])
    net.values[logistic] = -net.values[x]
    z = net.binary(OP.ADD, y, logistic)
    net.check([net.quantize(z)], 7, capfd)


def test_shapes_that_broadcast_are_not_ours(capfd: Any) -> None:
    net = Net(np.random.default_rng(6), 1, (6, 6))
    bits = net.quantize(net.feed(32))
    y = net.binary(OP.ADD, net.conv(bits, 32, 8), net.rng.normal(size=(6, 1)).astype(np.float32))
    net.check([y], 2, capfd)


@pytest.mark.parametrize("seed", range(12))
def test_nets_at_random(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = Net(rng, int(rng.integers(1, 4)), (int(rng.integers(1, 20)), int(rng.integers(1, 20))))
    channels = int(rng.choice((1, 7, 32, 40, 64)))
    tensors = [net.feed(channels)]
    operand: Any
    for _ in range(5):
        x = tensors[rng.integers(len(tensors))]
        for _ in range(rng.integers(3)):
            operand = _vector(rng, int(rng.choice((1, channels))))
            x = net.binary(int(rng.choice(list(BINARY))), x, operand)
        bits = net.quantize(x)
        y = net.conv(bits, channels, channels, activation=int(rng.choice((0, 1, 3))))
        for _ in range(rng.integers(5)):
            if rng.random() < 0.2:
                y = net.unary(int(rng.choice(list(UNARY))), y)
                continue
            operand = tensors[rng.integers(len(tensors))]
            if rng.random() < 0.6:
                operand = _vector(rng, int(rng.choice((1, channels))))
            y = net.binary(int(rng.choice(list(BINARY))), y, operand, 0, bool(rng.random() < 0.5))
        tensors.append(y)
    outputs = [tensors[-1], net.quantize(tensors[-1])]
    outputs += [t for t in tensors[1:-1] if rng.random() < 0.5]
    fed = [net.values[tensor] for tensor in net.inputs]
    model = net.writer.finish(net.inputs, outputs)
    for threads in (1, 2):
        for tensor, values in zip(outputs, _run(model, fed, threads), strict=True):
            np.testing.assert_array_equal(values, net.values[tensor])
