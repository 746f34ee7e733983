"""Looks into a .tflite file, without TensorFlow: is it one, and would the app's runtime run it?"""

from __future__ import annotations

import pathlib
import re
import struct

from xncaps_android.common import ANDROID, BuildError

_CUSTOM = 32
_NAMES = {206: "STABLEHLO_COMPOSITE"}
_OPS_SOURCE = ANDROID / "core/src/main/java/org/xncaps/core/Ops.java"


def check(file: pathlib.Path) -> list[str]:
    """The delegate's ops that the model has; BuildError if the app cannot run it."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BuildError(f"{file}: {error.strerror}") from None
    if len(data) < 24 or data[4:8] != b"TFL3":
        raise BuildError(f"{file}: expected a TensorFlow Lite model (TFL3), got something else")
    try:
        codes = operator_codes(data)
    except (struct.error, UnicodeDecodeError, IndexError):
        raise BuildError(f"{file}: damaged or cut short") from None
    last, delegated = known_ops()
    refused = sorted(
        {name for code, name in codes if code == _CUSTOM and name not in delegated}
        | {_NAMES.get(code, f"built-in op {code}") for code, _ in codes if code > last}
    )
    if refused:
        raise BuildError(
            f"{file}: the app's runtime (TensorFlow Lite 2.16 with the xncaps delegate) refuses "
            f"{', '.join(refused)}; convert with --to float, fused or lce"
        )
    return sorted({name for code, name in codes if code == _CUSTOM})


def known_ops() -> tuple[int, set[str]]:
    """The last built-in op and the delegate's ops, as the app's own source has them."""
    source = _OPS_SOURCE.read_text(encoding="utf-8")
    found = re.search(r"LAST_BUILTIN = (\d+);", source)
    if found is None:
        raise BuildError(f"{_OPS_SOURCE}: expected LAST_BUILTIN = N;")
    return int(found.group(1)), set(re.findall(r'case "(\w+)":', source))


def operator_codes(data: bytes) -> list[tuple[int, str]]:
    """(builtin code, custom name) of each operator code; struct.error where the file is damaged."""
    root = _u32(data, 0)
    vector = _field(data, root, 1)
    if vector is None:
        return []
    vector += _u32(data, vector)
    return [_code(data, vector + 4 + 4 * i) for i in range(_u32(data, vector))]


def _code(data: bytes, at: int) -> tuple[int, str]:
    table = at + _u32(data, at)
    old, custom, new = (_field(data, table, index) for index in (0, 1, 3))
    code = max(
        0 if old is None else struct.unpack_from("<b", data, old)[0],
        0 if new is None else struct.unpack_from("<i", data, new)[0],
    )
    if custom is None:
        return code, ""
    text = custom + _u32(data, custom)
    return code, data[text + 4 : text + 4 + _u32(data, text)].decode()


def _field(data: bytes, table: int, index: int) -> int | None:
    vtable = table - struct.unpack_from("<i", data, table)[0]
    slot = 4 + 2 * index
    if vtable < 0 or slot >= struct.unpack_from("<H", data, vtable)[0]:
        return None
    offset = struct.unpack_from("<H", data, vtable + slot)[0]
    return table + offset if offset else None


def _u32(data: bytes, at: int) -> int:
    return struct.unpack_from("<I", data, at)[0]
