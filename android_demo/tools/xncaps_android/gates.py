"""What must hold of a built APK or library before anyone gets it."""

from __future__ import annotations

import pathlib
import re
import tempfile
import zipfile

from xncaps_android import runtimes
from xncaps_android.commands import BuildError, run
from xncaps_android.versions import abis, versions

RUNTIME = runtimes.LIBRARY
DELEGATE = "libxncaps_delegate.so"
AFFINITY = "libxncaps_affinity.so"
OURS = (DELEGATE, AFFINITY)

# What bionic's libc, libm and liblog of API 26 give and the delegate may use.
BIONIC = {
    "libc.so": """
        malloc calloc realloc free posix_memalign memcpy memmove memset memcmp memchr strlen
        strcmp strncmp strchr strrchr strstr strtol strtoul getenv snprintf vsnprintf
        fprintf vfprintf fwrite fputc fputs abort getauxval __errno stderr sched_yield
        sched_setaffinity nanosleep clock_gettime pthread_create pthread_join
        pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock pthread_mutex_trylock
        pthread_mutex_unlock pthread_cond_init pthread_cond_destroy pthread_cond_wait
        pthread_cond_signal pthread_cond_broadcast pthread_once pthread_self
        pthread_key_create pthread_getspecific pthread_setspecific
        __register_atfork __cxa_finalize
    """.split(),
    "libm.so": "expf exp sqrtf sqrt roundf round lrintf lrint floorf floor ceilf nearbyintf rintf"
    " fabsf fmaf fmaxf fminf logf powf ldexpf".split(),
    "liblog.so": ["__android_log_print", "__android_log_write", "__android_log_vprint"],
}


def check_apk(apk: pathlib.Path, most_bytes: int | None = None) -> list[str]:
    """Size, signature, alignment, dex, badging, libraries of an APK; a line each, or BuildError."""
    size = apk.stat().st_size
    if most_bytes is not None and size > most_bytes:
        raise BuildError(f"{apk.name}: expected at most {most_bytes:,} bytes, got {size:,}")
    _attempt(["zipalign", "-c", "4", apk], f"{apk.name}: expected entries aligned to 4 bytes")
    schemes = _signature(apk)
    badging = _badging(run(["aapt2", "dump", "badging", apk]))
    with zipfile.ZipFile(apk) as archive, tempfile.TemporaryDirectory() as folder:
        dex = _dex(archive, pathlib.Path(folder))
        libraries = _libraries(archive, pathlib.Path(folder))
        pages = _pages(archive, pathlib.Path(folder))
    return [
        f"signature: {', '.join(schemes)}",
        dex,
        *badging,
        f"libraries: {', '.join(libraries)} need bionic alone",
        *pages,
        f"size: {size:,} bytes",
    ]


def _attempt(command: list[str | pathlib.Path], expected: str) -> str:
    """What a command prints; where it fails, what was expected comes first."""
    try:
        return run(command)
    except BuildError as error:
        raise BuildError(f"{expected}; {error}") from None


def _signature(apk: pathlib.Path) -> list[str]:
    verified = _attempt(
        ["apksigner", "verify", "--verbose", apk], f"{apk.name}: expected a signature that verifies"
    )
    schemes = re.findall(r"Verified using (v\d(?:\.\d)?) scheme.*: true", verified)
    if "v2" not in schemes or "v3" not in schemes:
        raise BuildError(f"{apk.name}: expected signatures v2 and v3, got {schemes}")
    return schemes


def _dex(archive: zipfile.ZipFile, folder: pathlib.Path) -> str:
    names = [name for name in archive.namelist() if name.endswith(".dex")]
    if names != ["classes.dex"]:
        raise BuildError(f"expected one classes.dex, got {names}")
    code = pathlib.Path(archive.extract(names[0], folder))
    if "invoke-custom" in _attempt(["dexdump", "-d", code], "classes.dex: expected Android code"):
        raise BuildError("classes.dex: expected no invoke-custom (a lambda was not desugared)")
    return f"classes.dex: {code.read_bytes()[4:7].decode()}, no invoke-custom"


