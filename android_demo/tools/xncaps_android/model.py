"""Looks into a .tflite file, without TensorFlow: is it one, and would the app's runtime run it?"""

from __future__ import annotations

import pathlib
import re
import sys

from xncaps_android.common import ANDROID, ROOT, BuildError

sys.path.append(str(ROOT / "files"))  # of this checkout; what is imported of it needs no package
from xncaps_files.errors import DataError  # noqa: E402
from xncaps_files.flatbuffer import Source  # noqa: E402
from xncaps_files.op_codes import IDENTIFIER, operator_codes  # noqa: E402

_OPS_SOURCE = ANDROID / "core/src/main/java/org/xncaps/core/Ops.java"


def check(file: pathlib.Path) -> list[str]:
    """The delegate's ops that the model has; BuildError if the app cannot run it."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BuildError(f"{file}: {error.strerror}") from None
    try:
        codes = operator_codes(Source(data, "TensorFlow Lite model").root(IDENTIFIER, "model"))
    except DataError as error:
        raise BuildError(f"{file}: {error}") from None
    last, delegated = known_ops()
    refused = sorted(
        code.name
        for code in set(codes)
        if (code.is_custom and code.name not in delegated) or code.number > last
    )
    if refused:
        raise BuildError(
            f"{file}: the app's runtime (TensorFlow Lite 2.16 with the xncaps delegate) refuses "
            f"{', '.join(refused)}; convert with --to float, fused or lce"
        )
    return sorted({code.name for code in codes if code.is_custom})


def known_ops() -> tuple[int, set[str]]:
    """The last built-in op and the delegate's ops, as the app's own source has them."""
    source = _OPS_SOURCE.read_text(encoding="utf-8")
    found = re.search(r"LAST_BUILTIN = (\d+);", source)
    if found is None:
        raise BuildError(f"{_OPS_SOURCE}: expected LAST_BUILTIN = N;")
    return int(found.group(1)), set(re.findall(r'case "(\w+)":', source))
