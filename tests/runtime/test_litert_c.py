"""LiteRT 2 from C: registering beside its own accelerators, and the structs that it passes."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path
from typing import Any

import ai_edge_litert
import numpy as np
import pytest

from xncaps_runtime import Interpreter, delegate_path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests/golden/android/tiny_fused.tflite"
NOT_FOUND = 6
INVALID = 1
LIBRARY = Path(str(ai_edge_litert.__file__)).parent / "libLiteRt.so"
CPU = 1
FLOAT32 = 1
RUNTIME_LIBRARY_DIR = 22  # LiteRtEnvOptionTag
STRING = 8  # LiteRtAnyType


class Layout(ctypes.Structure):
    _fields_ = (
        ("rank", ctypes.c_uint32),
        ("dims", ctypes.c_int32 * 8),
        ("strides", ctypes.c_uint32 * 8),
    )


class TensorType(ctypes.Structure):
    _fields_ = (("element", ctypes.c_int), ("layout", Layout))


class Option(ctypes.Structure):
    _fields_ = (
        ("tag", ctypes.c_int),
        ("type", ctypes.c_int64),
        ("value", ctypes.c_char_p),
    )


class LiteRt:
    """Calls that fail raise; what a function gives is its last argument."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(str(LIBRARY))
        # dlsym as `find` of XncapsLiteRtRegister takes it; found in the process itself.
        self.dlsym = ctypes.cast(ctypes.CDLL(None).dlsym, ctypes.c_void_p)

    @property
    def handle(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(self.library._handle)

    def call(self, name: str, *arguments: Any) -> None:
        status = getattr(self.library, "LiteRt" + name)(*arguments)
        if status:
            raise RuntimeError(f"{name}: status {status}")

    def get(self, name: str, *arguments: Any) -> ctypes.c_void_p:
        made = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(made))
        return made

    def environment(self, runtime_path: Path | None = None) -> ctypes.c_void_p:
        if runtime_path is None:
            return self.get("CreateEnvironment", 0, None)
        option = Option(RUNTIME_LIBRARY_DIR, STRING, os.fsencode(runtime_path))
        return self.get("CreateEnvironment", 1, ctypes.byref(option))

    def run(
        self, environment: ctypes.c_void_p, path: Path, inputs: np.ndarray, outputs: np.ndarray
    ) -> None:
        """A file of one float32 input and one float32 output."""
        model = self.get("CreateModelFromFile", environment, os.fsencode(path))
        options = self.get("CreateOptions")
        self.call("SetOptionsHardwareAccelerators", options, CPU)
        compiled = self.get("CreateCompiledModel", environment, model, options)
        self.library.LiteRtDestroyOptions(options)
        buffers = [
            self._buffer(environment, compiled, kind, array.shape)
            for kind, array in (("Input", inputs), ("Output", outputs))
        ]
        self._copy(buffers[0], inputs, write=True)
        one = ctypes.c_size_t(1)
        lists = [(ctypes.c_void_p * 1)(buffer.value) for buffer in buffers]
        self.call("RunCompiledModel", compiled, ctypes.c_size_t(0), one, lists[0], one, lists[1])
        self._copy(buffers[1], outputs, write=False)
        for buffer in buffers:
            self.library.LiteRtDestroyTensorBuffer(buffer)
        self.library.LiteRtDestroyCompiledModel(compiled)
        self.library.LiteRtDestroyModel(model)

    def _buffer(
        self, environment: Any, compiled: Any, kind: str, shape: tuple[int, ...]
    ) -> ctypes.c_void_p:
        zero = ctypes.c_size_t(0)
        needs = self.get(f"GetCompiledModel{kind}BufferRequirements", compiled, zero, zero)
        dims = (*shape, *(0 for _ in range(8 - len(shape))))
        about = TensorType(FLOAT32, Layout(len(shape), dims))
        make = "CreateManagedTensorBufferFromRequirements"
        return self.get(make, environment, ctypes.byref(about), needs)

    def _copy(self, buffer: ctypes.c_void_p, array: np.ndarray, *, write: bool) -> None:
        address = ctypes.c_void_p()
        self.call("LockTensorBuffer", buffer, ctypes.byref(address), 1 if write else 0)
        ours = ctypes.c_void_p(array.ctypes.data)
        to, source = (address, ours) if write else (ours, address)
        ctypes.memmove(to, source, array.nbytes)
        self.call("UnlockTensorBuffer", buffer)


@pytest.fixture(scope="module")
def litert() -> Any:
    return LiteRt()


@pytest.fixture(scope="module")
def register() -> Any:
    function = ctypes.CDLL(delegate_path()).XncapsLiteRtRegister
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    return function


def test_a_registered_environment_runs_our_ops(litert: Any, register: Any) -> None:
    interpreter = Interpreter(FILE)
    interpreter.allocate_tensors()
    [source], [target] = interpreter.get_input_details(), interpreter.get_output_details()
    inputs = np.random.default_rng(0).random(source["shape"], np.float32)
    interpreter.set_tensor(source["index"], inputs)
    interpreter.invoke()
    wanted = interpreter.get_tensor(target["index"])
    environment = litert.environment()
    with pytest.raises(RuntimeError):  # not before it is registered
        litert.run(environment, FILE, inputs, np.zeros_like(wanted))
    assert register(environment, litert.dlsym, litert.handle) == 0
    for _ in range(2):
        made = np.zeros_like(wanted)
        litert.run(environment, FILE, inputs, made)
        np.testing.assert_array_equal(made, wanted)
    litert.library.LiteRtDestroyEnvironment(environment)


def test_what_is_no_litert_is_not_found(litert: Any, register: Any) -> None:
    environment = litert.environment()
    libc = ctypes.c_void_p(ctypes.CDLL("libm.so.6")._handle)
    assert register(environment, litert.dlsym, libc) == NOT_FOUND
    assert register(None, litert.dlsym, litert.handle) == INVALID
    assert register(environment, None, litert.handle) == INVALID
    litert.library.LiteRtDestroyEnvironment(environment)


def test_structs_are_those_of_the_runtime(
    litert: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """By an accelerator of the test's own, which says what the runtime passes to it."""
    source = ROOT / "native/test/probe_accelerator.cc"
    flags = ["-std=gnu++17", "-shared", "-fPIC", f"-I{ROOT / 'native'}"]
    library = tmp_path / "libLiteRtGpuAccelerator.so"
    subprocess.run(["g++", *flags, "-o", str(library), str(source)], check=True)
    environment = litert.environment(tmp_path)
    with pytest.raises(RuntimeError, match="CreateCompiledModel"):
        litert.run(environment, FILE, np.zeros(1, np.float32), np.zeros(1, np.float32))
    litert.library.LiteRtDestroyEnvironment(environment)
    said = capfd.readouterr().err
    assert "probe ok: runtime context of " in said and "LiteRtWrapDelegate" in said, said
