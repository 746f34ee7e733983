"""The messages that docs/errors.md quotes are those that come."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
from typing import Any

import pytest

import pages


@pytest.fixture(scope="module")
def page(root: pathlib.Path) -> str:
    return (root / "docs" / "errors.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lce_file() -> bytes:
    from xncaps_converters import convert_lce
    from xncaps_tf import models

    return convert_lce(models.build("small_cnn", "xnodr", (8, 8, 1), 10, seed=0))


def test_a_stock_interpreter_and_our_delegate(page: str, lce_file: bytes) -> None:
    from ai_edge_litert.interpreter import Interpreter as Stock

    from xncaps_runtime import Interpreter

    with pytest.raises(
        RuntimeError, match="Encountered unresolved custom op: LceQuantize."
    ) as told:
        Stock(model_content=lce_file).allocate_tensors()
    assert "Encountered unresolved custom op: LceQuantize." in page
    assert told.value
    Interpreter(lce_file).allocate_tensors()


def test_lce_refuses_groups_with_its_default_kernel(page: str, lce_file: bytes) -> None:
    # In a process of its own: LCE writes the reason to descriptor 2.
    program = (
        "import sys, numpy as np\n"
        "from larq_compute_engine.tflite.python.interpreter import Interpreter\n"
        "Interpreter(open(sys.argv[1], 'rb').read())"
        ".predict(np.zeros((1, 8, 8, 1), np.float32))\n"
    )
    message = "Grouped binary convolutions are not supported with this kernel"
    assert message in page
    done = _run(program, lce_file)
    assert done.returncode and message in done.stderr
    done = _run(program.replace(".read())", ".read(), use_indirect_bgemm=True)"), lce_file)
    assert done.returncode == 0, done.stderr


def test_larq_with_keras_3_names_no_cause(page: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    done = subprocess.run(
        [sys.executable, "-c", "import tensorflow, larq"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode
    told = re.search(r"has no attribute '\w+'", done.stderr)
    assert told and told.group(0) in page, done.stderr[-500:]
    fixed = subprocess.run(
        [sys.executable, "-c", "import xncaps_tf, tensorflow, larq"], env=environment, timeout=120
    )
    assert fixed.returncode == 0


def test_a_binary_dense_layer_is_refused_by_its_name(page: str) -> None:
    import larq

    from xncaps_converters import convert_lce
    from xncaps_tf._keras import keras
    from xncaps_tf.errors import ConversionError

    model: Any = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            larq.layers.QuantDense(
                10, input_quantizer="ste_sign", kernel_quantizer="ste_sign", name="bits"
            ),
        ]
    )
    quoted = pages.block_after(page, "refuses such a model")
    with pytest.raises(ConversionError, match=re.escape(quoted)) as told:
        convert_lce(model)
    assert "bits" in str(told.value)
    assert convert_lce(model, allow_float=True)


def _run(program: str, data: bytes) -> subprocess.CompletedProcess[str]:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(data)
        file.flush()
        return subprocess.run(
            [sys.executable, "-c", program, file.name], capture_output=True, text=True, timeout=120
        )
