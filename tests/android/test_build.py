"""The Android build's own code: archives, the model check, versions, the Gradle project."""

from __future__ import annotations

import pathlib
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ANDROID = ROOT / "android_demo"
GOLDEN = ROOT / "tests/golden/android"
sys.path.insert(0, str(ANDROID / "tools"))

from xncaps_android import apk, archive, commands, model, native, versions  # noqa: E402

MAVEN = "{http://maven.apache.org/POM/4.0.0}"


def build(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ANDROID / "tools/build.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_archives_depend_on_contents_alone(tmp_path: pathlib.Path) -> None:
    files = {"b.txt": b"two" * 100, "a.tflite": b"one" * 100}
    archive.write(tmp_path / "1.zip", files, stored=(".tflite",))
    archive.write(tmp_path / "2.zip", dict(reversed(files.items())), stored=(".tflite",))
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    assert archive.read(tmp_path / "1.zip") == files


def test_model_check_names_the_delegates_ops() -> None:
    assert model.check(GOLDEN / "tiny_fused.tflite") == ["XnCapsOdr"]
    assert model.check(GOLDEN / "tiny_float.tflite") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected an intact TensorFlow Lite model"),
        (b"PK\x03\x04" + bytes(60), "expected an intact TensorFlow Lite model"),
        (struct.pack("<I", 4000) + b"TFL3" + bytes(60), "expected an intact TensorFlow Lite model"),
        (
            (GOLDEN / "tiny_fused.tflite").read_bytes().replace(b"XnCapsOdr", b"XnCapsNew"),
            "refuses XnCapsNew",
        ),
        ((GOLDEN / "composite.tflite").read_bytes(), "refuses STABLEHLO_COMPOSITE; convert with"),
    ],
    ids=["empty", "zip", "cut", "unknown op", "composite"],
)
def test_a_model_that_cannot_run_is_refused(
    content: bytes, words: str, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "m.tflite"
    file.write_bytes(content)
    with pytest.raises(commands.BuildError, match=words):
        model.check(file)
    done = build("apk", "--model", str(file), "--out", str(tmp_path / "a.apk"))
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and words in done.stderr
    assert not (tmp_path / "a.apk").exists()


def shapes(inputs: list[list[int]], outputs: list[list[int]]) -> bytes:
    """A file of the format that has these ends and no op."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)

    def table(*fields: tuple[int, int]) -> int:
        builder.StartObject(6)
        for number, offset in fields:
            builder.PrependUOffsetTRelativeSlot(number, offset, 0)
        return builder.EndObject()

    def numbers(values: list[int]) -> int:
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            builder.PrependInt32(value)
        return builder.EndVector()

    def tables(offsets: list[int]) -> int:
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    tensors = [table((0, numbers(shape))) for shape in [*inputs, *outputs]]
    first = list(range(len(inputs)))
    second = [len(inputs) + index for index in range(len(outputs))]
    vector, left, right = tables(tensors), numbers(first), numbers(second)
    graph = table((0, vector), (1, left), (2, right))
    builder.Finish(table((2, tables([graph]))), file_identifier=b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize(
    ("inputs", "outputs", "good"),
    [
        ([[1, 8, 8, 1]], [[1, 10]], True),
        ([[1, 224, 224, 3]], [[1, 1, 1, 1001]], True),
        ([[1, 128, 128, 3]], [[1, 896, 16], [1, 896, 1]], False),  # finds faces
        ([[1, 128, 128, 3]], [[1, 896, 16]], False),
        ([[1, 64]], [[1, 10]], False),
        ([[2, 8, 8, 1]], [[2, 10]], False),
        ([[1, 8, 8, 4]], [[1, 10]], False),
        ([[1, 8, 8, 1], [1, 4]], [[1, 10]], False),
        ([], [], False),
    ],
)
def test_what_is_no_picture_classifier_is_refused_at_the_build(
    inputs: list[list[int]], outputs: list[list[int]], good: bool, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "m.tflite"
    file.write_bytes(shapes(inputs, outputs))
    if good:
        assert model.check(file) == []
    else:
        with pytest.raises(
            commands.BuildError, match="the app takes picture classifiers, one input"
        ):
            model.check(file)


def test_asset_names_are_safe() -> None:
    assert apk.asset_name(pathlib.Path("a b/ü x.tflite")) == "ü_x.tflite"
    assert apk.asset_name(pathlib.Path("m.tflite")) == "m.tflite"


@pytest.mark.parametrize("label", ["", "two\nlines"])
def test_label_is_a_line(label: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(commands.BuildError, match="--label: expected a line"):
        apk._rename(tmp_path / "none.xml", label)


def test_label_is_quoted_for_aapt2(tmp_path: pathlib.Path) -> None:
    strings = tmp_path / "strings.xml"
    strings.write_text((ANDROID / "app/src/main/res/values/strings.xml").read_text())
    apk._rename(strings, 'Tom\'s <best> & "own"')
    name = ElementTree.parse(strings).find("string[@name='app_name']")
    assert name is not None and name.text == 'Tom\\\'s <best> & \\"own\\"'


def test_core_imports_no_android() -> None:
    files = list((ANDROID / "core/src/main/java").rglob("*.java"))
    assert len(files) > 15
    for file in files:
        assert not re.search(r"^import android", file.read_text(), re.MULTILINE), file


def test_java_files_are_short_and_in_the_folder_of_their_package() -> None:
    for folder in ("core/src/main", "app/src/main", "app/src/test", "delegate/src/main"):
        java = ANDROID / folder / "java"
        for file in java.rglob("*.java"):
            text = file.read_text(encoding="utf-8")
            assert len(text.splitlines()) < 400, file
            package = ".".join(file.parent.relative_to(java).parts)
            assert re.search(rf"^package {re.escape(package)};$", text, re.MULTILINE), file


# What a package of the app may import of the others; the way is down.
PACKAGES = {
    "": {"camera"},
    "camera": {"draw", "picture", "measure", "models", "ui"},
    "picture": {"models", "ui"},
    "draw": {"models", "ui"},
    "measure": {"models", "ui"},
    "ui": {"models"},
    "models": set(),
}


def test_packages_of_the_app_import_downwards() -> None:
    root = ANDROID / "app/src/main/java/org/xncaps/demo"
    found = {"", *(folder.name for folder in root.iterdir() if folder.is_dir())}
    assert found == set(PACKAGES)
    for file in root.rglob("*.java"):
        own = "" if file.parent == root else file.parent.name
        imported = re.findall(r"^import org\.xncaps\.demo\.(?:(\w+)\.)?[A-Z]\w+;",
                              file.read_text(encoding="utf-8").replace("demo.R;", ""),
                              re.MULTILINE)  # fmt: skip
        assert set(imported) <= PACKAGES[own] | {own}, (file, imported)


def test_every_string_on_the_screen_is_a_resource() -> None:
    for file in (ANDROID / "app/src/main/res").rglob("layout*/*.xml"):
        for value in re.findall(r'android:(?:text|contentDescription|hint)="([^"]*)"',
                                file.read_text()):  # fmt: skip
            assert value.startswith("@string/"), (file, value)


def test_manifest_asks_for_the_camera_alone_and_exports_four() -> None:
    name = "{http://schemas.android.com/apk/res/android}"
    root = ElementTree.parse(ANDROID / "app/src/main/AndroidManifest.xml").getroot()
    asked = [tag.get(name + "name") for tag in root.findall("uses-permission")]
    assert asked == ["android.permission.CAMERA"]
    application = root.find("application")
    assert application is not None and application.get(name + "allowBackup") == "false"
    exported = {
        tag.get(name + "name"): tag.get(name + "permission")
        for tag in application
        if tag.get(name + "exported") == "true"
    }
    package = "org.xncaps.demo"
    assert exported == {
        f"{package}.camera.CameraActivity": None,
        f"{package}.picture.PictureActivity": None,  # takes pictures that are shared
        f"{package}.measure.BenchmarkActivity": "android.permission.DUMP",
        f"{package}.measure.ResultProvider": "android.permission.DUMP",
    }
    features = {
        tag.get(name + "name"): tag.get(name + "required") for tag in root.findall("uses-feature")
    }
    assert features.pop("android.hardware.camera") == "false"
    assert set(features.values()) == {"false"}


def test_manifest_leaves_to_each_build_what_is_its_own() -> None:
    """AGP refuses `package` and `extractNativeLibs` there; aapt2 alone needs them."""
    name = "{http://schemas.android.com/apk/res/android}"
    root = ElementTree.parse(ANDROID / "app/src/main/AndroidManifest.xml").getroot()
    application = root.find("application")
    assert root.get("package") is None and application is not None
    assert application.get(name + "extractNativeLibs") is None


def test_maven_and_tested_build_have_the_same_versions() -> None:
    numbers = versions.versions()
    properties = ElementTree.parse(ANDROID / "pom.xml").getroot().find(f"{MAVEN}properties")
    assert properties is not None
    own = {tag.tag.removeprefix(MAVEN): tag.text for tag in properties}
    shared = set(own) & set(numbers)
    assert {"androidAll", "tflite", "tfliteMetadata", "robolectric", "junit"} <= shared
    assert {name: own[name] for name in shared} == {name: numbers[name] for name in shared}
    assert own["maven.compiler.release"] == "8"


def test_gradle_project_equals_the_tested_build() -> None:
    """Gradle cannot run here: its numbers all come from versions.properties, its folders exist."""
    numbers = versions.versions()
    settings = (ANDROID / "settings.gradle").read_text()
    modules = re.findall(r"':(\w+)'", settings)
    assert modules == ["core", "delegate", "app"]
    assert "file('versions.properties')" in (ANDROID / "build.gradle").read_text()
    for module in modules:
        text = (ANDROID / module / "build.gradle").read_text()
        for name in re.findall(r"numbers\.(\w+)", text):
            assert name in numbers, (module, name)
        literal = re.findall(r"^\s*(?:minSdk|targetSdk|compileSdk|versionCode)\s+(\S+)", text,
                             re.MULTILINE)  # fmt: skip
        assert all(value.startswith("numbers.") for value in literal), (module, literal)
        assert re.findall(r'"org\.tensorflow:[\w-]+:(\S+)"', text) == re.findall(
            r'"org\.tensorflow:[\w-]+:(\$\{numbers\.\w+\})"', text
        ), module
        assert "VERSION_1_8" in text
        assert (ANDROID / module / "src/main/java").is_dir()
        for path in re.findall(r"path '([^']+)'", text):
            assert (ANDROID / module / path).is_file()
        for rules in re.findall(r"consumerProguardFiles '([^']+)'", text):
            assert (ANDROID / module / rules).is_file()
    folders = {str(folder.relative_to(ANDROID)) for folder in (*apk.SOURCES, apk.CORE)}
    assert folders == {f"{module}/src/main/java" for module in modules}
    assert "abiFilters(*numbers.abis.split(' '))" in (ANDROID / "app/build.gradle").read_text()
    assert str(apk.APP / "res").endswith("app/src/main/res")
    # "packAssets" puts models, their list and the notices where the app looks
    app = (ANDROID / "app/build.gradle").read_text()
    assert "models/list.txt" in app and "addGeneratedSourceDirectory(packAssets)" in app
    assert "'../../LICENSE', '../../NOTICE'" in app and "srcDirs" not in app
    assert "FAIL_ON_PROJECT_REPOS" in (ANDROID / "settings.gradle").read_text()
    wrapper = (ANDROID / "gradle/wrapper/gradle-wrapper.properties").read_text()
    assert f"gradle-{numbers['gradle']}-bin.zip" in wrapper
    for module in ("app", "delegate"):
        text = (ANDROID / module / "build.gradle").read_text()
        assert "ndkVersion numbers.ndk" in text and "FLEXIBLE_PAGE_SIZES=ON" in text
        cmake = (ANDROID / module / "src/main/cpp/CMakeLists.txt").read_text()
        assert f"-z,max-page-size={numbers['pageSize']}" in cmake


def test_versions_in_the_docs_are_those_of_the_build() -> None:
    text = (ROOT / "docs/android.md").read_text(encoding="utf-8")
    numbers = versions.versions()
    assert f"org.tensorflow:tensorflow-lite:{numbers['tflite']}" in text
    assert f"org.xncaps:xncaps-delegate:{native.native_version()}" in text
    assert f"(API {numbers['minSdk']})" in text
