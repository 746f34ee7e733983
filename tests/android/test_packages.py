"""Whole builds, by `make android-test`: the APK and its gates, the AAR, Android's own libraries.

Needs the JDK and the Debian packages that `make apk` installs.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import types
import xml.etree.ElementTree as ElementTree
import zipfile

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/android"
MODEL = ROOT / "android_demo/models/digits.tflite"
sys.path.insert(0, str(ROOT / "android_demo/tools"))

from xncaps_android import (  # noqa: E402
    aar,
    apk,
    artifacts,
    checks,
    commands,
    folders,
    gates,
    native,
    shim,
    versions,
)

pytestmark = pytest.mark.slow


def test_gates_say_what_is_in_the_apk(built: tuple[pathlib.Path, list[str]]) -> None:
    folder, report = built
    text = "\n".join(report)
    for words in (
        "signature: v2, v3",
        "no invoke-custom",
        "permissions: android.permission.CAMERA",
    ):
        assert words in text
    badging = commands.run(["aapt2", "dump", "badging", folder / "app.apk"])
    assert "application-label:'Tom's digits'" in badging


def test_apk_holds_model_libraries_and_licences(built: tuple[pathlib.Path, list[str]]) -> None:
    with zipfile.ZipFile(built[0] / "app.apk") as archive:
        names = set(archive.namelist())
        packed = archive.getinfo("assets/models/digits.tflite")
        assert packed.compress_type == zipfile.ZIP_STORED, "mapped by openFd"
        assert archive.read(packed) == MODEL.read_bytes()
        assert archive.read("assets/LICENSE") == (ROOT / "LICENSE").read_bytes()
        assert archive.read("assets/NOTICE") == (ROOT / "NOTICE").read_bytes()
    libraries = ("libtensorflowlite_jni.so", "libxncaps_delegate.so", "libxncaps_affinity.so")
    for abi in ("arm64-v8a", "x86_64"):
        assert {f"lib/{abi}/{name}" for name in libraries} <= names


def test_apk_with_the_apps_own_models_stays_under_25_mb(
    built: tuple[pathlib.Path, list[str]], build_command: types.ModuleType
) -> None:
    """By the built one: models are stored as they are."""
    found = build_command.default_models()
    models = [path.stat().st_size + len(checks.check(path) or b"") for path in found]
    without = (built[0] / "app.apk").stat().st_size - MODEL.stat().st_size
    assert without > 0 and models
    assert without + sum(models) < build_command.MOST_BYTES == 25_000_000, (without, models)


def test_same_inputs_give_the_same_bytes_but_for_the_signature(
    built: tuple[pathlib.Path, list[str]], tmp_path: pathlib.Path
) -> None:
    apk.build([MODEL], tmp_path / "again.apk", label="Tom's digits", work=tmp_path / "elsewhere")
    first = (built[0] / "work/aligned.apk").read_bytes()
    assert first == (tmp_path / "elsewhere/aligned.apk").read_bytes()


def test_a_real_keystore_signs(
    built: tuple[pathlib.Path, list[str]], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "own.keystore"
    commands.run(
        ["keytool", "-genkeypair", "-keystore", store, "-storetype", "PKCS12", "-storepass",
         "secret1", "-alias", "release", "-keyalg", "RSA", "-keysize", "2048", "-validity", "100",
         "-dname", "CN=Own Key"]
    )  # fmt: skip
    aligned, signed = built[0] / "work/aligned.apk", tmp_path / "signed.apk"
    monkeypatch.delenv("XNCAPS_KEYSTORE_PASSWORD", raising=False)
    with pytest.raises(commands.BuildError, match="--keystore: expected a file"):
        apk.signing_key(tmp_path / "none.keystore")
    with pytest.raises(commands.BuildError, match="XNCAPS_KEYSTORE_PASSWORD"):
        apk.signing_key(store)
    monkeypatch.setenv("XNCAPS_KEYSTORE_PASSWORD", "wrong-one")
    with pytest.raises(commands.BuildError, match="apksigner failed"):
        apk.sign(aligned, signed, apk.signing_key(store))
    monkeypatch.setenv("XNCAPS_KEYSTORE_PASSWORD", "secret1")
    apk.sign(aligned, signed, apk.signing_key(store))
    assert "CN=Own Key" in commands.run(["apksigner", "verify", "--print-certs", signed])


def test_aar_has_what_gradle_expects(tmp_path: pathlib.Path) -> None:
    archive_path, pom_path = aar.build(tmp_path)
    again = aar.build(tmp_path / "again")[0]
    assert archive_path.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(archive_path) as archive:
        assert set(archive.namelist()) == {
            "AndroidManifest.xml", "R.txt", "classes.jar", "proguard.txt", "LICENSE", "NOTICE",
            "jni/arm64-v8a/libxncaps_delegate.so", "jni/x86_64/libxncaps_delegate.so",
            "prefab/prefab.json", f"{aar.MODULE}/module.json",
            f"{aar.MODULE}/include/xncaps/xncaps.h",
            *(
                f"{aar.MODULE}/libs/android.{abi}/{name}"
                for abi in versions.abis()
                for name in ("abi.json", "libxncaps_delegate.so")
            ),
        }  # fmt: skip
        (tmp_path / "classes.jar").write_bytes(archive.read("classes.jar"))
        rules = archive.read("proguard.txt").decode()
        manifest = archive.read("AndroidManifest.xml").decode()
        for name in archive.namelist():
            if name.endswith(".so"):
                gates.check_library(pathlib.Path(archive.extract(name, tmp_path)))
    assert f'android:minSdkVersion="{versions.versions()["minSdk"]}"' in manifest
    assert "-keepclasseswithmembers" in rules and "native <methods>" in rules
    maven = "{http://maven.apache.org/POM/4.0.0}"
    pom = ElementTree.parse(pom_path).getroot()
    assert pom.findtext(f"{maven}packaging") == "aar"
    dependency = pom.find(f"{maven}dependencies/{maven}dependency")
    assert dependency is not None
    assert dependency.findtext(f"{maven}version") == versions.versions()["tflite"]


def test_aars_prefab_is_what_a_c_program_builds_against(tmp_path: pathlib.Path) -> None:
    """As Prefab reads it: the header's folder and, for each ABI, the library by its abi.json."""
    with zipfile.ZipFile(aar.build(tmp_path)[0]) as archive:
        archive.extractall(tmp_path)
    package = json.loads((tmp_path / "prefab/prefab.json").read_text())
    assert (package["schema_version"], package["name"]) == (2, "xncaps")
    assert package["version"] == native.native_version()
    module = tmp_path / aar.MODULE
    library = json.loads((module / "module.json").read_text())["library_name"]
    example = folders.ROOT / "examples/cpp/delegate.cc"
    for abi, compiler in (("x86_64", "g++"), ("arm64-v8a", "aarch64-linux-gnu-g++")):
        folder = module / f"libs/android.{abi}"
        about = json.loads((folder / "abi.json").read_text())
        assert about["abi"] == abi and about["stl"] == "none" and not about["static"]
        assert about["api"] == versions.versions()["minSdk"]
        # Bionic's symbols are not here: only what the example itself needs is resolved.
        commands.run([
            compiler, "-std=c++17", f"-I{module / 'include'}", example, f"-L{folder}",
            f"-l{library.removeprefix('lib')}", "-Wl,--allow-shlib-undefined",
            "-o", tmp_path / f"example.{abi}",
        ])  # fmt: skip


