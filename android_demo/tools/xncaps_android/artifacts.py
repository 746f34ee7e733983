"""What comes from Maven Central: fetched once, unpacked where the steps look for it."""

from __future__ import annotations

import pathlib
import zipfile

from xncaps_android.commands import run
from xncaps_android.folders import ANDROID, ARTIFACTS, locked
from xncaps_android.versions import abis, versions

ANDROID_JAR = ARTIFACTS / "android-all.jar"
DX = ARTIFACTS / "dalvik-dx.jar"
TFLITE_API = ARTIFACTS / "tensorflow-lite-api.jar"
TFLITE = ARTIFACTS / "tensorflow-lite.jar"
METADATA = ARTIFACTS / "tensorflow-lite-metadata.jar"
FLATBUFFERS = ARTIFACTS / "flatbuffers-java.jar"
LIBRARIES = (TFLITE_API, TFLITE, METADATA, FLATBUFFERS)
HEADERS = ARTIFACTS / "headers"
JNI = ARTIFACTS / "jni"


def fetch() -> None:
    """Fills build/artifacts, unless it is filled for these very versions."""
    with locked("artifacts"):
        _fetch()


def _fetch() -> None:
    stamp = ARTIFACTS / "versions.stamp"
    wanted = (ANDROID / "versions.properties").read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    properties = [f"-D{name}={value}" for name, value in versions().items() if " " not in value]
    run(["mvn", "-q", "-B", "-ntp", "-f", ANDROID / "artifacts.pom.xml", *properties, "initialize"])
    for name in ("tensorflow-lite", "tensorflow-lite-api"):
        _unpack(ARTIFACTS / f"{name}.aar", ARTIFACTS / f"{name}.jar")
    stamp.write_text(wanted, encoding="utf-8")


def _unpack(aar: pathlib.Path, jar: pathlib.Path) -> None:
    with zipfile.ZipFile(aar) as archive:
        jar.write_bytes(archive.read("classes.jar"))
        for name in archive.namelist():
            wanted = name.endswith(".so") and name.split("/")[1] in abis()
            if wanted or name.startswith("headers/") and name.endswith(".h"):
                archive.extract(name, ARTIFACTS)


def proguard_class_path() -> str:
    return ":".join(str(jar) for jar in sorted((ARTIFACTS / "proguard").glob("*.jar")))
