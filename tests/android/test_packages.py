"""Whole builds, by `make android-test`: the APK and its gates, the AAR, Android's own libraries.

Needs the JDK and the Debian packages that `make apk` installs.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/android"
MODEL = ROOT / "android_demo/models/digits.tflite"
sys.path.insert(0, str(ROOT / "android_demo/tools"))

from xncaps_android import aar, apk, common, shim  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, list[str]]:
    """(folder with app.apk and the steps' files, what the gates said)."""
    folder = tmp_path_factory.mktemp("apk")
    report = apk.build(MODEL, folder / "app.apk", label="Tom's digits", work=folder / "work")
    return folder, report


def test_gates_say_what_is_in_the_apk(built: tuple[pathlib.Path, list[str]]) -> None:
    folder, report = built
    text = "\n".join(report)
    for words in (
        "signature: v2, v3",
        "no invoke-custom",
        "permissions: android.permission.CAMERA",
    ):
        assert words in text
    badging = common.run(["aapt2", "dump", "badging", folder / "app.apk"])
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


def test_same_inputs_give_the_same_bytes_but_for_the_signature(
    built: tuple[pathlib.Path, list[str]], tmp_path: pathlib.Path
) -> None:
    apk.build(MODEL, tmp_path / "again.apk", label="Tom's digits", work=tmp_path / "elsewhere")
    first = (built[0] / "work/aligned.apk").read_bytes()
    assert first == (tmp_path / "elsewhere/aligned.apk").read_bytes()


def test_a_real_keystore_signs(
    built: tuple[pathlib.Path, list[str]], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "own.keystore"
    common.run(
        ["keytool", "-genkeypair", "-keystore", store, "-storetype", "PKCS12", "-storepass",
         "secret1", "-alias", "release", "-keyalg", "RSA", "-keysize", "2048", "-validity", "100",
         "-dname", "CN=Own Key"]
    )  # fmt: skip
    aligned, signed = built[0] / "work/aligned.apk", tmp_path / "signed.apk"
    monkeypatch.delenv("XNCAPS_KEYSTORE_PASSWORD", raising=False)
    with pytest.raises(common.BuildError, match="XNCAPS_KEYSTORE_PASSWORD"):
        apk._sign(aligned, signed, store)
    monkeypatch.setenv("XNCAPS_KEYSTORE_PASSWORD", "wrong-one")
    with pytest.raises(common.BuildError, match="apksigner failed"):
        apk._sign(aligned, signed, store)
    monkeypatch.setenv("XNCAPS_KEYSTORE_PASSWORD", "secret1")
    apk._sign(aligned, signed, store)
    assert "CN=Own Key" in common.run(["apksigner", "verify", "--print-certs", signed])


def test_aar_has_what_gradle_expects(tmp_path: pathlib.Path) -> None:
    archive_path, pom_path = aar.build(tmp_path)
    again = aar.build(tmp_path / "again")[0]
    assert archive_path.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(archive_path) as archive:
        assert set(archive.namelist()) == {
            "AndroidManifest.xml", "R.txt", "classes.jar", "proguard.txt", "LICENSE", "NOTICE",
            "jni/arm64-v8a/libxncaps_delegate.so", "jni/x86_64/libxncaps_delegate.so",
        }  # fmt: skip
        (tmp_path / "classes.jar").write_bytes(archive.read("classes.jar"))
        rules = archive.read("proguard.txt").decode()
    assert "-keepclasseswithmembers" in rules and "native <methods>" in rules
    maven = "{http://maven.apache.org/POM/4.0.0}"
    pom = ElementTree.parse(pom_path).getroot()
    assert pom.findtext(f"{maven}packaging") == "aar"
    dependency = pom.find(f"{maven}dependencies/{maven}dependency")
    assert dependency is not None
    assert dependency.findtext(f"{maven}version") == common.versions()["tflite"]


def test_aar_compiles_into_a_users_class(tmp_path: pathlib.Path) -> None:
    """The example of docs/android.md, as a user would write it."""
    from xncaps_android import artifacts

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
    common.run(["javac", "--release", "8", "-Xlint:-options", "-cp", path, "-d", tmp_path, source])


@pytest.mark.parametrize("abi", ["x86_64", "arm64-v8a"])
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize(
    ("name", "delegate"), [("tiny_float", False), ("tiny_float", True), ("tiny_fused", True)]
)
def test_androids_runtime_equals_pythons(abi: str, threads: int, name: str, delegate: bool) -> None:
    """The libraries that are in the APK, through the shim; arm64 under qemu."""
    inputs = (GOLDEN / "digits.inputs.f32").read_bytes()
    expected = np.fromfile(GOLDEN / f"{name}.outputs.f32", "<f4")
    raw = shim.run_model(abi, GOLDEN / f"{name}.tflite", inputs, delegate=delegate, threads=threads)
    np.testing.assert_allclose(np.frombuffer(raw, "<f4"), expected, atol=1e-5)


@pytest.mark.parametrize("abi", ["x86_64", "arm64-v8a"])
def test_androids_runtime_without_delegate_refuses_the_fused_op(abi: str) -> None:
    with pytest.raises(common.BuildError, match="XnCapsOdr|not allocated"):
        shim.run_model(abi, GOLDEN / "tiny_fused.tflite", b"", delegate=False)


def test_make_refuses_a_missing_model_in_one_line(tmp_path: pathlib.Path) -> None:
    command = ["make", "-s", "apk", f"MODEL={tmp_path / 'no.tflite'}", f"APK={tmp_path / 'a.apk'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "android: " in done.stderr and "No such file" in done.stderr
    assert not (tmp_path / "a.apk").exists()


def test_command_checks_the_model_and_builds(tmp_path: pathlib.Path) -> None:
    """`xncaps android build` on the app's own model and what `verify` stored beside it."""
    command = [sys.executable, "-m", "xncaps_tf.cli.main", "android", "build",
               "--model", str(MODEL), "-o", str(tmp_path / "a.apk")]  # fmt: skip
    environment = {**os.environ, "XNCAPS_LOG_DIR": str(tmp_path / "logs")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "stored outputs by litert+xncaps" in done.stdout
    assert "signature: v2, v3" in done.stdout
    assert zipfile.is_zipfile(tmp_path / "a.apk")
