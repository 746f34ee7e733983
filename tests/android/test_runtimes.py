"""An AAR that a user downloaded, the cards of the Models screen, and which models are packed."""

from __future__ import annotations

import json
import pathlib
import struct
import types
import zipfile

import pytest
from xncaps_android import apk, artifacts, cards, native, runtimes
from xncaps_android.commands import BuildError, run
from xncaps_android.folders import ANDROID
from xncaps_android.versions import abis


def aar(
    folder: pathlib.Path,
    libraries: dict[str, pathlib.Path],
    classes: tuple[str, ...] = runtimes.CLASSES,
) -> pathlib.Path:
    with zipfile.ZipFile(folder / "classes.jar", "w") as jar:
        for name in classes:
            jar.writestr(name, b"\xca\xfe\xba\xbe")
    out = folder / "runtime.aar"
    with zipfile.ZipFile(out, "w") as archive:
        archive.write(folder / "classes.jar", "classes.jar")
        for abi, library in libraries.items():
            archive.write(library, f"jni/{abi}/{runtimes.LIBRARY}")
    return out


@pytest.fixture
def aligned(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> dict[str, pathlib.Path]:
    """Libraries whose segments are of 16 KiB: our own."""
    artifacts.fetch()
    monkeypatch.setattr(runtimes, "BUILD", tmp_path / "build")
    return {abi: native.build(abi)[0] for abi in abis()}


@pytest.mark.slow
def test_an_aar_with_all_in_it_is_taken(
    tmp_path: pathlib.Path, aligned: dict[str, pathlib.Path]
) -> None:
    runtime = runtimes.of_file(aar(tmp_path, aligned))
    assert len(runtime.jars) == 1 and set(runtime.libraries) == set(abis())
    for abi, library in runtime.libraries.items():
        assert library.read_bytes() == aligned[abi].read_bytes()


@pytest.mark.slow
def test_classes_of_the_api_may_come_from_its_own_artifact(
    tmp_path: pathlib.Path, aligned: dict[str, pathlib.Path]
) -> None:
    only = tuple(name for name in runtimes.CLASSES if "Interpreter" in name)
    assert len(runtimes.of_file(aar(tmp_path, aligned, only)).jars) == 2


@pytest.mark.slow
def test_an_aar_without_an_abi_is_refused(
    tmp_path: pathlib.Path, aligned: dict[str, pathlib.Path]
) -> None:
    del aligned["arm64-v8a"]
    with pytest.raises(BuildError, match="expected jni/arm64-v8a/libtensorflowlite_jni.so in it"):
        runtimes.of_file(aar(tmp_path, aligned))


@pytest.mark.slow
def test_an_aar_for_pages_of_4_kib_is_refused(
    tmp_path: pathlib.Path, aligned: dict[str, pathlib.Path]
) -> None:
    """Maven Central's TensorFlow Lite 2.16.1 is one."""
    maven = {abi: artifacts.JNI / abi / runtimes.LIBRARY for abi in abis()}
    with pytest.raises(BuildError, match="expected segments of 16384 bytes .*, got 4096"):
        runtimes.of_file(aar(tmp_path, maven))


def stub(folder: pathlib.Path, abi: str, page: int) -> pathlib.Path:
    """A library in TensorFlow Lite's place, linked for pages of this size."""
    compiler = {"x86_64": "gcc", "arm64-v8a": "aarch64-linux-gnu-gcc"}[abi]
    out = folder / f"{abi}-{page}.so"
    code = folder / "stub.c"
    code.write_text("int counted = 1;\nint count(void) { return ++counted; }\n")
    pages = [f"-Wl,-z,max-page-size={page}", f"-Wl,-z,common-page-size={page}"]
    run([compiler, "-shared", "-nostdlib", "-fPIC", *pages, code, "-o", out])
    return out


def relabelled(library: pathlib.Path, page: int) -> pathlib.Path:
    """The same segments at the same places, said to be aligned to `page`."""
    content = bytearray(library.read_bytes())
    (start,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    for header in range(start, start + size * count, size):
        if struct.unpack_from("<I", content, header) == (1,):  # PT_LOAD
            struct.pack_into("<Q", content, header + 48, page)
    out = library.with_name("relabelled.so")
    out.write_bytes(content)
    return out


def test_pages_are_those_that_the_segments_fit(tmp_path: pathlib.Path) -> None:
    small = stub(tmp_path, "x86_64", 4096)
    assert runtimes.largest_page(small) == 4096
    assert runtimes.largest_page(stub(tmp_path, "x86_64", 16384)) == 16384
    # What segments say of themselves is not enough: these would lie on one page.
    assert runtimes.largest_page(relabelled(small, 16384)) == 4096
    run(["gcc", "-c", tmp_path / "stub.c", "-o", tmp_path / "stub.o"])
    with pytest.raises(BuildError, match="stub.o: expected a shared library with segments to load"):
        runtimes.largest_page(tmp_path / "stub.o")


@pytest.mark.slow
@pytest.mark.parametrize("page", [16384, 4096])
def test_a_whole_apk_with_a_runtime_of_ones_own(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    build_command: types.ModuleType,
    page: int,
) -> None:
    """TensorFlow Lite's own classes with libraries for either size of pages, by the command."""
    artifacts.fetch()
    given = tmp_path / "runtime.aar"
    with zipfile.ZipFile(given, "w") as archive:
        archive.write(artifacts.TFLITE, "classes.jar")
        for abi in abis():
            archive.write(stub(tmp_path, abi, page), f"jni/{abi}/{runtimes.LIBRARY}")
    out = tmp_path / "app.apk"
    code = build_command.main(
        ["apk", "--model", str(ANDROID / "models/digits.tflite"), "--runtime", str(given),
         "-o", str(out)]
    )  # fmt: skip
    said = capsys.readouterr()
    if page == 4096:
        assert code == 1 and not out.exists() and said.out == ""
        assert said.err.count("\n") == 1
        assert "expected segments of 16384 bytes" in said.err and "got 4096" in said.err
        return
    assert code == 0, said.err
    pages = [line for line in said.out.splitlines() if line.startswith("pages: ")]
    assert len(pages) == 3 * len(abis()), said.out
    assert all(" loads where they have 16384 bytes" in line for line in pages), said.out
    with zipfile.ZipFile(out) as archive:
        for abi in abis():
            packed = archive.read(f"lib/{abi}/{runtimes.LIBRARY}")
            assert packed == (tmp_path / f"{abi}-{page}.so").read_bytes()


def test_what_is_no_aar_is_refused(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "x.aar"
    for content in (b"", b"no zip"):
        file.write_bytes(content)
        with pytest.raises(BuildError, match="expected an AAR, got"):
            runtimes.of_file(file)
    with pytest.raises(BuildError, match="expected an AAR, got .*No such file"):
        runtimes.of_file(tmp_path / "none.aar")
    file.write_bytes(b"")
    with zipfile.ZipFile(file, "w"):
        pass
    with pytest.raises(BuildError, match="expected classes.jar in it"):
        runtimes.of_file(file)


def told(**changes: object) -> dict[str, object]:
    return {
        "format_version": 1, "name": "m", "title": "Goods, a net",
        "accuracy": {"file": {"accuracy": 0.875, "images": 8}},
        "data": {"licence": "MIT", "source": "someone"}, **changes,
    }  # fmt: skip


def test_the_screens_card_is_the_zoos(tmp_path: pathlib.Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps(told()))
    assert cards.card(tmp_path / "m.tflite") == {
        "title": "Goods, a net", "accuracy": 0.875, "images": 8, "licence": "MIT",
        "source": "someone",
    }  # fmt: skip
    assert cards.card(tmp_path / "another.tflite") is None
    assert cards.card(tmp_path / "none" / "m.tflite") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "expected a card of the zoo"),
        ("{", "expected a card of the zoo"),
        (json.dumps({"name": "m"}), "expected a card of the zoo, got KeyError"),
        (json.dumps(told(format_version=2)), "expected a card of the zoo.*format_version 2, not 1"),
        (
            json.dumps(told(accuracy={"file": {"accuracy": 7, "images": 8}})),
            "accuracy: expected 0 to 1, got 7",
        ),
    ],
)
def test_a_card_that_says_something_else_is_refused(
    content: str, words: str, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "card.json").write_text(content)
    with pytest.raises(BuildError, match=words):
        cards.card(tmp_path / "m.tflite")


