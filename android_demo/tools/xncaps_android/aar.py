"""The delegate as an AAR with a POM, for apps with the stock org.tensorflow:tensorflow-lite."""

from __future__ import annotations

import json
import pathlib
import re

from xncaps_android import archive, artifacts, native
from xncaps_android.commands import BuildError, run
from xncaps_android.folders import ANDROID, BUILD, ROOT, fresh
from xncaps_android.versions import abis, versions

SOURCE = ANDROID / "delegate/src/main"
NAME = "xncaps-delegate"
MODULE = "prefab/modules/delegate"


def build(folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes NAME-VERSION.aar and .pom into a folder; the same sources give the same bytes."""
    artifacts.fetch()
    version = native.native_version()
    files = {
        "AndroidManifest.xml": (SOURCE / "AndroidManifest.xml").read_bytes(),
        "classes.jar": _classes_jar().read_bytes(),
        "proguard.txt": (SOURCE / "consumer-rules.pro").read_bytes(),
        "R.txt": b"",
        "LICENSE": (ROOT / "LICENSE").read_bytes(),
        "NOTICE": (ROOT / "NOTICE").read_bytes(),
    }
    files |= _prefab(version)
    for abi in abis():
        for library in native.build(abi, app=False):
            files[f"jni/{abi}/{library.name}"] = library.read_bytes()
            files[f"{MODULE}/libs/android.{abi}/{library.name}"] = library.read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    aar = folder / f"{NAME}-{version}.aar"
    archive.write(aar, files)
    pom = folder / f"{NAME}-{version}.pom"
    pom.write_text(_pom(version), encoding="utf-8")
    return [aar, pom]


def _prefab(version: str) -> dict[str, bytes]:
    """For C and C++: find_package(xncaps CONFIG) then has xncaps::delegate, as on other systems.

    The layout is Prefab's (https://google.github.io/prefab), which Android's Gradle plugin reads.
    """
    header = (ROOT / "native/include/xncaps/xncaps.h").read_bytes()
    package = {"schema_version": 2, "name": "xncaps", "version": version, "dependencies": []}
    module = {"export_libraries": [], "library_name": "libxncaps_delegate"}
    files = {"prefab/prefab.json": package, f"{MODULE}/module.json": module}
    for abi in abis():
        # `stl` none: the library needs no C++ runtime. No NDK made it: `ndk` is the oldest one
        # that Prefab's readers take.
        about = {
            "abi": abi, "api": versions()["minSdk"], "ndk": 21, "stl": "none", "static": False,
        }  # fmt: skip
        files[f"{MODULE}/libs/android.{abi}/abi.json"] = about
    texts = {name: (json.dumps(value) + "\n").encode() for name, value in files.items()}
    return {**texts, f"{MODULE}/include/xncaps/xncaps.h": header}


def _classes_jar() -> pathlib.Path:
    work = fresh(BUILD / "aar")
    classes = fresh(work / "classes")
    sources = sorted((SOURCE / "java").rglob("*.java"))
    run([
        "javac", "--release", "8", "-encoding", "UTF-8", "-Xlint:all,-options", "-Werror",
        "-cp", artifacts.TFLITE_API, "-d", classes, *sources,
    ])  # fmt: skip
    jar = work / "classes.jar"
    archive.write(
        jar,
        {str(f.relative_to(classes)): f.read_bytes() for f in classes.rglob("*") if f.is_file()},
    )
    return jar


def _pom(version: str) -> str:
    if not re.fullmatch(r"[\w.+-]+", version):
        raise BuildError(f"native/pyproject.toml: expected a version, got {version!r}")
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.xncaps</groupId>
  <artifactId>{NAME}</artifactId>
  <version>{version}</version>
  <packaging>aar</packaging>
  <name>{NAME}</name>
  <description>One-bit capsule layers and LCE's ops for TensorFlow Lite on Android</description>
  <licenses>
    <license>
      <name>Apache-2.0</name>
      <url>https://www.apache.org/licenses/LICENSE-2.0.txt</url>
    </license>
  </licenses>
  <dependencies>
    <dependency>
      <groupId>org.tensorflow</groupId>
      <artifactId>tensorflow-lite</artifactId>
      <version>{versions()["tflite"]}</version>
      <type>aar</type>
    </dependency>
  </dependencies>
</project>
"""
