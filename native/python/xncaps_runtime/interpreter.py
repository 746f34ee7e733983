"""ai_edge_litert's interpreter with the delegate loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ai_edge_litert import interpreter as litert

from xncaps_runtime._arguments import check_threads
from xncaps_runtime._library import delegate_path
from xncaps_runtime.errors import RuntimeLibraryError


class _Delegate(litert.Delegate):
    """litert's own, whose end needs modules that Python may have cleared when the process ends."""

    def __del__(self, _is_ending: Callable[[], bool] = sys.is_finalizing) -> None:
        if hasattr(self, "_library") and not _is_ending():
            super().__del__()


def load_delegate(
    *,
    num_threads: int | None = None,
    isa: str | None = None,
    verbose: bool = False,
    keep_builtins: bool = False,
) -> Any:
    """The delegate, to be given to an interpreter as one of `experimental_delegates`.

    Args:
        num_threads: 1 to 64; None: as many as the interpreter recommends.
        isa: "scalar", "avx2", "avx512" or "neon"; None: XNCAPS_ISA, else the best of this machine.
        verbose: says on stderr what was claimed and which kernels run.
        keep_builtins: the host does all built-in ops, none is done along with ours.

    Raises:
        RuntimeLibraryError: no library, or an option that it refuses (the message says which).
    """
    options = {"verbose": str(int(verbose)), "keep_builtins": str(int(keep_builtins))}
    if num_threads is not None:
        options["num_threads"] = str(num_threads)
    if isa is not None:
        options["isa"] = isa
    path = delegate_path()
    try:
        return _Delegate(path, options)
    except (ValueError, OSError) as error:
        raise RuntimeLibraryError(" ".join(str(error).split())) from error


class Interpreter(litert.Interpreter):
    """Loads a .tflite file that may hold XnCaps and LCE ops.

    The methods are those of `ai_edge_litert.interpreter.Interpreter`; `allocate_tensors()` must
    be called before use, as there.

    Examples:
        >>> interpreter = Interpreter("model.tflite", num_threads=2)
        >>> interpreter.allocate_tensors()

    Args:
        model: path of a file, or its content as bytes.
        num_threads: threads of the interpreter and of the delegate, 1 or more.
        isa: see `load_delegate`.
        verbose: see `load_delegate`.
        experimental_delegates: further delegates, after ours.
        **options: anything else that ai_edge_litert's interpreter takes.

    Raises:
        RuntimeLibraryError: see `load_delegate`.
        ValueError: the file is not a TFLite model.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes,
        num_threads: int = 1,
        *,
        isa: str | None = None,
        verbose: bool = False,
        experimental_delegates: Sequence[Any] | None = None,
        **options: Any,
    ) -> None:
        check_threads("Interpreter", num_threads)
        delegate = load_delegate(num_threads=num_threads, isa=isa, verbose=verbose)
        is_bytes = isinstance(model, (bytes, bytearray, memoryview))
        super().__init__(
            model_path=None if is_bytes else os.fspath(model),  # type: ignore[arg-type]
            model_content=bytes(model) if is_bytes else None,  # type: ignore[arg-type]
            num_threads=num_threads,
            experimental_delegates=[delegate, *(experimental_delegates or ())],
            **options,
        )
