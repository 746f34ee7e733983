"""Measure TFLite models on this machine, a board or a phone.

    >>> from xncaps_benchmark import measure, write_report
    >>> result = measure(["model.tflite"], runs=20, warm_up=0.1)
    >>> write_report([result], "page.html")

Importing the package loads nothing else: numpy, jsonschema and the runtimes come with their use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xncaps_files.lazy import attach

if TYPE_CHECKING:
    from xncaps_benchmark.measuring import measure
    from xncaps_benchmark.report import write_report
    from xncaps_benchmark.results import read_result, write_result

__version__ = "0.1.0"
__all__ = ["__version__", "measure", "read_result", "write_report", "write_result"]

__getattr__ = attach(
    __name__,
    {
        "measure": "measuring",
        "write_report": "report",
        "read_result": "results",
        "write_result": "results",
    },
)
