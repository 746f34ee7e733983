"""The delegate in stock runtimes: what it claims, threads, sharing, resizes, errors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated

import runtime_models as make
from runtime_models import grid
from runtime_models.lce import RELU, Bconv2d, LceWriter, pack

schema: Any = schema_py_generated
OPTIONS = {"routing_iterations": 3, "version": 1}
TOLERANCE = 1e-5  # float32 sums of some hundred terms below 1


def _odr(rng: np.random.Generator) -> tuple[bytes, np.ndarray, np.ndarray]:
    """A file of one XnCapsOdr, inputs, and what must come out."""
    kernel = rng.normal(0, 0.1, (64, 10, 8, 16)).astype(np.float32)
    scale = make.channel_scale(kernel)
    model = make.caps_model(
        "XnCapsOdr", [make.pack_bits(kernel), scale], (1, 64, 8), (1, 10, 16), dynamic_batch=True
    )
    u = np.maximum(rng.normal(size=(1, 64, 8)), 0).astype(np.float32)
    return model, u, make.reference("XnCapsOdr", u, kernel, scale)


def _together(work: Callable[[], None], count: int) -> None:
    workers = [threading.Thread(target=work) for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def test_interpreters_run_at_once_on_threads(stock: Any, rng: np.random.Generator) -> None:
    model, u, want = _odr(rng)
    errors: list[float] = []

    def work() -> None:
        interpreter = stock.open(model, 2)
        for _ in range(50):
            errors.append(float(np.abs(stock.run(interpreter, u) - want).max()))

    _together(work, 4)
    assert len(errors) == 200
    assert max(errors) < TOLERANCE


def test_interpreters_share_a_delegate(stock: Any, rng: np.random.Generator) -> None:
    """One pool of threads, which only one interpreter at a time can have: the others do without."""
    model, u, want = _odr(rng)
    delegate = stock.delegate(num_threads=2)
    waiting = [stock.open(model, delegate=delegate) for _ in range(3)]
    errors: list[float] = []

    def work() -> None:
        interpreter = waiting.pop()
        for _ in range(50):
            errors.append(float(np.abs(stock.run(interpreter, u) - want).max()))

    _together(work, 3)
    assert len(errors) == 150
    assert max(errors) < TOLERANCE


def test_ops_follow_one_another_beside_xnnpack(
    stock: Any, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    """Ours, a built-in op, two of ours: the tensor between the two lives in the delegate alone."""
    kernel = rng.normal(0, 0.3, (6, 6, 8, 8)).astype(np.float32)
    writer = make.ModelWriter()
    u = writer.tensor("u", (1, 6, 8))
    w = writer.constant("w", kernel)
    tensors = [writer.tensor(f"t{i}", (1, 6, 8)) for i in range(4)]
    writer.custom("XnCapsFc", [u, w], [tensors[0]], OPTIONS)
    writer.builtin(schema.BuiltinOperator.RELU, [tensors[0]], [tensors[1]])
    writer.custom("XnCapsFc", [tensors[1], w], [tensors[2]], OPTIONS)
    writer.custom("XnCapsFc", [tensors[2], w], [tensors[3]], OPTIONS)
    delegate = stock.delegate(verbose=1)
    interpreter = stock.open(writer.finish([u], [tensors[3]]), delegate=delegate)
    x = rng.normal(size=(1, 6, 8)).astype(np.float32)
    made = stock.run(interpreter, x)
    want = np.maximum(make.reference("XnCapsFc", x, kernel), 0)
    for _ in range(2):
        want = make.reference("XnCapsFc", want, kernel)
    np.testing.assert_allclose(made, want, atol=TOLERANCE)
    assert "3 of 4 nodes claimed" in capfd.readouterr().err
    # Two nodes are ours, before and behind the built-in op; that one is XNNPACK's.
    names = [op["op_name"] for op in interpreter._get_ops_details()]
    assert names.count("DELEGATE") == 3


def _both(rng: np.random.Generator, batch: int) -> bytes:
    """LCE's ops, a built-in op, and capsules: [B, 4, 4, 40] -> [B, 5, 16]."""
    signs = Bconv2d(40, 64, output="int32")
    values = Bconv2d(64, 8, activation=RELU)
    writer = LceWriter()
    source = writer.value((batch, 4, 4, 40), "float32")
    bits = writer.bconv2d(writer.quantize(source), signs, grid.draw_constants(rng, signs))
    convolved = writer.bconv2d(bits, values, grid.draw_constants(rng, values))
    flat = writer.value((batch, 16, 8), "float32")
    shape = writer.constant("shape", np.array([-1, 16, 8], np.int32))
    writer.builtin(schema.BuiltinOperator.RESHAPE, [convolved, shape], [flat])
    kernel = writer.constant("kernel", rng.normal(0, 0.1, (16, 5, 8, 16)).astype(np.float32))
    capsules = writer.value((batch, 5, 16), "float32")
    writer.custom("XnCapsFc", [flat, kernel], [capsules], OPTIONS)
    return writer.finish([source], [capsules])


@pytest.mark.parametrize("threads", [1, 2])
def test_lces_ops_and_capsules_in_one_file_with_any_batch(stock: Any, threads: int) -> None:
    model = _both(np.random.default_rng(3), 1)
    inputs = np.random.default_rng(4).normal(size=(7, 4, 4, 40)).astype(np.float32)
    single = stock.open(model)
    rows = np.concatenate([stock.run(single, inputs[i : i + 1]) for i in range(len(inputs))])
    assert np.abs(rows).max() > 0.1 and np.ptp(rows, axis=0).max() > 0.01
    interpreter = stock.open(model, threads)
    for batch in (7, 1, 3, 7):
        made = stock.run(interpreter, inputs[:batch])
        np.testing.assert_allclose(made, rows[:batch], atol=1e-6)


def test_lces_bits_follow_a_resized_batch_and_image(stock: Any) -> None:
    """Rows of a batch are those of single images, bit for bit, also at another size of image."""
    conv = Bconv2d(40, 17, (3, 3), output="int8")
    constants = grid.draw_constants(np.random.default_rng(1), conv)

    def file(height: int, width: int) -> bytes:
        writer = LceWriter()
        source = writer.value((1, height, width, 2), "int32")
        return writer.finish([source], [writer.bconv2d(source, conv, constants, (0.5, 3))])

    small, large = (
        pack(np.random.default_rng(2).random((4, *size, 40)) < 0.5) for size in ((6, 5), (9, 8))
    )
    interpreter = stock.open(file(6, 5), 2)
    for inputs in (small, small[:2], large, large[:1], small[:3]):
        alone = stock.open(file(*inputs.shape[1:3]))
        rows = np.concatenate([stock.run(alone, row[np.newaxis]) for row in inputs])
        np.testing.assert_array_equal(stock.run(interpreter, inputs), rows)


def test_a_shape_that_the_weights_do_not_fit_is_one_line(
    stock: Any, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    model, u, _ = _odr(rng)
    interpreter = stock.open(model)
    with pytest.raises((RuntimeError, ValueError)) as error:
        stock.run(interpreter, u[:, :63])
    said = str(error.value) + capfd.readouterr().err
    [line] = [line for line in said.splitlines() if "XnCapsOdr (node 0)" in line]
    assert "expected bits of shape [N=63" in line and "Received: [64, 10, 16, 1]" in line


def test_a_bad_option_fails_in_the_runtimes_own_call(stock: Any) -> None:
    with pytest.raises((RuntimeError, ValueError), match="isa: expected one of scalar"):
        stock.delegate(isa="mmx")
