"""The delegate's shared library: where it lies and what it says of itself."""

from __future__ import annotations

import ctypes
import functools
import sys
from pathlib import Path

from xncaps_files import releases
from xncaps_runtime.errors import RuntimeLibraryError

_NAME = "libxncaps_delegate" + (".dylib" if sys.platform == "darwin" else ".so")


def delegate_path() -> str:
    """Path of the shared library, for any TFLite that loads external delegates.

    Raises:
        RuntimeLibraryError: the package was not installed with its library.
    """
    for folder in _folders():
        if (folder / _NAME).is_file():
            return str(folder / _NAME)
    raise RuntimeLibraryError(
        f"xncaps_runtime: expected {_NAME} beside {Path(__file__).parent}. Received: no such file. "
        "Install the package with pip, which builds it."
    )


def _folders() -> list[Path]:
    import xncaps_runtime

    # An editable install keeps sources and built files apart: both are on the package's path.
    return [Path(__file__).parent, *(Path(entry) for entry in xncaps_runtime.__path__)]


@functools.cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(delegate_path())
    except OSError as error:
        raise RuntimeLibraryError(f"xncaps_runtime: {error}") from error
    library.XncapsVersion.restype = ctypes.c_char_p
    library.XncapsIsa.restype = ctypes.c_char_p
    found = library.XncapsVersion().decode()
    if releases.is_other("xncaps-runtime", found):
        raise RuntimeLibraryError(
            f"xncaps_runtime: expected {_NAME} of the package's own version. Received: {found}, at "
            f"{delegate_path()}; install xncaps-runtime anew."
        )
    return library


def info() -> dict[str, str]:
    """`version` and `path` of the library and the instruction set (`isa`) whose kernels it runs.

    Raises:
        RuntimeLibraryError: no library, or XNCAPS_ISA names what this machine or build lacks.
    """
    library = _library()
    isa = library.XncapsIsa()
    if isa is None:
        raise RuntimeLibraryError(
            "xncaps_runtime: XNCAPS_ISA names an instruction set that is not available here. "
            "Expected: unset, scalar, avx2 or avx512 (x86-64) or neon (aarch64)."
        )
    return {
        "version": library.XncapsVersion().decode(),
        "isa": isa.decode(),
        "path": delegate_path(),
    }
