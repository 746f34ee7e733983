"""Every gate of the APK's build fails on a real fault, in one line, and leaves no APK behind."""

from __future__ import annotations

import pathlib
import shutil
import sys
import types
from collections.abc import Callable

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ANDROID = ROOT / "android_demo"
sys.path.insert(0, str(ANDROID / "tools"))

from xncaps_android import apk, archive, artifacts, commands, folders, gates  # noqa: E402

PAGES = "-Wl,-z,max-page-size={0},-z,common-page-size={0}"
BARE = ("-nostdlib", PAGES.format(16384))
GOOD = "int f(int x) { return x + 1; }"
# name -> (C, what gcc is told, what the gate says)
FAULTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "4 KiB pages": (
        GOOD,
        ("-nostdlib", PAGES.format(4096)),
        "expected pages of 16384 bytes, got {'0x1000'}",
    ),
    "glibc": (
        '#include <stdio.h>\nint f(void) { return puts("x"); }',
        (PAGES.format(16384),),
        r"expected to need \[.*\] at most, got \['libc.so.6'\]",
    ),
    "symbol of a later Android": (
        "int memfd_create(const char *, unsigned);\nint f(void) { return memfd_create(0, 0); }",
        BARE,
        r"expected bionic's symbols alone, got \['memfd_create'\]",
    ),
    "symbol of the NDK's crtbegin_so.o": (
        "int pthread_atfork(void *, void *, void *);\n"
        "int f(void) { return pthread_atfork(0, 0, 0); }",
        BARE,
        r"expected bionic's symbols alone, got \['pthread_atfork'\]",
    ),
    "thread-local": (
        "__thread int x;\nint *f(void) { return &x; }",
        BARE,
        "expected no thread-local variables",
    ),
    "text relocation": (
        GOOD + '\n__asm__(".text\\n.quad f\\n");',
        (*BARE, "-Wl,-z,notext"),
        "expected no text relocations",
    ),
    "symbol versions": (
        GOOD,
        (*BARE, "-Wl,--default-symver"),
        "expected no symbol versions",
    ),
}


def library(folder: pathlib.Path, code: str, options: tuple[str, ...]) -> pathlib.Path:
    (folder / "x.c").write_text(code + "\n")
    out = folder / gates.DELEGATE
    commands.run(["gcc", "-shared", "-fPIC", "-w", folder / "x.c", *options, "-o", out])
    return out


@pytest.mark.parametrize("fault", FAULTS)
def test_library_with_a_fault_is_refused(fault: str, tmp_path: pathlib.Path) -> None:
    code, options, words = FAULTS[fault]
    with pytest.raises(commands.BuildError, match=words) as error:
        gates.check_library(library(tmp_path, code, options))
    assert str(error.value).startswith(gates.DELEGATE) and "\n" not in str(error.value)


def test_library_without_a_fault_passes(tmp_path: pathlib.Path) -> None:
    gates.check_library(library(tmp_path, GOOD, BARE))


Built = tuple[pathlib.Path, list[str]]


def signed(
    built: Built, folder: pathlib.Path, replaced: dict[str, bytes], *, without: str | None = None
) -> pathlib.Path:
    """The built APK with other entries, aligned and signed as the build does it."""
    files = archive.read(built[0] / "work/aligned.apk") | replaced
    if without is not None:
        files = {name: content for name, content in files.items() if not name.startswith(without)}
    archive.write(folder / "odd.apk", files, stored=(".tflite", "resources.arsc", ".png"))
    commands.run(["zipalign", "-f", "4", folder / "odd.apk", folder / "aligned.apk"])
    apk.sign(folder / "aligned.apk", folder / "signed.apk", apk.signing_key(None))
    return folder / "signed.apk"


def with_a_lambda(built: Built, folder: pathlib.Path, _: pytest.MonkeyPatch) -> pathlib.Path:
    """dx takes a lambda that nobody desugared, without a word."""
    (folder / "L.java").write_text("class L { Runnable r = () -> System.gc(); }\n")
    commands.run(["javac", "--release", "8", "-Xlint:-options", "-d", folder, folder / "L.java"])
    archive.write(folder / "l.jar", {"L.class": (folder / "L.class").read_bytes()})
    commands.run(
        ["java", "-cp", artifacts.DX, "com.android.dx.command.Main", "--dex",
         "--min-sdk-version=26", f"--output={folder}", folder / "l.jar"]
    )  # fmt: skip
    return signed(built, folder, {"classes.dex": (folder / "classes.dex").read_bytes()})


def with_a_library(fault: str) -> Callable[[Built, pathlib.Path, pytest.MonkeyPatch], pathlib.Path]:
    def make(built: Built, folder: pathlib.Path, _: pytest.MonkeyPatch) -> pathlib.Path:
        code, options, _words = FAULTS[fault]
        content = library(folder, code, options).read_bytes()
        return signed(built, folder, {f"lib/x86_64/{gates.DELEGATE}": content})

    return make


def without_an_abi(built: Built, folder: pathlib.Path, _: pytest.MonkeyPatch) -> pathlib.Path:
    return signed(built, folder, {}, without="lib/arm64-v8a/")


def without_a_library(built: Built, folder: pathlib.Path, _: pytest.MonkeyPatch) -> pathlib.Path:
    return signed(built, folder, {}, without=f"lib/arm64-v8a/{gates.AFFINITY}")


