"""`xncaps android`: one line for each thing that is missing; adb by a stand-in that records."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from xncaps_files import tflite

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/android"
ADB = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
cat "$(dirname "$0")/answer"
exit "$(cat "$(dirname "$0")/code")"
"""


def xncaps(
    tmp_path: pathlib.Path, *arguments: str, path: str | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XNCAPS_LOG_DIR": str(tmp_path / "logs")}
    if path is not None:
        environment["PATH"] = path
    return subprocess.run(
        [sys.executable, "-m", "xncaps", "android", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )


def stored(file: pathlib.Path, outputs: np.ndarray) -> None:
    """A stored check as `verify` writes it, for the golden inputs."""
    inputs = np.fromfile(GOLDEN / "digits.inputs.f32", "<f4").reshape(-1, 8, 8, 1)
    np.savez_compressed(
        file.with_name(file.name + ".expected.npz"),
        inputs=inputs,
        outputs=outputs,
        labels=np.full(len(inputs), -1),
        class_names=np.array([str(i) for i in range(10)]),
        tolerance=np.float32(1e-4),
        tolerated_share=np.float32(0),
        source=np.str_("digits"),
        model_sha256=np.str_("0" * 64),
        format_version=np.int64(1),
    )


@pytest.fixture
def model(tmp_path: pathlib.Path) -> pathlib.Path:
    file = tmp_path / "tiny.tflite"
    file.write_bytes((GOLDEN / "tiny_fused.tflite").read_bytes())
    return file


def failed(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("xncaps: ") and done.stderr.count("\n") == 1, done.stderr
    assert words in done.stderr, done.stderr


def test_build_without_a_checkout_says_so(tmp_path: pathlib.Path, model: pathlib.Path) -> None:
    arguments = ["build", "--model", str(model), "-o", str(tmp_path / "a.apk")]
    failed(xncaps(tmp_path, *arguments, "--source", str(tmp_path)), "--source DIR")


def test_build_wants_a_stored_check(tmp_path: pathlib.Path, model: pathlib.Path) -> None:
    done = xncaps(tmp_path, "build", "--model", str(model), "-o", str(tmp_path / "a.apk"))
    failed(done, "tiny.tflite.expected.npz")
    assert "--no-verify" in done.stderr


def test_build_refuses_a_model_that_is_not_what_was_verified(
    tmp_path: pathlib.Path, model: pathlib.Path
) -> None:
    stored(model, np.zeros((16, 10), np.float32))
    done = xncaps(tmp_path, "build", "--model", str(model), "-o", str(tmp_path / "a.apk"))
    failed(done, "stored outputs off by more than 0.0001")
    assert not (tmp_path / "a.apk").exists()


def test_build_refuses_a_model_that_gives_nan(tmp_path: pathlib.Path) -> None:
    model = tmp_path / "nan.tflite"
    data = (GOLDEN / "tiny_float.tflite").read_bytes()
    weights = [t.data for t in tflite.parse(data).main.tensors if t.type == "FLOAT32"]
    largest = max((w.tobytes() for w in weights if w is not None), key=len)
    assert data.count(largest) == 1
    nan = np.full(len(largest) // 4, np.nan, "<f4").tobytes()
    model.write_bytes(data.replace(largest, nan))
    stored(model, np.zeros((16, 10), np.float32))
    done = xncaps(tmp_path, "build", "--model", str(model), "-o", str(tmp_path / "a.apk"))
    failed(done, "Received: 16, the most by nan")
    assert not (tmp_path / "a.apk").exists()


def test_build_refuses_an_op_that_the_app_lacks(
    tmp_path: pathlib.Path, model: pathlib.Path
) -> None:
    model.write_bytes(model.read_bytes().replace(b"XnCapsOdr", b"XnCapsNew"))
    done = xncaps(tmp_path, "build", "--model", str(model), "-o", str(tmp_path / "a.apk"))
    failed(done, "refuses XnCapsNew")


@pytest.mark.parametrize("more", [(), ("--no-verify",)], ids=["verified", "unverified"])
def test_build_refuses_a_composite(tmp_path: pathlib.Path, more: tuple[str, ...]) -> None:
    """A real file of `xncaps convert --to composite`: newer than the app's runtime."""
    model = GOLDEN / "composite.tflite"
    done = xncaps(tmp_path, "build", "--model", str(model), "-o", str(tmp_path / "a.apk"), *more)
    failed(done, "refuses STABLEHLO_COMPOSITE; convert with --to float, fused or lce")
    assert {path.name for path in tmp_path.iterdir()} <= {"logs"}


def test_build_looks_at_the_output_first(tmp_path: pathlib.Path, model: pathlib.Path) -> None:
    for out, words in (
        (tmp_path, "-o: expected the name of an APK"),
        (tmp_path / "app", f"expected the name of an APK, NAME.apk. Received: {tmp_path}/app."),
        (model / "deep" / "a.apk", f"-o: expected a place to write to. Received: {model}"),
    ):
        done = xncaps(tmp_path, "build", "--model", str(model), "-o", str(out))
        failed(done, words)  # and no word of the stored check that is missing


def test_build_takes_one_model(tmp_path: pathlib.Path, model: pathlib.Path) -> None:
    arguments = ["--model", str(model), "--model", str(model), "-o", str(tmp_path / "a.apk")]
    done = xncaps(tmp_path, "build", *arguments)
    assert done.returncode == 2 and "expected one --model. Received: 2" in done.stderr


def test_build_takes_a_model_of_the_zoo_by_its_name(tmp_path: pathlib.Path) -> None:
    """Checked on its stored rows; by a stand-in for the app's build, which prints what it gets."""
    build = tmp_path / "source" / "android_demo" / "tools" / "build.py"
    build.parent.mkdir(parents=True)
    build.write_text("import sys; print(' '.join(sys.argv[1:]))")
    arguments = ["-o", str(tmp_path / "a.apk"), "--source", str(tmp_path / "source")]
    done = xncaps(tmp_path, "build", "--model", "zoo:mnist-cnn-xnodr", *arguments)
    assert done.returncode == 0, done.stderr
    checked, built = done.stdout.splitlines()
    assert checked.startswith("checked: 16 stored outputs by litert+xncaps")
    file = ROOT / "zoo" / "mnist-cnn-xnodr" / "mnist-cnn-xnodr.tflite"
    assert built == f"apk --model {file} --out {tmp_path / 'a.apk'}"
    done = xncaps(tmp_path, "build", "--model", "zoo:nothing", *arguments)
    assert done.returncode == 2 and "expected a file or the name of a trained model" in done.stderr


def test_build_refuses_what_is_not_there(tmp_path: pathlib.Path) -> None:
    done = xncaps(tmp_path, "build", "--model", str(tmp_path / "no"), "-o", str(tmp_path / "a.apk"))
    failed(done, "no, which is not there")


@pytest.fixture
def adb(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "adb").write_text(ADB)
    (folder / "adb").chmod(0o755)
    (folder / "answer").write_text("Success\n")
    (folder / "code").write_text("0")
    return folder


def test_run_installs_and_starts(tmp_path: pathlib.Path, adb: pathlib.Path) -> None:
    apk = tmp_path / "a.apk"
    apk.write_bytes(b"PK")
    done = xncaps(tmp_path, "run", str(apk), "-s", "emu", path=f"{adb}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert (adb / "calls").read_text().splitlines() == [
        f"-s emu install -r {apk}",
        "-s emu shell am start -W -n org.xncaps.demo/.camera.CameraActivity",
    ]
    assert "installed a.apk" in done.stdout and "started org.xncaps.demo" in done.stdout


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ("adb: device unauthorized.\n", "1", "device unauthorized"),
        ("error: more than one device/emulator\n", "1", "more than one device"),
        ("Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE]\n", "0", "INSUFFICIENT_STORAGE"),
    ],
    ids=["unauthorised", "several", "full"],
)
def test_install_passes_on_what_adb_says(
    answer: str, code: str, words: str, tmp_path: pathlib.Path, adb: pathlib.Path
) -> None:
    (adb / "answer").write_text(answer)
    (adb / "code").write_text(code)
    apk = tmp_path / "a.apk"
    apk.write_bytes(b"PK")
    done = xncaps(tmp_path, "install", str(apk), path=f"{adb}:{os.environ['PATH']}")
    failed(done, words)


def test_what_is_no_apk_is_not_written_over(model: pathlib.Path, tmp_path: pathlib.Path) -> None:
    kept = model.read_bytes()
    arguments = ("build", "--model", str(model), "--no-verify", "-o")
    named = "-o: expected the name of an APK, NAME.apk. Received: "
    failed(xncaps(tmp_path, *arguments, str(model)), named)
    assert model.read_bytes() == kept
    network = tmp_path / "m.keras"  # a ZIP file, as an APK is
    network.write_bytes(b"PK\x03\x04")
    failed(xncaps(tmp_path, *arguments, str(network)), named)
    (tmp_path / "m.apk").write_text("notes")
    failed(
        xncaps(tmp_path, *arguments, str(tmp_path / "m.apk")), "an older APK to replace. Received: "
    )
    os.mkfifo(tmp_path / "pipe.tflite")
    arguments = ("build", "--model", str(tmp_path / "pipe.tflite"), "-o", str(tmp_path / "a.apk"))
    failed(xncaps(tmp_path, *arguments), "--model: expected a .tflite file")


def test_install_without_adb_or_apk_says_so(tmp_path: pathlib.Path) -> None:
    failed(xncaps(tmp_path, "install", str(tmp_path / "no.apk")), "expected an APK")
    (tmp_path / "a.apk").write_bytes(b"PK")
    done = xncaps(tmp_path, "install", str(tmp_path / "a.apk"), path=str(tmp_path))
    failed(done, "apt-get install adb")