def _libraries(archive: zipfile.ZipFile, folder: pathlib.Path) -> list[str]:
    """Names of our own libraries, which every ABI has; TensorFlow Lite's are as they come."""
    for abi in abis():
        for name in (RUNTIME, *OURS):
            entry = f"lib/{abi}/{name}"
            if entry not in archive.namelist():
                raise BuildError(f"expected {entry} in the APK")
            if name in OURS:
                check_library(pathlib.Path(archive.extract(entry, folder)))
    return list(OURS)


def _pages(archive: zipfile.ZipFile, folder: pathlib.Path) -> list[str]:
    """Of every library whether it loads where pages have 16 KiB, by its segments."""
    page = int(versions()["pageSize"])
    said = []
    for name in sorted(name for name in archive.namelist() if name.endswith(".so")):
        largest = runtimes.largest_page(pathlib.Path(archive.extract(name, folder)))
        loads = "loads" if largest >= page else "does not load"
        said.append(f"pages: {name} {loads} where they have {page} bytes (at most {largest})")
    return said


def _badging(text: str) -> list[str]:
    numbers = versions()
    found = {
        "package": re.findall(r"package: name='([^']+)'", text),
        "versionCode": re.findall(r"versionCode='([^']+)'", text),
        "versionName": re.findall(r"versionName='([^']+)'", text),
        "minSdk": re.findall(r"\bsdkVersion:'(\d+)'", text),
        "targetSdk": re.findall(r"targetSdkVersion:'(\d+)'", text),
        "permissions": re.findall(r"uses-permission: name='([^']+)'", text),
        "abis": re.findall(r"native-code: (.*)", text),
        "launchable": re.findall(r"launchable-activity: name='([^']+)'", text),
    }
    expected = {
        "package": [numbers["applicationId"]],
        "versionCode": [numbers["versionCode"]],
        "versionName": [numbers["versionName"]],
        "minSdk": [numbers["minSdk"]],
        "targetSdk": [numbers["targetSdk"]],
        "permissions": ["android.permission.CAMERA"],
        "abis": [" ".join(f"'{abi}'" for abi in abis())],
        "launchable": [numbers["applicationId"] + ".camera.CameraActivity"],
    }
    for name, value in expected.items():
        if found[name] != value:
            raise BuildError(f"badging: expected {name} {value}, got {found[name]}")
    return [f"{name}: {', '.join(values)}" for name, values in found.items()]


def check_library(library: pathlib.Path) -> None:
    """An Android library built without the NDK: needs bionic alone, no TLS, 16 KiB pages."""
    name = library.name
    dynamic = run(["readelf", "-dW", library])
    needed = re.findall(r"NEEDED.*\[(.+)\]", dynamic)
    if not set(needed) <= set(BIONIC):
        raise BuildError(f"{name}: expected to need {sorted(BIONIC)} at most, got {needed}")
    if "TEXTREL" in dynamic:
        raise BuildError(f"{name}: expected no text relocations")
    if "No version information" not in run(["readelf", "-VW", library]):
        raise BuildError(f"{name}: expected no symbol versions (glibc's leaked in)")
    segments = run(["readelf", "-lW", library])
    aligns = {line.split()[-1] for line in segments.splitlines() if line.strip().startswith("LOAD")}
    if aligns != {hex(int(versions()["pageSize"]))}:
        raise BuildError(f"{name}: expected pages of {versions()['pageSize']} bytes, got {aligns}")
    if re.search(r"^\s+TLS ", segments, re.MULTILINE):
        raise BuildError(f"{name}: expected no thread-local variables")
    known = {symbol for symbols in BIONIC.values() for symbol in symbols}
    symbols = run(["readelf", "-W", "--dyn-syms", library]).splitlines()
    undefined = {
        words[7] for words in map(str.split, symbols) if words[6:7] == ["UND"] and len(words) > 7
    }
    if undefined - known:
        raise BuildError(
            f"{name}: expected bionic's symbols alone, got {sorted(undefined - known)}"
        )