def test_models_are_packed_in_order_with_their_cards(tmp_path: pathlib.Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps(told()))
    files = [tmp_path / name for name in ("z.tflite", "m.tflite")]
    for file in files:
        file.write_bytes(b"model")
    apk._copy_models(files, tmp_path / "out")
    assert (tmp_path / "out/list.txt").read_text() == "z.tflite\nm.tflite\n"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "list.txt", "z.tflite", "m.tflite", "m.json"
    }  # fmt: skip
    with pytest.raises(BuildError, match="expected models of different names, got .*z.tflite"):
        apk._copy_models([files[0], files[0]], tmp_path / "twice")
    with pytest.raises(BuildError, match="expected models of different names, got none"):
        apk._copy_models([], tmp_path / "empty")


def test_the_app_always_has_a_model_of_digits(
    tmp_path: pathlib.Path, build_command: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = build_command
    monkeypatch.setattr(build, "ROOT", tmp_path)
    assert build.default_models() == [build.DIGITS]
    for name in ("grocery-lite0-xnodr-int8", "mnist-cnn-xnodr"):
        folder = tmp_path / "zoo" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.tflite").write_bytes(b"")
        found = [path.stem for path in build.default_models()]
        assert found[0] == "grocery-lite0-xnodr-int8"
        assert found[-1] == ("digits" if name.startswith("grocery") else "mnist-cnn-xnodr")