def with_the_network(
    built: Built, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> pathlib.Path:
    """Another permission in the manifest."""
    shutil.copytree(apk.APP, folder / "main")
    manifest = folder / "main/AndroidManifest.xml"
    asked = '<uses-permission android:name="android.permission.CAMERA" />'
    text = manifest.read_text(encoding="utf-8")
    assert asked in text
    manifest.write_text(text.replace(asked, asked + asked.replace("CAMERA", "INTERNET")))
    monkeypatch.setattr(apk, "APP", folder / "main")
    linked = apk.compile_resources(folder / "work", [ANDROID / "models/digits.tflite"])
    binary = archive.read(linked)["AndroidManifest.xml"]
    return signed(built, folder, {"AndroidManifest.xml": binary})


def tampered(built: Built, folder: pathlib.Path, _: pytest.MonkeyPatch) -> pathlib.Path:
    """One byte of the signed model is another."""
    content = bytearray((built[0] / "app.apk").read_bytes())
    content[content.index(b"TFL3") + 5000] ^= 1
    (folder / "signed.apk").write_bytes(content)
    return folder / "signed.apk"


def unsigned(built: Built, folder: pathlib.Path, _: pytest.MonkeyPatch) -> pathlib.Path:
    return pathlib.Path(shutil.copy(built[0] / "work/aligned.apk", folder / "signed.apk"))


def by_an_old_scheme(built: Built, folder: pathlib.Path, _: pytest.MonkeyPatch) -> pathlib.Path:
    out = folder / "signed.apk"
    apk.sign(
        built[0] / "work/aligned.apk",
        out,
        [*apk.signing_key(None), "--v3-signing-enabled", "false"],
    )
    return out


def misaligned(built: Built, folder: pathlib.Path, _: pytest.MonkeyPatch) -> pathlib.Path:
    """Stored entries one byte off: Android maps the model from the APK."""
    out = folder / "signed.apk"
    files = {"a": b"1", **archive.read(built[0] / "work/aligned.apk")}
    archive.write(out, files, stored=("a", ".tflite"))
    return out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (with_a_lambda, "classes.dex: expected no invoke-custom"),
        (with_a_library("4 KiB pages"), FAULTS["4 KiB pages"][2]),
        (with_a_library("symbol of a later Android"), "expected bionic's symbols alone"),
        (with_a_library("glibc"), "at most, got"),
        (without_an_abi, "badging: expected abis"),
        (without_a_library, "expected lib/arm64-v8a/libxncaps_affinity.so in the APK"),
        (with_the_network, "badging: expected permissions .* got .*INTERNET"),
        (tampered, "signed.apk: expected a signature that verifies"),
        (unsigned, "signed.apk: expected a signature that verifies"),
        (by_an_old_scheme, r"expected signatures v2 and v3, got \['v2'\]"),
        (misaligned, "expected entries aligned to 4 bytes"),
    ],
    ids=[
        "invoke-custom", "pages", "bionic", "glibc", "abi", "library", "permission", "tampered",
        "unsigned", "scheme", "alignment",
    ],
)  # fmt: skip
def test_apk_with_a_fault_gets_nowhere(
    make: Callable[[Built, pathlib.Path, pytest.MonkeyPatch], pathlib.Path],
    words: str,
    built: Built,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, out = make(built, tmp_path, monkeypatch), tmp_path / "out/app.apk"
    with pytest.raises(commands.BuildError, match=words):
        apk.publish(bad, out)
    assert not bad.exists() and not out.exists()
    assert not out.parent.exists() or not list(out.parent.iterdir())


def test_an_apk_that_is_too_large_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "app.apk").write_bytes(bytes(26))
    with pytest.raises(commands.BuildError, match="app.apk: expected at most 25 bytes, got 26"):
        apk.publish(tmp_path / "app.apk", tmp_path / "out.apk", 25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_apk_without_a_fault_gets_through(built: Built, tmp_path: pathlib.Path) -> None:
    """The way in which the faults are made is none by itself."""
    report = apk.publish(signed(built, tmp_path, {}), tmp_path / "out/app.apk")
    assert report[0] == "signature: v2, v3" and report[1].endswith("no invoke-custom")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["app.apk"]


@pytest.mark.slow
def test_whole_build_with_a_fault_says_one_line(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    build_command: types.ModuleType,
) -> None:
    """The command itself, with a signer that spoils what it signed; an older APK stays."""
    honest = apk.sign

    def spoil(aligned: pathlib.Path, out: pathlib.Path, key: list[str | pathlib.Path]) -> None:
        honest(aligned, out, key)
        content = bytearray(out.read_bytes())
        content[content.index(b"TFL3") + 5000] ^= 1
        out.write_bytes(content)

    monkeypatch.setattr(apk, "sign", spoil)
    out = tmp_path / "app.apk"
    out.write_bytes(b"older")
    assert build_command.main(["apk", "-o", str(out)]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("android: app.apk: expected a signature that verifies")
    assert said.err.count("\n") == 1 and said.out == ""
    assert out.read_bytes() == b"older" and list(tmp_path.iterdir()) == [out]
    assert not (folders.BUILD / "apk/app.apk").exists()
