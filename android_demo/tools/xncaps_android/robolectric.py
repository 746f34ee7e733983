"""What Robolectric needs of the build: compiled resources, libraries for x86-64, the shim."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Sequence

from xncaps_android import apk, artifacts, native, shim
from xncaps_android.folders import BUILD, fresh


def prepare(model_files: Sequence[pathlib.Path]) -> pathlib.Path:
    """Fills build/robolectric for `mvn test` and returns it."""
    artifacts.fetch()
    out = BUILD / "robolectric"
    work = fresh(out / "apk")
    apk.compile_resources(work, model_files)
    settings = fresh(out / "resources") / "com/android/tools/test_config.properties"
    settings.parent.mkdir(parents=True)
    # Robolectric takes the SDK levels from the manifest; the APK gets them from aapt2.
    manifest = work / "AndroidManifest.xml"
    lines = {
        "android_merged_manifest": manifest,
        "android_merged_assets": work / "assets",
        "android_resource_apk": work / "resources.apk",
        "android_custom_package": "org.xncaps.demo",
    }
    settings.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    libraries = fresh(out / "jni")
    runtime = artifacts.JNI / "x86_64/libtensorflowlite_jni.so"
    for library in (runtime, *native.build("x86_64")):
        shutil.copyfile(library, libraries / library.name)
    shim.build("x86_64")
    return out
