"""Libraries for Android by Debian's gcc alone: no NDK, no C++ runtime.

They are linked against stubs that have bionic's symbols and nothing else, so what bionic lacks is
an error of the linker; gates.check_library looks at the result again.
"""

from __future__ import annotations

import hashlib
import pathlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from xncaps_android import gates
from xncaps_android.commands import BuildError, java_home, run
from xncaps_android.folders import ANDROID, BUILD, ROOT, fresh, locked
from xncaps_android.versions import versions

NATIVE = ROOT / "native"
BRIDGE = ANDROID / "delegate/src/main/cpp"
AFFINITY = ANDROID / "app/src/main/cpp"
CRT = ANDROID / "crt/crtbegin_so.cc"

_PREFIX = {"arm64-v8a": "aarch64-linux-gnu-", "x86_64": ""}
_ISAS = {"arm64-v8a": ("neon",), "x86_64": ("avx2", "avx512")}
_ARCH = {
    "arm64-v8a": ["-march=armv8-a", "-mno-outline-atomics"],
    "x86_64": ["-march=x86-64", "-msse4.2", "-mpopcnt", "-fcf-protection=none", "-fno-plt"],
}
_FLAGS = """-std=c++17 -O2 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti
    -fno-threadsafe-statics -fno-math-errno -fno-stack-protector -U_FORTIFY_SOURCE
    -D_FORTIFY_SOURCE=0 -fno-unwind-tables -fno-asynchronous-unwind-tables -ffunction-sections
    -fdata-sections -Wall -Wextra -Wno-unused-function -Werror -DXNCAPS_ANDROID""".split()
_LINK = """-shared -nostdlib -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--no-undefined
    -Wl,--gc-sections -Wl,--hash-style=both -Wl,--build-id=sha1 -Wl,-s -Wl,--as-needed""".split()


@dataclass(frozen=True)
class _Library:
    name: str
    sources: tuple[pathlib.Path, ...]


def build(abi: str, *, app: bool = True) -> list[pathlib.Path]:
    """The libraries of ours for an ABI: the delegate and, for the app, the affinity call."""
    libraries = [_Library(gates.DELEGATE, _delegate_sources(abi))]
    if app:
        libraries.append(_Library(gates.AFFINITY, (AFFINITY / "affinity.cc",)))
    with locked("native"):
        return [_build(abi, library) for library in libraries]


def _delegate_sources(abi: str) -> tuple[pathlib.Path, ...]:
    others = {isa for isas in _ISAS.values() for isa in isas} - set(_ISAS[abi])
    found = [
        file
        for folder in (NATIVE / "kernels", NATIVE / "delegate")
        for file in sorted(folder.glob("*.cc"))
        if file.stem.rpartition("_")[2] not in others
    ]
    return (*found, BRIDGE / "xncaps_jni.cc", CRT)


def _build(abi: str, library: _Library) -> pathlib.Path:
    out = BUILD / "native" / abi / library.name
    stamp = out.with_suffix(".stamp")
    key = _key(abi, library)
    if out.exists() and stamp.exists() and stamp.read_text() == key:
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    work = fresh(BUILD / "native" / abi / (library.name + ".work"))
    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(lambda file: _compile(abi, file, work), library.sources))
    page = versions()["pageSize"]
    run([
        _PREFIX[abi] + "gcc", *_LINK, f"-Wl,-soname,{library.name}",
        f"-Wl,-z,max-page-size={page}", f"-Wl,-z,common-page-size={page}",
        *objects, f"-L{_stubs(abi, work)}", "-llog", "-lm", "-lc", "-o", out,
    ])  # fmt: skip
    gates.check_library(out)
    stamp.write_text(key)
    return out


def _key(abi: str, library: _Library) -> str:
    """A hash of everything that the library is made of."""
    digest = hashlib.sha256(repr((abi, _FLAGS, _ARCH, _LINK, gates.BIONIC)).encode())
    folders = (NATIVE / "kernels", NATIVE / "delegate", NATIVE / "include", BRIDGE)
    files = {file for folder in folders for file in folder.rglob("*") if file.is_file()}
    for file in sorted(files | set(library.sources) | {NATIVE / "pyproject.toml"}):
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _compile(abi: str, source: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    out = work / (source.stem + ".o")
    includes = [NATIVE, NATIVE / "include", BRIDGE / "include",
                java_home() / "include", java_home() / "include/linux"]  # fmt: skip
    run([
        _PREFIX[abi] + "g++", *_FLAGS, *_ARCH[abi], *_isa_flags(source),
        f'-DXNCAPS_VERSION="{native_version()}"', f"-ffile-prefix-map={ROOT}=.",
        *[f"-I{folder}" for folder in includes], "-c", source, "-o", out,
    ])  # fmt: skip
    return out


def _isa_flags(source: pathlib.Path) -> list[str]:
    """The flags that native/kernels/CMakeLists.txt gives this file's instruction set."""
    isa = source.stem.rpartition("_")[2]
    text = (NATIVE / "kernels/CMakeLists.txt").read_text(encoding="utf-8")
    found = re.search(
        rf"set_source_files_properties\(\$\{{{isa}_sources\}} PROPERTIES COMPILE_OPTIONS "
        r'"([^"]+)"',
        text,
    )
    flags = found.group(1).split(";") if found else []
    return [_value(flag, text) for flag in flags]


def _value(flag: str, cmake: str) -> str:
    """A flag, or what a variable of that CMakeLists.txt holds when no sanitizer is on."""
    name = re.fullmatch(r"\$\{(\w+)\}", flag)
    if name is None:
        return flag
    found = re.search(rf"set\({name.group(1)} (?:\$<IF:.*,)?([\w-]+)>?\)", cmake)
    if found is None:
        raise BuildError(f"native/kernels/CMakeLists.txt: expected set({name.group(1)} ...)")
    return found.group(1)


def native_version() -> str:
    text = (NATIVE / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise BuildError("native/pyproject.toml: expected a version")
    return found.group(1)


def _stubs(abi: str, work: pathlib.Path) -> pathlib.Path:
    """libc, libm and liblog with bionic's symbols and no code."""
    folder = fresh(work / "stubs")
    for name, symbols in gates.BIONIC.items():
        source = folder / (name + ".c")
        source.write_text("".join(f"void {symbol}(void) {{}}\n" for symbol in symbols))
        run([
            _PREFIX[abi] + "gcc", "-shared", "-nostdlib", "-fno-builtin", "-fPIC", "-w",
            f"-Wl,-soname,{name}", source, "-o", folder / name,
        ])  # fmt: skip
    return folder
