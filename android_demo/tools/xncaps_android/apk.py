"""The app: aapt2, javac, ProGuard as desugarer, dx, zipalign, apksigner, and then the gates."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
from collections.abc import Sequence

from xncaps_android import archive, artifacts, cards, checks, gates, model, native, runtimes
from xncaps_android.commands import BuildError, run
from xncaps_android.folders import ANDROID, BUILD, ROOT, fresh, locked
from xncaps_android.versions import abis, versions

PACKAGE = "org.xncaps.demo"
APP = ANDROID / "app/src/main"
SOURCES = (ANDROID / "delegate/src/main/java", APP / "java")
CORE = ANDROID / "core/src/main/java"
DEBUG_ALIAS = "androiddebugkey"
PASSWORD = "XNCAPS_KEYSTORE_PASSWORD"


def build(
    model_files: Sequence[pathlib.Path],
    out: pathlib.Path,
    *,
    label: str | None = None,
    keystore: pathlib.Path | None = None,
    runtime: pathlib.Path | None = None,
    work: pathlib.Path | None = None,
    most_bytes: int | None = None,
) -> list[str]:
    """Packs models into a signed APK, the first in use; returns what the gates found, a line each.

    `runtime` is a TensorFlow Lite or LiteRT AAR in place of Maven Central's; a larger APK than
    `most_bytes` is refused.

    Nothing is left at `out` of a build that failed but what was there before.
    """
    for model_file in model_files:
        model.check(model_file)
    key = signing_key(keystore)
    artifacts.fetch()
    libraries = runtimes.of_maven() if runtime is None else runtimes.of_file(runtime)
    with locked("apk"):
        work = fresh(work or BUILD / "apk")
        resources = compile_resources(work, model_files, label)
        dex = _dex(work, _classes(work), libraries)
        unsigned = _assemble(work, resources, dex, libraries)
        aligned = work / "aligned.apk"
        run(["zipalign", "-f", "4", unsigned, aligned])
        signed = work / "app.apk"
        sign(aligned, signed, key)
        return publish(signed, out, most_bytes)


def publish(signed: pathlib.Path, out: pathlib.Path, most_bytes: int | None = None) -> list[str]:
    """Moves an APK to its place once it has passed the gates; one that has not is deleted."""
    part = out.with_name(out.name + ".part")
    try:
        report = gates.check_apk(signed, most_bytes)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(signed, part)
        os.replace(part, out)
    except BuildError:
        signed.unlink()
        raise
    except OSError as error:
        raise BuildError(f"{out}: {error.strerror}") from None
    finally:
        if part.exists():
            part.unlink()
    return report


def compile_resources(
    work: pathlib.Path, model_files: Sequence[pathlib.Path], label: str | None = None
) -> pathlib.Path:
    """Compiles res/, links it with the manifest and the assets; R.java goes to work/gen."""
    numbers = versions()
    assets = fresh(work / "assets")
    _copy_models(model_files, assets / "models")
    for name in ("LICENSE", "NOTICE"):
        shutil.copyfile(ROOT / name, assets / name)
    res = fresh(work / "res")
    shutil.copytree(APP / "res", res, dirs_exist_ok=True)
    if label is not None:
        _rename(res / "values/strings.xml", label)
    run(["aapt2", "compile", "--dir", res, "-o", work / "res.zip"])
    linked = work / "resources.apk"
    run(
        ["aapt2", "link", "-I", artifacts.ANDROID_JAR, "--manifest", manifest(work),
         "--java", fresh(work / "gen"), "-A", assets, "-0", ".tflite", "--auto-add-overlay",
         "--min-sdk-version", numbers["minSdk"], "--target-sdk-version", numbers["targetSdk"],
         "--version-code", numbers["versionCode"], "--version-name", numbers["versionName"],
         "-o", linked, work / "res.zip"]
    )  # fmt: skip
    return linked


def manifest(work: pathlib.Path) -> pathlib.Path:
    """The manifest with what aapt2 needs in it and Gradle has elsewhere.

    Libraries stay compressed in the APK: Debian's zipalign cannot align them to pages.
    """
    text = (APP / "AndroidManifest.xml").read_text(encoding="utf-8")
    # Gradle puts the application's id in; a variant with a suffix has another one.
    text = text.replace("${applicationId}", PACKAGE)
    package = f'<manifest package="{PACKAGE}"'
    text = text.replace("<manifest", package, 1)
    text = text.replace("<application", '<application android:extractNativeLibs="true"', 1)
    made = work / "AndroidManifest.xml"
    made.write_text(text, encoding="utf-8")
    return made


def _copy_models(model_files: Sequence[pathlib.Path], folder: pathlib.Path) -> None:
    """The models, their cards, what checks them, and the list with the order that the app shows."""
    folder.mkdir()
    names = [asset_name(file) for file in model_files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names:
        raise BuildError(f"--model: expected models of different names, got {twice or 'none'}")
    for file, name in zip(model_files, names, strict=True):
        shutil.copyfile(file, folder / name)
        card = cards.card(file)
        if card is not None:
            text = json.dumps(card, indent=1, sort_keys=True)
            (folder / name).with_suffix(".json").write_text(text + "\n", encoding="utf-8")
        check = checks.check(file)
        if check is not None:
            (folder / name).with_suffix(".check").write_bytes(check)
    (folder / "list.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def asset_name(model_file: pathlib.Path) -> str:
    """A name that is safe in an asset path and in a URL, ending in .tflite."""
    stem = "".join(c if c.isalnum() or c in "-_." else "_" for c in model_file.stem) or "model"
    return f"{stem}.tflite"


def _rename(strings: pathlib.Path, label: str) -> None:
    from xml.sax.saxutils import escape

    if not label.strip() or any(ord(c) < 32 for c in label):
        raise BuildError(f"--label: expected a line of text, got {label!r}")
    text = strings.read_text(encoding="utf-8")
    start = text.index('<string name="app_name">') + len('<string name="app_name">')
    end = text.index("</string>", start)
    # aapt2 reads \ ' " @ ? as its own signs
    quoted = "".join("\\" + c if c in "\\'\"" or c in "@?" and i == 0 else c
                     for i, c in enumerate(label))  # fmt: skip
    strings.write_text(text[:start] + escape(quoted) + text[end:], encoding="utf-8")


def _classes(work: pathlib.Path) -> pathlib.Path:
    """Compiles core/ alone first: it may see no class of Android."""
    classes = fresh(work / "classes")
    libraries = [str(jar) for jar in artifacts.LIBRARIES]
    javac = ["javac", "--release", "8", "-encoding", "UTF-8", "-Xlint:all,-options", "-Werror",
             "-d", classes]  # fmt: skip
    core_libraries = ":".join(str(jar) for jar in (artifacts.METADATA, artifacts.FLATBUFFERS))
    run([*javac, "-cp", core_libraries, *_java(CORE)])
    path = ":".join([str(artifacts.ANDROID_JAR), *libraries, str(classes)])
    sources = [file for folder in (*SOURCES, work / "gen") for file in _java(folder)]
    # android-all has deprecated calls that minSdk 26 still needs, and annotations of other jars
    run([*javac[:5], "-Xlint:-options", "-nowarn", "-d", classes, "-cp", path, *sources])
    return classes


def _java(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.rglob("*.java"))


def _dex(work: pathlib.Path, classes: pathlib.Path, runtime: runtimes.Runtime) -> bytes:
    jar = work / "desugared.jar"
    # flatbuffers-java has lambdas too
    inside = [classes, artifacts.METADATA, artifacts.FLATBUFFERS]
    libraries = [artifacts.ANDROID_JAR, *runtime.jars]
    run(
        ["java", "-cp", artifacts.proguard_class_path(), "proguard.ProGuard",
         *[word for part in inside for word in ("-injars", f"{part}(!META-INF/**)")],
         "-outjars", jar,
         *[word for library in libraries for word in ("-libraryjars", str(library))],
         "-libraryjars", "<java.home>/jmods/java.base.jmod(!**.jar;!module-info.class)",
         "-target", "1.7", "-dontshrink", "-dontoptimize", "-dontobfuscate", "-dontnote",
         "-dontwarn", "-keepattributes", "*"]
    )  # fmt: skip
    folder = fresh(work / "dex")
    ours = work / "desugared-sorted.jar"
    archive.write(ours, archive.read(jar))
    run(
        ["java", "-cp", artifacts.DX, "com.android.dx.command.Main", "--dex",
         f"--min-sdk-version={versions()['minSdk']}", f"--output={folder}", ours,
         *runtime.jars]
    )  # fmt: skip
    return (folder / "classes.dex").read_bytes()


def _assemble(
    work: pathlib.Path, resources: pathlib.Path, dex: bytes, runtime: runtimes.Runtime
) -> pathlib.Path:
    files = archive.read(resources)
    files["classes.dex"] = dex
    for abi in abis():
        files[f"lib/{abi}/{gates.RUNTIME}"] = runtime.libraries[abi].read_bytes()
        for library in native.build(abi):
            files[f"lib/{abi}/{library.name}"] = library.read_bytes()
    unsigned = work / "unsigned.apk"
    archive.write(unsigned, files, stored=(".tflite", "resources.arsc", ".png"))
    return unsigned


def signing_key(keystore: pathlib.Path | None) -> list[str | pathlib.Path]:
    """apksigner's words for a key of the user's, whose password comes from the environment."""
    if keystore is None:
        store, alias = debug_keystore(), DEBUG_ALIAS
        password = "pass:android"
    else:
        if not keystore.is_file():
            raise BuildError(f"--keystore: expected a file. Received: {keystore}")
        if PASSWORD not in os.environ:
            raise BuildError(
                f"--keystore: expected its password in the variable {PASSWORD} "
                "(and XNCAPS_KEY_ALIAS, where it has more than one key)"
            )
        store, alias = keystore, os.environ.get("XNCAPS_KEY_ALIAS")
        password = f"env:{PASSWORD}"
    return ["--ks", store, "--ks-pass", password, *(["--ks-key-alias", alias] if alias else [])]


def sign(aligned: pathlib.Path, signed: pathlib.Path, key: list[str | pathlib.Path]) -> None:
    """Signs by the schemes v2 and v3, which every Android from minSdk on checks."""
    run(
        ["apksigner", "sign", *key, "--min-sdk-version", versions()["minSdk"],
         "--v1-signing-enabled", "false", "--v4-signing-enabled", "false",
         "--out", signed, aligned]
    )  # fmt: skip


def debug_keystore() -> pathlib.Path:
    """The debug key of this checkout, made at first use; outlives `make clean` of the build."""
    store = ROOT / ".make" / "android-debug.keystore"
    if not store.exists():
        store.parent.mkdir(exist_ok=True)
        run(
            ["keytool", "-genkeypair", "-keystore", store, "-storetype", "PKCS12",
             "-storepass", "android", "-keypass", "android", "-alias", DEBUG_ALIAS,
             "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000",
             "-dname", "CN=Android Debug,O=Android,C=US"]
        )  # fmt: skip
    return store
