"""LCE's ops by the delegate in stock LiteRT against LCE's own interpreter, over a seeded grid.

The files are written directly: a conversion each would take hours.
"""

from __future__ import annotations

import pathlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runtime_models import grid, run_model
from runtime_models.lce import SAME, Bconv2d, LceWriter, pack, words
from xncaps_runtime import Interpreter

CHUNK = 50
RTOL = 1e-5  # of float outputs; bits and int8 are equal

lce: Any = pytest.importorskip(
    "larq_compute_engine.tflite.python.interpreter",
    reason="larq-compute-engine has no wheel for this machine; test_lce_golden has its results",
)


def open_lce(model: bytes, kernel: str) -> Any:
    """What LCE's interpreter holds: it takes batches as the file has them, one by one or not."""
    options = {
        "default": {},
        "indirect": {"use_indirect_bgemm": True},
        "reference": {"use_reference_bconv": True},
    }[kernel]
    return lce.Interpreter(model, **options).interpreter


def run_lce(model: bytes, kernel: str, inputs: np.ndarray) -> np.ndarray:
    """The only output of a file by one of LCE's kernels."""
    return open_lce(model, kernel).predict([inputs])[0]


def difference(made: np.ndarray, wanted: np.ndarray, atol: float) -> str:
    """In words; empty where the outputs are equal."""
    if (made.shape, made.dtype) != (wanted.shape, wanted.dtype):
        return f"{made.dtype} {made.shape} instead of {wanted.dtype} {wanted.shape}"
    if made.dtype == np.float32:
        wrong = ~np.isclose(made, wanted, rtol=RTOL, atol=atol)
    else:
        wrong = made != wanted
    if not wrong.any():
        return ""
    where = tuple(int(index) for index in np.argwhere(wrong)[0])
    return f"{wrong.sum()} of {wrong.size}, at {where} {made[where]} instead of {wanted[where]}"


def check(numbers: range) -> None:
    """Every kernel of LCE that runs a case gives what the delegate gives."""
    failures = []
    for number in numbers:
        case = grid.draw(number)
        made = run_model(case.model, case.inputs)
        for kernel in case.kernels:
            wanted = run_lce(case.model, kernel, case.inputs)
            if found := difference(made, wanted, case.atol):
                kept = _keep(number, case)
                failures.append(f"{case.name}, LCE's {kernel} kernel: {found}; kept: {kept}")
    assert not failures, "\n".join(failures)


