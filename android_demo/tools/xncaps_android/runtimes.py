"""TensorFlow Lite or LiteRT for the APK: Maven Central's, or an AAR that the user downloaded."""

from __future__ import annotations

import pathlib
import re
import zipfile
from dataclasses import dataclass

from xncaps_android import artifacts
from xncaps_android.commands import BuildError, run
from xncaps_android.folders import BUILD, fresh
from xncaps_android.versions import abis, versions

LIBRARY = "libtensorflowlite_jni.so"
# What the app's sources use of it; the API's classes may lie in the same AAR or, for Maven
# Central's TensorFlow Lite, in tensorflow-lite-api.
CLASSES = (
    "org/tensorflow/lite/Delegate.class",
    "org/tensorflow/lite/Interpreter.class",
    "org/tensorflow/lite/Interpreter$Options.class",
    "org/tensorflow/lite/TensorFlowLite.class",
)
_MOST_BYTES = 200_000_000


@dataclass(frozen=True)
class Runtime:
    """Jars of its classes, and its library for each ABI."""

    jars: tuple[pathlib.Path, ...]
    libraries: dict[str, pathlib.Path]


def of_maven() -> Runtime:
    return Runtime(
        (artifacts.TFLITE_API, artifacts.TFLITE),
        {abi: artifacts.JNI / abi / LIBRARY for abi in abis()},
    )


def of_file(aar: pathlib.Path) -> Runtime:
    """Checks an AAR and unpacks it.

    Raises:
        BuildError: it lacks an ABI, a class that the app uses, or is built for pages of 4 KiB.
    """
    folder = fresh(BUILD / "runtime")
    try:
        with zipfile.ZipFile(aar) as archive:
            jar = _member(archive, "classes.jar", folder / "classes.jar", aar)
            libraries = {
                abi: _member(archive, f"jni/{abi}/{LIBRARY}", folder / abi / LIBRARY, aar)
                for abi in abis()
            }
        with zipfile.ZipFile(jar) as archive:
            own = set(archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise BuildError(f"{aar}: expected an AAR, got {error}") from None
    for abi, library in libraries.items():
        _check_pages(library, abi, aar)
    jars = (jar,)
    if not set(CLASSES) <= own:
        with zipfile.ZipFile(artifacts.TFLITE_API) as archive:
            own |= set(archive.namelist())
        jars = (artifacts.TFLITE_API, jar)
    missing = sorted(set(CLASSES) - own)
    if missing:
        raise BuildError(f"{aar}: expected the classes {', '.join(missing)}")
    return Runtime(jars, libraries)


def _member(
    archive: zipfile.ZipFile, name: str, out: pathlib.Path, aar: pathlib.Path
) -> pathlib.Path:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise BuildError(f"{aar}: expected {name} in it") from None
    if info.file_size > _MOST_BYTES:
        raise BuildError(f"{aar}: expected {name} of at most {_MOST_BYTES} bytes")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(archive.read(name))
    return out


def _check_pages(library: pathlib.Path, abi: str, aar: pathlib.Path) -> None:
    page = int(versions()["pageSize"])
    largest = largest_page(library)
    if largest < page:
        raise BuildError(
            f"{aar}: expected segments of {page} bytes in {LIBRARY} for {abi}, got {largest}; "
            "LiteRT 1.4.0 of Google's Maven and later are reported to have them"
        )


def largest_page(library: pathlib.Path) -> int:
    """The largest memory page, in bytes, on which a library's segments can be loaded.

    What the segments say of their alignment is not enough: a page of the file has to come onto a
    page of memory, and no two segments may share one.
    """
    rows = re.findall(r"^\s+LOAD\s+(.*)$", run(["readelf", "-lW", library]), re.MULTILINE)
    segments = []
    for row in rows:
        words = row.split()
        offset, address, _, _, size = (int(word, 16) for word in words[:5])
        segments.append((address, offset, size, int(words[-1], 16)))
    if not segments:
        raise BuildError(f"{library.name}: expected a shared library with segments to load")
    page = min(alignment for *_, alignment in segments)
    while page > 1 and not _fit(segments, page):
        page //= 2
    return page


def _fit(segments: list[tuple[int, int, int, int]], page: int) -> bool:
    """Whether segments (address, offset in the file, size in memory, ...) come onto own pages."""
    last = -1
    for address, offset, size, _ in sorted(segments):
        if size == 0:  # no page is mapped for it
            continue
        if (address - offset) % page or address // page <= last:
            return False
        last = (address + size - 1) // page
    return True
