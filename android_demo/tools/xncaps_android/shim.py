"""A stand-in for bionic, so that Android's own libraries run on Linux, in tests alone.

Android's libtensorflowlite_jni.so asks for libc.so, libm.so, libdl.so and liblog.so with symbols of
version LIBC. The shim has libraries of those names: each function jumps to glibc's, but for those
whose types or numbers differ between bionic and glibc (shim/*.c).
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
import subprocess

from xncaps_android import artifacts, native
from xncaps_android.commands import BuildError, run
from xncaps_android.folders import ANDROID, BUILD, fresh, locked

SOURCES = ANDROID / "shim"
_COMPILER = {"x86_64": "gcc", "arm64-v8a": "aarch64-linux-gnu-gcc"}
_JUMP = {"x86_64": "jmp *{name}@GOTPCREL(%rip)", "arm64-v8a": "b {name}"}
_OWN = re.compile(r"\bOWN\((\w+)\)")


def build(abi: str) -> pathlib.Path:
    """Builds the shim of an ABI in build/shim/ABI, unless it is there; returns that folder."""
    artifacts.fetch()
    with locked("shim"):
        return _build(abi)


def _build(abi: str) -> pathlib.Path:
    out = BUILD / "shim" / abi
    stamp, key = out / "stamp", _key(abi)
    if stamp.exists() and stamp.read_text() == key:
        return out
    fresh(out)
    needed = _undefined(artifacts.JNI / abi / "libtensorflowlite_jni.so")
    own_files = [SOURCES / "bionic.c"] + (
        [SOURCES / "bionic_arm64.c"] if abi == "arm64-v8a" else []
    )
    own = {name for file in own_files for name in _OWN.findall(file.read_text(encoding="utf-8"))}
    forwarded = sorted(needed - own - {"__stack_chk_guard"})
    (out / "forward.s").write_text(_forwarders(abi, forwarded), encoding="utf-8")
    compiler = [_COMPILER[abi], "-shared", "-fPIC", "-O1", "-fno-builtin", "-fno-stack-protector"]
    run([*compiler, out / "forward.s", *own_files, "-Wl,-soname,libc.so",
         f"-Wl,--version-script={SOURCES / 'libc.map'}", "-o", out / "libc.so",
         "-lm", "-ldl", "-lpthread"])  # fmt: skip
    for name in ("m", "dl"):
        stub = out / f"{name}.c"
        stub.write_text(f"void xncaps_shim_{name}(void) {{}}\n", encoding="utf-8")
        run([*compiler, stub, f"-Wl,-soname,lib{name}.so",
             f"-Wl,--version-script={SOURCES / 'stub.map'}", "-Wl,--no-as-needed", f"-L{out}",
             "-l:libc.so", "-o", out / f"lib{name}.so"])  # fmt: skip
    run([*compiler, SOURCES / "log.c", "-Wl,-soname,liblog.so", "-o", out / "liblog.so"])
    runner = [_COMPILER[abi], "-O1", "-Wall", "-Wextra", "-Werror", SOURCES / "run_model.c"]
    run([*runner, "-o", out / "run_model", "-ldl"])
    stamp.write_text(key)
    return out


def _key(abi: str) -> str:
    """A hash of everything that the shim is made of."""
    runtime = artifacts.JNI / abi / "libtensorflowlite_jni.so"
    files = [*sorted(SOURCES.iterdir()), pathlib.Path(__file__), runtime]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def run_model(
    abi: str, model: pathlib.Path, inputs: bytes, *, delegate: bool = True, threads: int = 1
) -> bytes:
    """Outputs of a model by Android's runtime for this ABI; arm64 runs under qemu."""
    shim = build(abi)
    libraries = native.build(abi, app=False)
    environment = {**os.environ, "LD_LIBRARY_PATH": str(shim)}
    command: list[str | pathlib.Path] = []
    if abi == "arm64-v8a":  # the cross compiler's libc is all the system that it needs
        command = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu",
                   "-E", f"LD_LIBRARY_PATH={shim}"]  # fmt: skip
        environment = dict(os.environ)
    command += [
        shim / "run_model", artifacts.JNI / abi / "libtensorflowlite_jni.so",
        libraries[0] if delegate else "-", model, str(threads),
    ]  # fmt: skip
    done = subprocess.run([str(w) for w in command], input=inputs, capture_output=True,
                          env=environment, timeout=300)  # fmt: skip
    if done.returncode != 0:
        raise BuildError(f"run_model ({abi}): {done.stderr.decode(errors='replace')[-400:]}")
    return done.stdout


def _undefined(library: pathlib.Path) -> set[str]:
    """Names the library wants from bionic (version LIBC)."""
    lines = run(["readelf", "-W", "--dyn-syms", library]).splitlines()
    names = {
        words[7].split("@")[0]
        for words in map(str.split, lines)
        if len(words) > 7 and words[6] == "UND" and "@LIBC" in words[7]
    }
    if not names:
        raise BuildError(f"{library.name}: expected symbols of version LIBC")
    return names


def _forwarders(abi: str, names: list[str]) -> str:
    lines = [".text"]
    kind = "@function" if abi == "x86_64" else "%function"
    for name in names:
        lines += [f".globl shim_{name}", f".type shim_{name},{kind}",
                  f"shim_{name}: " + _JUMP[abi].format(name=name),
                  f".symver shim_{name}, {name}@LIBC"]  # fmt: skip
    note = '.section .note.GNU-stack,"",' + ("@progbits" if abi == "x86_64" else "%progbits")
    return "\n".join([*lines, note, ""])
