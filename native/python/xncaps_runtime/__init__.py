"""Runs capsule networks with one-bit layers on stock TFLite: an interpreter with the delegate.

Needs numpy, Pillow and ai-edge-litert; no TensorFlow. Importing the package loads none of them:
the names below are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xncaps_files.lazy import attach

if TYPE_CHECKING:
    from xncaps_runtime._library import delegate_path, info
    from xncaps_runtime.classifier import Classifier, Ranking
    from xncaps_runtime.compiled import CompiledInterpreter, litert_environment
    from xncaps_runtime.errors import RuntimeLibraryError
    from xncaps_runtime.interpreter import Interpreter, load_delegate

__all__ = [
    "Classifier",
    "CompiledInterpreter",
    "Interpreter",
    "Ranking",
    "RuntimeLibraryError",
    "delegate_path",
    "info",
    "litert_environment",
    "load_delegate",
]
_LAZY = {
    "Classifier": "classifier",
    "CompiledInterpreter": "compiled",
    "Interpreter": "interpreter",
    "Ranking": "classifier",
    "RuntimeLibraryError": "errors",
    "delegate_path": "_library",
    "info": "_library",
    "litert_environment": "compiled",
    "load_delegate": "interpreter",
}
__getattr__ = attach(__name__, _LAZY)


def __dir__() -> list[str]:
    return sorted(__all__)
