"""Files that no converter writes, in the stock interpreter: refused, and the process lives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated

from runtime_models import grid
from runtime_models.lce import Bconv2d, LceWriter

schema: Any = schema_py_generated
LARGE, SMALL = (64, 1 << 16), (1, 32)  # values; bits of the larger one are half a megabyte

# A crash of the interpreter would be one of pytest: a process of its own opens the file.
_RUN = """
import sys
from xncaps_runtime import Interpreter
try:
    interpreter = Interpreter(sys.argv[1])
    interpreter.allocate_tensors()
    for _ in range(3):
        interpreter.invoke()
except (RuntimeError, ValueError) as error:
    print("refused:", " ".join(str(error).split()))
else:
    print("ran")
"""


def _two_producers() -> bytes:
    """One tensor of two nodes: prepared for the large one, its memory has the small one's size."""
    writer = LceWriter()
    constant = writer.constant("large", np.ones(LARGE, np.float32))
    writer.shapes[constant] = LARGE
    small = writer.value(SMALL, "float32")
    bits = writer.quantize(constant)
    writer.custom("LceQuantize", [small], [bits], b"")
    return writer.finish([small], [bits])


def _output_is_constant() -> bytes:
    """A write to memory of the file, which may be mapped read-only."""
    writer = LceWriter()
    source = writer.value(SMALL, "float32")
    constant = writer.constant("constant", np.zeros((1, 1), np.int32))
    writer.custom("LceQuantize", [source], [constant], b"")
    return writer.finish([source], [constant])


def _output_is_input() -> bytes:
    """Bits to floats in place: each value is 32 times as large as what it is made of."""
    writer = LceWriter()
    both = writer.value((64, 2048), "int32")
    writer.custom("LceDequantize", [both], [both], b"")
    return writer.finish([both], [both])


def _cycle() -> bytes:
    """The second node writes what the first one reads."""
    writer = LceWriter()
    source = writer.value(SMALL, "float32")
    bits = writer.quantize(source)
    writer.custom("LceDequantize", [bits], [source], b"")
    return writer.finish([source], [source])


def _reader_of_a_tensor_that_shrinks() -> bytes:
    """A built-in op behind ours, fed by it, makes our input anew: ours was prepared for more."""
    writer = LceWriter()
    source, both = (writer.value(LARGE, "float32") for _ in range(2))
    writer.builtin(schema.BuiltinOperator.SIN, [source], [both])
    bits = writer.quantize(both)
    fewer = writer.value(writer.shapes[bits], "float32")
    writer.builtin(schema.BuiltinOperator.CAST, [bits], [fewer])
    writer.builtin(schema.BuiltinOperator.SIN, [fewer], [both])
    return writer.finish([source], [bits, both])


def _extreme_dilation() -> bytes:
    """A filter whose rows lie so far apart that all rows between would take gigabytes."""
    conv = Bconv2d(dilation=(1 << 26, 1))
    writer = LceWriter()
    source = writer.value((1, 3, 3, 1), "int32")
    constants = grid.draw_constants(np.random.default_rng(1), conv)
    return writer.finish([source], [writer.bconv2d(source, conv, constants)])


REFUSED: dict[Callable[[], bytes], str] = {
    _two_producers: "LceQuantize (node 0): expected output 0 't2' to be made by one node",
    _output_is_constant: "LceQuantize (node 0): expected output 0 'constant' not to be a constant",
    _output_is_input: "LceDequantize (node 0): expected output 0 't0' not to be an input",
    _reader_of_a_tensor_that_shrinks: "LceQuantize (node 1): expected input 0 't1' to be made by",
    _extreme_dilation: "LceBconv2d (node 0): expected padded rows under the dilated filter, all "
    "that one output row needs, of at most 67108864 bytes. Received: more, for an input of 3 x 3.",
    _cycle: "LceDequantize (node 1): expected output 0 't0' not to be an input",
}


def _open(file: Path) -> tuple[int, str]:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _RUN, str(file)], capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__.strip("_"))
def test_it_is_refused_and_the_process_lives(make: Callable[[], bytes], tmp_path: Path) -> None:
    file = tmp_path / "hostile.tflite"
    file.write_bytes(make())
    code, said = _open(file)
    assert code == 0, said
    assert "refused:" in said
    assert REFUSED[make] in said