def _keep(number: int, case: grid.Case) -> pathlib.Path:
    """The file and its input in a folder that outlives the test, to run elsewhere."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"lce-grid-{number}-"))
    (folder / "model.tflite").write_bytes(case.model)
    np.save(folder / "input.npy", case.inputs)
    return folder


def test_a_case_that_fails_is_kept_to_run_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "difference", lambda *outputs: "another value")
    with pytest.raises(AssertionError, match="another value; kept: ") as caught:
        check(range(1))
    folder = pathlib.Path(str(caught.value).splitlines()[0].rpartition("kept: ")[2])
    case = grid.draw(0)
    try:
        assert (folder / "model.tflite").read_bytes() == case.model
        np.testing.assert_array_equal(np.load(folder / "input.npy"), case.inputs)
    finally:
        for kept in pathlib.Path(tempfile.gettempdir()).glob("lce-grid-0-*"):
            shutil.rmtree(kept)


@pytest.mark.parametrize("start", range(0, 300, CHUNK))
def test_the_delegate_equals_lce(start: int) -> None:
    check(range(start, start + CHUNK))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(300, 2000, CHUNK))
def test_the_delegate_equals_lce_on_the_rest_of_2000(start: int) -> None:
    check(range(start, start + CHUNK))


def test_the_grid_has_every_kind_of_case() -> None:
    names = [grid.draw(number).name for number in range(300)]
    kinds = ("bconv2d", "quantize", "dequantize", "bmaxpool2d", "chain")
    fields = [
        *(f"'output': '{output}'" for output in ("float32", "int8", "int32")),
        *(f"'activation': {number}" for number in range(4)),
        *(f"'groups': {number}" for number in range(1, 5)),
        *(f"'padding': 0, 'pad_values': {number}" for number in range(2)),
        *(f"'{name}': ({a}, {b})" for name in ("stride", "dilation") for a, b in ((2, 1), (1, 2))),
        *(f"dequantize {dtype}" for dtype in ("float32", "int8", "bool")),
        *(f" quantize {dtype}" for dtype in ("float32", "int8", "bool")),
    ]
    for word in (*(f": {kind} " for kind in kinds), *fields):
        assert any(word in name for name in names), word


def _conv(
    conv: Bconv2d,
    options: Callable[[dict[str, int]], dict[str, int]] = dict,
    *,
    kind: str = "int32",
    depth: int | None = None,
    quantized: bool = True,
    **changed: Any,
) -> bytes:
    """A convolution of 5x5 with constants, options or an input that are not what it needs."""
    writer = LceWriter()
    rng = np.random.default_rng(0)
    constants = grid.draw_constants(rng, conv)
    for name, change in changed.items():
        constants[name] = change(constants[name])
    source = writer.value((1, 5, 5, words(conv.channels_in) if depth is None else depth), kind)
    quantization = (1.0, 0) if conv.output == "int8" and quantized else None
    target = writer.bconv2d(source, conv, constants, quantization, options(conv.options))
    return writer.finish([source], [target])


def _without(name: str) -> bytes:
    return _conv(Bconv2d(), lambda given: {k: v for k, v in given.items() if k != name})


def _one(op: str, source: tuple[Any, str], target: tuple[Any, str], options: Any = b"") -> bytes:
    writer = LceWriter()
    tensors = [writer.value(*source), writer.value(*target)]
    writer.custom(op, tensors[:1], tensors[1:], options)
    return writer.finish(tensors[:1], tensors[1:])


def _pool(
    source: tuple[Any, str] = ((1, 4, 4, 1), "int32"), changed: dict[str, int] | None = None
) -> bytes:
    sizes = ("filter_height", "filter_width", "stride_height", "stride_width")
    options = {**dict.fromkeys(sizes, 2), "padding": SAME, **(changed or {})}
    return _one("LceBMaxPool2d", source, ((1, 2, 2, 1), "int32"), options)


BITS = Bconv2d(output="int32")
WRONG: dict[str, Callable[[], bytes]] = {
    **{f"no {name}": lambda name=name: _without(name) for name in Bconv2d().options},
    "pad_values of 2": lambda: _conv(Bconv2d(), lambda given: {**given, "pad_values": 2}),
    "zero padding, odd channels, int8": lambda: _conv(Bconv2d(33, pad_values=0, output="int8")),
    "zero padding, odd channels, relu": lambda: _conv(Bconv2d(33, pad_values=0, activation=1)),
    "a float input": lambda: _conv(Bconv2d(), kind="float32"),
    "a float filter": lambda: _conv(Bconv2d(), filter=lambda x: x.astype(np.float32)),
    "a filter of rank 3": lambda: _conv(Bconv2d(), filter=lambda x: x[0]),
    "a filter too deep": lambda: _conv(Bconv2d(), filter=lambda x: np.repeat(x, 2, -1)),
    "groups of half a word": lambda: _conv(Bconv2d(48), filter=lambda x: x[..., :1]),
    "outputs that groups do not divide": lambda: _conv(Bconv2d(64, 9, groups=2)),
    "too few thresholds": lambda: _conv(BITS, thresholds=lambda x: x[:-1]),
    "thresholds of rank 2": lambda: _conv(BITS, thresholds=lambda x: x[np.newaxis]),
    "float thresholds": lambda: _conv(BITS, thresholds=lambda x: x.astype(np.float32)),
    "too few multipliers": lambda: _conv(Bconv2d(), multiplier=lambda x: x[:-1]),
    "int multipliers": lambda: _conv(Bconv2d(), multiplier=lambda x: x.astype(np.int32)),
    "too many biases": lambda: _conv(Bconv2d(), bias=lambda x: np.repeat(x, 2)),
    "biases of rank 2": lambda: _conv(Bconv2d(), bias=lambda x: x[np.newaxis]),
    "int biases": lambda: _conv(Bconv2d(), bias=lambda x: x.astype(np.int32)),
    "int8 without a scale": lambda: _conv(Bconv2d(output="int8"), quantized=False),
    "a bool output": lambda: _conv(Bconv2d(output="bool")),
    "quantize of int32": lambda: _one("LceQuantize", ((2, 32), "int32"), ((2, 1), "int32")),
    "quantize to float": lambda: _one("LceQuantize", ((2, 32), "float32"), ((2, 1), "float32")),
    "quantize to another rank": lambda: _one("LceQuantize", ((32,), "float32"), ((1, 1), "int32")),
    "dequantize of float": lambda: _one("LceDequantize", ((2, 1), "float32"), ((2, 9), "float32")),
    "dequantize to int32": lambda: _one("LceDequantize", ((2, 1), "int32"), ((2, 9), "int32")),
    "dequantize to too many": lambda: _one(
        "LceDequantize", ((2, 1), "int32"), ((2, 33), "float32")
    ),
    "dequantize to other rows": lambda: _one(
        "LceDequantize", ((1, 2, 1), "int32"), ((1, 3, 9), "float32")
    ),
    "a pool of floats": lambda: _pool(((1, 4, 4, 1), "float32")),
    "a pool of rank 3": lambda: _pool(((4, 4, 1), "int32")),
    **{
        f"a pool's {name} of 0": lambda name=name: _pool(changed={name: 0})
        for name in ("filter_height", "filter_width", "stride_height", "stride_width")
    },
}


@pytest.mark.parametrize("name", WRONG)
def test_what_lce_refuses_the_delegate_refuses(name: str) -> None:
    model = WRONG[name]()
    for kernel in grid.KERNELS:
        with pytest.raises(RuntimeError):
            open_lce(model, kernel)
    with pytest.raises((RuntimeError, ValueError), match="Lce"):
        Interpreter(model).allocate_tensors()


def test_a_resized_batch_gives_the_rows_of_single_ones() -> None:
    conv = Bconv2d(40, 17, (3, 3), output="int8")
    writer = LceWriter()
    source = writer.value((1, 6, 5, words(40)), "int32")
    constants = grid.draw_constants(np.random.default_rng(1), conv)
    model = writer.finish([source], [writer.bconv2d(source, conv, constants, (0.5, 3))])
    inputs = pack(np.random.default_rng(2).random((4, 6, 5, 40)) < 0.5)
    interpreter = Interpreter(model, num_threads=2)
    for batch in (4, 2, 3):
        interpreter.resize_tensor_input(
            interpreter.get_input_details()[0]["index"], (batch, 6, 5, 2)
        )
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs[:batch])
        interpreter.invoke()
        made = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        rows = [run_lce(model, "default", inputs[i : i + 1])[0] for i in range(batch)]
        np.testing.assert_array_equal(made, rows)
