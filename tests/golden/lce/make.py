"""Makes cases.npz: small files of LCE's ops and what LCE's own interpreter gives for them.

    python tests/golden/lce/make.py

It is what test_lce_golden.py compares with where larq-compute-engine does not exist (aarch64).
"""

from __future__ import annotations

import pathlib
import sys

import numpy as np
from larq_compute_engine.tflite.python.interpreter import Interpreter

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from runtime_models import grid  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
NUMBERS = (*range(0, 20), 22, 24, 25, 31, 33)


def main() -> None:
    content: dict[str, np.ndarray] = {}
    for number in NUMBERS:
        case = grid.draw(number)
        kernel = case.kernels[0]
        interpreter = Interpreter(
            case.model,
            use_indirect_bgemm=kernel == "indirect",
            use_reference_bconv=kernel == "reference",
        )
        content[f"{number}.name"] = np.array(case.name)
        content[f"{number}.model"] = np.frombuffer(case.model, np.uint8)
        content[f"{number}.inputs"] = case.inputs
        content[f"{number}.outputs"] = interpreter.interpreter.predict([case.inputs])[0]
        content[f"{number}.atol"] = np.array(case.atol)
    np.savez_compressed(HERE / "cases.npz", **content)


if __name__ == "__main__":
    main()
