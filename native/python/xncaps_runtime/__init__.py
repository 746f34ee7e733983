"""Runs capsule networks with one-bit layers on stock TFLite: an interpreter with the delegate.

Needs numpy, Pillow and ai-edge-litert; no TensorFlow.
"""

from __future__ import annotations

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
