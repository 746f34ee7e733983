"""For C and C++ users: `cmake --install`, the CMake package, examples/cpp; the structs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import runtime_models as make

ROOT = Path(__file__).parents[2]


def cmake(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["cmake", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_example_builds_against_the_installed_package(tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    cmake("-S", ROOT / "native", "-B", tmp_path / "library", f"-DCMAKE_INSTALL_PREFIX={prefix}")
    cmake("--build", tmp_path / "library")
    cmake("--install", tmp_path / "library")
    assert (prefix / "include/xncaps/xncaps.h").is_file()
    [library] = prefix.glob("lib*/**/libxncaps_delegate.so")
    dynamic = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True)
    assert "soname: [libxncaps_delegate.so.0]" in dynamic.stdout
    example = tmp_path / "example"
    cmake("-S", ROOT / "examples/cpp", "-B", example, f"-DCMAKE_PREFIX_PATH={prefix}")
    cmake("--build", example)
    for name in ("delegate", "delegate_static"):
        run = [str(example / name)]
        out = subprocess.run(run, capture_output=True, text=True, check=True).stdout
        assert out.startswith("xncaps ") and "kernels" in out
        bad = {**os.environ, "XNCAPS_ISA": "mmx"}
        refused = subprocess.run(run, capture_output=True, text=True, check=False, env=bad)
        assert refused.returncode == 1
        assert "XNCAPS_ISA: expected one of scalar" in refused.stderr
    linked = subprocess.run(["readelf", "-d", run[0]], capture_output=True, text=True, check=True)
    assert "libxncaps" not in linked.stdout


def test_pip_says_in_one_line_that_a_compiler_is_missing(tmp_path: Path) -> None:
    missing = {"CC": "/no/such/cc", "CXX": "/no/such/c++"}
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index",
         f"--config-settings=build-dir={tmp_path / 'build'}", "--wheel-dir", tmp_path / "wheels",
         ROOT / "native"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **missing},
    )  # fmt: skip
    assert done.returncode != 0
    said = (done.stdout + done.stderr).splitlines()
    lines = [line for line in said if "install a C++17 compiler (Debian: apt-get install" in line]
    assert len(lines) == 1 and "xncaps-runtime is built from C++ source" in lines[0], said


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("probe") / "probe.so"
    source = ROOT / "native/test/probe_delegate.cc"
    flags = ["-std=gnu++17", "-shared", "-fPIC", f"-I{ROOT / 'native'}"]
    subprocess.run(["g++", *flags, "-o", str(library), str(source)], check=True)
    return library


def test_structs_are_those_of_the_runtime(
    stock: Any, probe: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kernel = np.linspace(-1, 1, 5 * 3 * 8 * 4, dtype=np.float32).reshape(5, 3, 8, 4)
    constants = [make.pack_bits(kernel), make.channel_scale(kernel)]
    model = make.caps_model("XnCapsOdr", constants, (2, 5, 8), (2, 3, 4))
    with pytest.raises((RuntimeError, ValueError)) as error:
        stock.open(model, delegate=stock.load(str(probe), {})).allocate_tensors()
    said = str(error.value) + capfd.readouterr().err
    assert "probe ok" in said, said