@pytest.mark.parametrize("rules", [True, False], ids=["its rules", "no rules"])
def test_aars_rules_keep_what_its_library_looks_for(rules: bool, tmp_path: pathlib.Path) -> None:
    """A user's app is shrunk and renamed; without the rules that breaks the native methods."""
    with zipfile.ZipFile(aar.build(tmp_path)[0]) as archive:
        for name in ("classes.jar", "proguard.txt"):
            archive.extract(name, tmp_path)
    source = tmp_path / "User.java"
    source.write_text(
        "import org.xncaps.delegate.XncapsDelegate;\npublic class User {\n"
        "  public static long run() { return new XncapsDelegate(1).getNativeHandle(); }\n}\n"
    )
    users = folders.fresh(tmp_path / "users")
    libraries = [artifacts.TFLITE_API, artifacts.TFLITE]
    path = os.pathsep.join(str(jar) for jar in (tmp_path / "classes.jar", *libraries))
    commands.run(["javac", "--release", "8", "-Xlint:-options", "-cp", path, "-d", users, source])
    commands.run(
        ["java", "-cp", artifacts.proguard_class_path(), "proguard.ProGuard",
         "-injars", users, "-injars", tmp_path / "classes.jar", "-outjars", tmp_path / "out.jar",
         *[word for library in libraries for word in ("-libraryjars", str(library))],
         "-libraryjars", "<java.home>/jmods/java.base.jmod(!**.jar;!module-info.class)",
         "-dontoptimize", "-dontnote", "-dontwarn", "-keep", "class User { *; }",
         *(["-include", tmp_path / "proguard.txt"] if rules else [])]
    )  # fmt: skip
    with zipfile.ZipFile(tmp_path / "out.jar") as archive:
        kept = "org/xncaps/delegate/XncapsDelegate.class" in archive.namelist()
    assert kept == rules
    if rules:
        said = commands.run(
            ["javap", "-p", "-cp", tmp_path / "out.jar", "org.xncaps.delegate.XncapsDelegate"]
        )
        assert "native long create(int)" in said and "native void delete(long)" in said


