"""LiteRT 2's CompiledModel with our ops: an environment for programs that use it as it is, and the
same behind the methods of an interpreter."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from xncaps_files.preprocessing import TensorDetails
from xncaps_runtime._arguments import check_threads
from xncaps_runtime._library import delegate_path
from xncaps_runtime.errors import RuntimeLibraryError
from xncaps_runtime.interpreter import Interpreter

_OLDEST = (2, 2)
_DISTRIBUTION = "ai-edge-litert"


def litert_environment(*, compiler_plugin_path: str = "", dispatch_library_path: str = "") -> Any:
    """An environment of LiteRT 2 whose CompiledModels run our ops on the CPU, beside XNNPACK.

    It stands where LiteRT's GPU accelerator would (both are found by the same name), so a
    CompiledModel of this environment runs on the CPU, and on an NPU where LiteRT has one.

    Args:
        compiler_plugin_path: see `ai_edge_litert.environment.Environment.create`.
        dispatch_library_path: see there.

    Returns: an `ai_edge_litert.environment.Environment`, for `CompiledModel.from_file(...,
        environment=...)`; HardwareAccelerator.CPU must be among those that the model may use.

    Example:
        >>> from ai_edge_litert.compiled_model import CompiledModel
        >>> model = CompiledModel.from_file("model.tflite", environment=litert_environment())

    Raises:
        RuntimeLibraryError: ai-edge-litert is older than 2.2.0, or the package lacks its library.
    """
    _check_version()
    folder = Path(delegate_path()).parent / "litert"
    if not any(folder.glob("libLiteRtGpuAccelerator.*")):
        raise RuntimeLibraryError(
            f"litert_environment: expected libLiteRtGpuAccelerator in {folder}. Received: no such "
            "file. Install xncaps-runtime with pip, which builds it."
        )
    environment = importlib.import_module("ai_edge_litert.environment").Environment
    return environment.create(
        runtime_path=str(folder),
        compiler_plugin_path=compiler_plugin_path,
        dispatch_library_path=dispatch_library_path,
    )


def _check_version() -> None:
    import importlib.metadata  # some 20 ms, which not everybody needs to pay

    try:
        version = importlib.metadata.version(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        version = "none that is installed"
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None or tuple(map(int, found.groups())) < _OLDEST:
        raise RuntimeLibraryError(
            f"litert_environment: expected {_DISTRIBUTION} 2.2.0 or newer, whose CompiledModel "
            f"takes our ops. Received: {version}. pip install --upgrade {_DISTRIBUTION}, or use "
            "xncaps_runtime.Interpreter."
        )


class _Told(TypedDict):
    """What a CompiledModel tells of a tensor, as far as it is used here."""

    index: int
    shape: Sequence[int]


class CompiledInterpreter:
    """LiteRT 2's CompiledModel behind the methods of `Interpreter` that programs use.

    Runs the first signature of a file, or the file as it is where it has none. Ops refuse a file
    when it is made; a CompiledModel by itself shows that at its first run.

    Example:
        >>> interpreter = CompiledInterpreter("model.tflite", num_threads=2)
        >>> interpreter.allocate_tensors()

    Args:
        model: path of a file, or its content as bytes.
        num_threads: threads of LiteRT and of our ops, 1 or more.
        environment: one of `litert_environment`, to be shared; None: one of its own.

    Raises:
        RuntimeLibraryError: see `litert_environment`.
        ValueError: num_threads is not a positive int, or the file is not a TFLite model.
        RuntimeError: LiteRT cannot compile it, or an op refuses it; what it said is on stderr.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes,
        num_threads: int = 1,
        *,
        environment: Any = None,
    ) -> None:
        check_threads("CompiledInterpreter", num_threads)
        self._environment = litert_environment() if environment is None else environment
        litert = importlib.import_module("ai_edge_litert.compiled_model")
        options = litert.Options(
            hardware_accelerators=litert.HardwareAccelerator.CPU,
            cpu_options=litert.CpuOptions(num_threads=num_threads),
        )
        is_bytes = isinstance(model, (bytes, bytearray, memoryview))
        make = litert.CompiledModel.from_buffer if is_bytes else litert.CompiledModel.from_file
        # LiteRT may read the file's bytes as long as the model lives.
        self._file = bytes(model) if is_bytes else os.fspath(model)  # type: ignore[arg-type]
        self._model = make(self._file, environment=self._environment, options=options)
        self._signature = next(iter(self._model.get_signature_list()))
        # CompiledModel tells neither quantization nor open dimensions.
        about = Interpreter(model)
        self._details = (
            _ordered(about.get_input_details(), self._told()[0]),
            _ordered(about.get_output_details(), self._told()[1]),
        )
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def _told(self) -> tuple[list[_Told], list[_Told]]:
        """What the model says of its inputs and outputs, in the order of its buffers."""
        names = self._model.get_signature_list()[self._signature]
        inputs = self._model.get_input_tensor_details(self._signature)
        outputs = self._model.get_output_tensor_details(self._signature)
        return [inputs[name] for name in names["inputs"]], [outputs[n] for n in names["outputs"]]

    def resize_tensor_input(self, index: int, shape: Sequence[int]) -> None:
        """Another shape for an input; `allocate_tensors` must follow."""
        place = self._place(index, 0)
        dims = [int(size) for size in shape]
        self._model.resize_input_tensor(place, dims, strict=False)
        self._inputs, self._outputs = [], []

    def allocate_tensors(self) -> None:
        """Makes the buffers of inputs and outputs.

        Raises:
            RuntimeError: an op refuses the new shapes; what it said is on stderr.
        """
        self._inputs = self._model.create_input_buffers(0)
        self._outputs = self._model.create_output_buffers(0)
        for details, told in zip(self._details, self._told(), strict=True):
            for detail, tensor in zip(details, told, strict=True):
                detail["shape"] = np.array(tensor["shape"], np.int32)

    def get_input_details(self) -> list[TensorDetails]:
        """As an interpreter tells them."""
        return self._details[0]

    def get_output_details(self) -> list[TensorDetails]:
        """As an interpreter tells them."""
        return self._details[1]

    def set_tensor(self, index: int, value: NDArray[Any]) -> None:
        """Gives an input.

        Raises:
            ValueError: another shape or type than the input has.
        """
        place = self._place(index, 0)
        detail = self._details[0][place]
        if value.shape != tuple(detail["shape"]) or value.dtype != detail["dtype"]:
            raise ValueError(
                f"set_tensor: expected {np.dtype(detail['dtype'])} {detail['shape'].tolist()}. "
                f"Received: value={value.dtype} {list(value.shape)}."
            )
        self._allocated(self._inputs)[place].write(value)

    def invoke(self) -> None:
        """Runs the model."""
        self._model.run_by_index(0, self._allocated(self._inputs), self._outputs)

    def get_tensor(self, index: int) -> NDArray[Any]:
        """A copy of an output."""
        place = self._place(index, 1)
        detail = self._details[1][place]
        shape = tuple(int(size) for size in detail["shape"])
        count = int(np.prod(shape, dtype=np.int64))
        return self._allocated(self._outputs)[place].read(count, detail["dtype"]).reshape(shape)

    def _place(self, index: int, side: int) -> int:
        indices = [int(detail["index"]) for detail in self._details[side]]
        if index not in indices:
            raise ValueError(
                f"CompiledInterpreter: expected index of an {('input', 'output')[side]}, one of "
                f"{indices}. Received: index={index}."
            )
        return indices.index(index)

    @staticmethod
    def _allocated(buffers: list[Any]) -> list[Any]:
        if not buffers:
            raise ValueError("CompiledInterpreter: expected allocate_tensors() before. "
                             "Received: a call without it.")  # fmt: skip
        return buffers


def _ordered(details: Any, told: list[_Told]) -> list[TensorDetails]:
    """An interpreter's details in the order of a signature's tensors."""
    every: list[TensorDetails] = details
    by_index = {int(detail["index"]): detail for detail in every}
    return [by_index[int(tensor["index"])] for tensor in told]
