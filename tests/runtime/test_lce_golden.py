"""LCE's ops by the delegate in stock runtimes against stored results of LCE's interpreter.

Runs on every machine. `python tests/golden/lce/make.py` made them.
"""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "lce" / "cases.npz"


def _cases() -> dict[str, dict[str, np.ndarray]]:
    cases: dict[str, dict[str, np.ndarray]] = {}
    with np.load(GOLDEN, allow_pickle=False) as archive:
        for key in archive.files:
            number, name = key.split(".")
            cases.setdefault(number, {})[name] = archive[key]
    return cases


CASES = _cases()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("number", CASES)
def test_outputs_are_those_of_lce(stock: Any, number: str, threads: int) -> None:
    case = CASES[number]
    made = stock.run(stock.open(case["model"].tobytes(), threads), case["inputs"])
    wanted = case["outputs"]
    assert made.dtype == wanted.dtype
    if made.dtype == np.float32:
        np.testing.assert_allclose(
            made, wanted, rtol=1e-5, atol=float(case["atol"]), err_msg=str(case["name"])
        )
    else:
        np.testing.assert_array_equal(made, wanted, err_msg=str(case["name"]))


def test_every_op_is_among_the_cases() -> None:
    names = [str(case["name"]) for case in CASES.values()]
    kinds = ("bconv2d", "quantize", "dequantize", "bmaxpool2d", "chain")
    for word in (*(f": {kind} " for kind in kinds), "'int8'", "'int32'", "'groups': 2"):
        assert any(word in name for name in names), word