def test_aar_compiles_into_a_users_class(tmp_path: pathlib.Path) -> None:
    """The example of docs/android.md, as a user would write it."""
    aar.build(tmp_path)
    with zipfile.ZipFile(next(tmp_path.glob("*.aar"))) as archive:
        (tmp_path / "classes.jar").write_bytes(archive.read("classes.jar"))
    docs = (ROOT / "docs/android.md").read_text(encoding="utf-8")
    body = docs.split("```java")[1].split("```")[0]
    source = tmp_path / "User.java"
    source.write_text(
        "import java.nio.ByteBuffer;\nimport org.tensorflow.lite.Interpreter;\n"
        "import org.xncaps.delegate.XncapsDelegate;\nclass User {\n"
        f"void run(ByteBuffer model, Object input, Object output) {{ {body} }} }}\n"
    )
    path = os.pathsep.join(
        str(jar) for jar in (tmp_path / "classes.jar", artifacts.TFLITE, artifacts.TFLITE_API)
    )
    commands.run(
        ["javac", "--release", "8", "-Xlint:-options", "-cp", path, "-d", tmp_path, source]
    )


@pytest.mark.parametrize("abi", ["x86_64", "arm64-v8a"])
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize(
    ("name", "delegate"),
    [("tiny_float", False), ("tiny_float", True), ("tiny_fused", True), ("binary_lce", True)],
)
def test_androids_runtime_equals_pythons(abi: str, threads: int, name: str, delegate: bool) -> None:
    """The libraries that are in the APK, through the shim; arm64 under qemu."""
    inputs = (GOLDEN / "digits.inputs.f32").read_bytes()
    expected = np.fromfile(GOLDEN / f"{name}.outputs.f32", "<f4")
    raw = shim.run_model(abi, GOLDEN / f"{name}.tflite", inputs, delegate=delegate, threads=threads)
    np.testing.assert_allclose(np.frombuffer(raw, "<f4"), expected, atol=1e-5)


@pytest.mark.parametrize("abi", ["x86_64", "arm64-v8a"])
@pytest.mark.parametrize(("name", "op"), [("tiny_fused", "XnCapsOdr"), ("binary_lce", "Lce")])
def test_androids_runtime_without_delegate_refuses_its_ops(abi: str, name: str, op: str) -> None:
    with pytest.raises(commands.BuildError, match=f"{op}|not allocated"):
        shim.run_model(abi, GOLDEN / f"{name}.tflite", b"", delegate=False)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (ROOT / "no.tflite", "No such file"),
        (GOLDEN / "composite.tflite", "refuses STABLEHLO_COMPOSITE; convert with --to"),
    ],
    ids=["missing", "composite"],
)
def test_make_refuses_a_model_in_one_line(
    model: pathlib.Path, words: str, tmp_path: pathlib.Path
) -> None:
    command = ["make", "-s", "apk", f"MODEL={model}", f"APK={tmp_path / 'a.apk'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1 and said[0].startswith("android: ") and words in said[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("abi", ["x86_64", "arm64-v8a"])
def test_androids_runtime_itself_refuses_a_composite(abi: str) -> None:
    """That is why the build does, before anyone installs it."""
    with pytest.raises(commands.BuildError, match="run_model"):
        shim.run_model(abi, GOLDEN / "composite.tflite", bytes(256), delegate=True)


def test_command_checks_the_model_and_builds(tmp_path: pathlib.Path) -> None:
    """`xncaps android build` on the app's own model and what `verify` stored beside it."""
    command = [sys.executable, "-m", "xncaps", "android", "build",
               "--model", str(MODEL), "-o", str(tmp_path / "a.apk")]  # fmt: skip
    environment = {**os.environ, "XNCAPS_LOG_DIR": str(tmp_path / "logs")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "stored outputs by litert+xncaps" in done.stdout
    assert "signature: v2, v3" in done.stdout
    assert zipfile.is_zipfile(tmp_path / "a.apk")
