"""The three capsule ops in stock runtimes, with the delegate, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import runtime_models as make
from xncaps_runtime import Interpreter, RuntimeLibraryError, delegate_path, info, load_delegate

OPS = ("XnCapsOdr", "XnCapsIdr", "XnCapsFc")
SHAPES = ((128, 8, 10, 16), (37, 8, 3, 5), (9, 16, 4, 8), (5, 13, 2, 7), (1, 1, 1, 1))
# float32 sums of some thousand terms below 1.
TOLERANCE = 1e-5


def layer(
    rng: np.random.Generator, op: str, shape: tuple[int, int, int, int], scale: str, half: bool
) -> tuple[np.ndarray, np.ndarray | None, list[np.ndarray]]:
    n, d, j, e = shape
    kernel = rng.normal(0, 0.1, (n, j, d, e)).astype(np.float32)
    if op != "XnCapsOdr":
        kernel = kernel.astype(np.float16) if half else kernel
        return kernel, None, [kernel]
    channel = make.channel_scale(kernel)
    values = {"channel": channel, "capsule": channel.mean(-1), "none": None}[scale]
    if values is not None and half:
        values = values.astype(np.float16)
    constants = [make.pack_bits(kernel)] + ([] if values is None else [values])
    return kernel, values, constants


def inputs(rng: np.random.Generator, batch: int, n: int, d: int) -> np.ndarray:
    u = np.maximum(rng.normal(size=(batch, n, d)), 0).astype(np.float32)
    u[:, ::5] = 0
    return u


# (op, scale, half): every form of constants that a file may have.
FORMS = (
    *(("XnCapsOdr", scale, half) for scale in ("channel", "capsule") for half in (False, True)),
    ("XnCapsOdr", "none", False),
    ("XnCapsIdr", "none", False),
    ("XnCapsFc", "none", False),
    ("XnCapsFc", "none", True),
)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("op", "scale", "half"), FORMS, ids=str)
def test_op_equals_numpy(
    stock: Any,
    rng: np.random.Generator,
    op: str,
    shape: tuple[int, int, int, int],
    scale: str,
    half: bool,
) -> None:
    n, d, j, e = shape
    kernel, values, constants = layer(rng, op, shape, scale, half)
    u = inputs(rng, 2, n, d)
    model = make.caps_model(op, constants, (2, n, d), (2, j, e))
    want = make.reference(op, u, kernel, values)
    np.testing.assert_allclose(stock.run(stock.open(model), u), want, atol=TOLERANCE)


@pytest.mark.parametrize("turns", [1, 2, 3, 5])
def test_number_of_turns(stock: Any, rng: np.random.Generator, turns: int) -> None:
    kernel, values, constants = layer(rng, "XnCapsOdr", (40, 8, 6, 16), "channel", False)
    u = inputs(rng, 1, 40, 8)
    model = make.caps_model(
        "XnCapsOdr", constants, (1, 40, 8), (1, 6, 16), routing_iterations=turns
    )
    want = make.reference("XnCapsOdr", u, kernel, values, routing_iterations=turns)
    np.testing.assert_allclose(stock.run(stock.open(model), u), want, atol=TOLERANCE)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("op", OPS)
def test_batch_can_change(stock: Any, rng: np.random.Generator, op: str, threads: int) -> None:
    kernel, values, constants = layer(rng, op, (33, 8, 5, 16), "channel", False)
    model = make.caps_model(op, constants, (1, 33, 8), (1, 5, 16), dynamic_batch=True)
    interpreter = stock.open(model, threads)
    for batch in (1, 7, 2, 32, 1):
        u = inputs(rng, batch, 33, 8)
        want = make.reference(op, u, kernel, values)
        np.testing.assert_allclose(stock.run(interpreter, u), want, atol=TOLERANCE)


def test_scalar_kernels_agree(stock: Any, rng: np.random.Generator) -> None:
    _, _, constants = layer(rng, "XnCapsOdr", (64, 8, 10, 16), "channel", False)
    u = inputs(rng, 1, 64, 8)
    model = make.caps_model("XnCapsOdr", constants, (1, 64, 8), (1, 10, 16))
    best = stock.run(stock.open(model), u)
    scalar = stock.run(stock.open(model, delegate=stock.delegate(isa="scalar")), u)
    np.testing.assert_allclose(best, scalar, atol=2e-6)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"routing_iterations": 0, "version": 1}, "routing_iterations within 1 and 1000"),
        ({"routing_iterations": 3, "version": 9}, "option version"),
        ({"version": 1}, "expected an option routing_iterations"),
        (b"\x01\x02\x03", "not a FlexBuffers map"),
    ],
    ids=["turns", "version", "missing", "malformed"],
)
def test_bad_options_are_errors_at_allocation(
    rng: np.random.Generator, options: dict[str, int] | bytes, part: str, capfd: Any
) -> None:
    _, _, constants = layer(rng, "XnCapsOdr", (8, 8, 3, 4), "channel", False)
    model = make.caps_model("XnCapsOdr", constants, (1, 8, 8), (1, 3, 4), options=options)
    with pytest.raises(RuntimeError) as error:
        Interpreter(model).allocate_tensors()
    assert part in str(error.value) + capfd.readouterr().err


def test_a_bad_delegate_option_is_reported() -> None:
    with pytest.raises(RuntimeLibraryError, match="option isa: expected one of scalar"):
        load_delegate(isa="mmx")
    with pytest.raises(RuntimeLibraryError, match="option num_threads"):
        load_delegate(num_threads=1000)
    with pytest.raises(ValueError, match="num_threads >= 1"):
        Interpreter(b"", 0)


def test_info_names_version_and_isa() -> None:
    about = info()
    assert about["isa"] in ("scalar", "avx2", "avx512", "neon")
    assert about["version"].count(".") == 2
    assert about["path"] == delegate_path()
