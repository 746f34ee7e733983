"""The interpreters that can run a file, behind one small interface.

`litert`         ai_edge_litert's interpreter (XNNPACK on); tflite_runtime's if only that is there
`litert+xncaps`  the same with the delegate of the package xncaps_runtime
`litert-compiled` LiteRT 2's CompiledModel, with the delegate as an accelerator
`lce`            larq_compute_engine's interpreter with use_indirect_bgemm (its default kernel
                 refuses the grouped convolutions of capsule layers). It has no separate copy in and
                 out: `predict` does all three, so its times include copies and the others' do not.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import pathlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xncaps_benchmark.errors import ModelError
from xncaps_benchmark.limits import RUNTIMES
from xncaps_files.errors import one_line
from xncaps_files.op_codes import LCE_OPS, STABLEHLO_COMPOSITE, XNCAPS_OPS, Ops

NAMES = RUNTIMES
DELEGATED = ("litert+xncaps", "litert-compiled")  # what needs xncaps-runtime
_MAX_TENSOR_BYTES = 1 << 31


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model; scale 0 where it is not quantised."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0


@dataclass(frozen=True)
class Info:
    """Which runtime it was; `timed` says what one timed run holds."""

    name: str
    version: str
    timed: str
    details: dict[str, str] = field(default_factory=dict[str, str])


class Session(Protocol):
    """A loaded model."""

    info: Info
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]

    def set(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Gives the inputs, of the shapes and types of `inputs`."""
        ...

    def run(self) -> None:
        """What is timed."""
        ...

    def get(self) -> list[NDArray[Any]]:
        """Copies of the outputs of the last run."""
        ...


def choose(ops: Ops) -> str:
    """The runtime that a file's ops ask for; where two could run it, one that is installed."""
    if XNCAPS_OPS & set(ops.custom):
        return "litert+xncaps"  # it has LCE's ops too, LCE has none of ours
    if LCE_OPS & set(ops.custom):
        only_ours = _installed("xncaps_runtime") and not _installed("larq_compute_engine")
        return "litert+xncaps" if only_ours else "lce"
    if STABLEHLO_COMPOSITE in ops.builtin and _installed("xncaps_runtime"):
        return "litert+xncaps"
    return "litert"


def load(name: str, path: pathlib.Path, threads: int) -> Session:
    """Loads a model with the runtime of that name.

    Raises:
        ModelError: the runtime is not installed, or it cannot run the file.
    """
    loaders = {
        "litert": _plain,
        "litert+xncaps": _delegated,
        "litert-compiled": _compiled,
        "lce": _Lce,
    }
    try:
        return loaders[name](path, threads)
    except ModelError:
        raise
    except (ValueError, RuntimeError, OSError, ImportError) as error:
        raise ModelError(f"{path.name}: {name} cannot run it: {_short(error)}") from error


def prepare(name: str, path: pathlib.Path) -> None:
    """Imports what `load` needs, so that neither its time nor its memory count as the model's."""
    if name == "lce":
        _lce_wrapper(path)
    else:
        _litert_module()
    if name in DELEGATED:
        with contextlib.suppress(ImportError):  # `load` says what is missing
            importlib.import_module("xncaps_runtime")


def versions() -> dict[str, str]:
    """Versions of the runtimes that are installed here."""
    names = ("ai-edge-litert", "tflite-runtime", "xncaps-runtime", "larq-compute-engine")
    return {name: version for name in names if (version := _version(name))}


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _short(error: BaseException) -> str:
    text = one_line(error)
    return text if len(text) <= 400 else text[:400] + " ..."


class _LiteRt:
    """An interpreter, or what has its methods."""

    def __init__(self, path: pathlib.Path, interpreter: Any, info: Info) -> None:
        self._interpreter, self.info = interpreter, info
        self._inputs = self._interpreter.get_input_details()
        self._check_sizes(path)
        self._interpreter.allocate_tensors()
        self._outputs = self._interpreter.get_output_details()
        self.inputs: Sequence[Tensor] = [_tensor(detail) for detail in self._inputs]
        self.outputs: Sequence[Tensor] = [_tensor(detail) for detail in self._outputs]
        self.run = self._interpreter.invoke  # nothing of ours inside of what is timed

    def _check_sizes(self, path: pathlib.Path) -> None:
        for detail in self._inputs:
            if int(np.prod(detail["shape"], dtype=object)) * 8 > _MAX_TENSOR_BYTES:
                raise ModelError(
                    f"{path.name}: expected inputs below 2 GiB. Received: {detail['shape']}."
                )

    def set(self, arrays: Sequence[NDArray[Any]]) -> None:
        for detail, array in zip(self._inputs, arrays, strict=True):
            self._interpreter.set_tensor(detail["index"], array)

    def get(self) -> list[NDArray[Any]]:
        return [self._interpreter.get_tensor(detail["index"]) for detail in self._outputs]


def _plain(path: pathlib.Path, threads: int) -> Session:
    module, distribution = _litert_module()
    interpreter = module.Interpreter(model_path=str(path), num_threads=threads)
    return _LiteRt(path, interpreter, Info("litert", _of(distribution), "invoke"))


def _delegated(path: pathlib.Path, threads: int) -> Session:
    runtime = _xncaps_runtime(path)
    module, distribution = _litert_module()
    # verbose: it says on stderr how many nodes it claims; the worker reads that there
    options = {"num_threads": threads, "verbose": 1}
    delegate = module.load_delegate(runtime.delegate_path(), options)
    interpreter = module.Interpreter(
        model_path=str(path), num_threads=threads, experimental_delegates=[delegate]
    )
    return _LiteRt(path, interpreter, _info("litert+xncaps", distribution, "invoke", runtime))


def _compiled(path: pathlib.Path, threads: int) -> Session:
    runtime = _xncaps_runtime(path)
    interpreter = runtime.CompiledInterpreter(str(path), threads)
    timed = "CompiledModel.run_by_index"
    return _LiteRt(path, interpreter, _info("litert-compiled", "ai-edge-litert", timed, runtime))


def _xncaps_runtime(path: pathlib.Path) -> Any:
    try:
        return importlib.import_module("xncaps_runtime")
    except ImportError as error:
        raise ModelError(
            f"{path.name}: its XnCaps ops need the delegate, and xncaps-runtime cannot be "
            f"imported ({error}). pip install xncaps-runtime"
        ) from error


def _info(name: str, distribution: str, timed: str, runtime: Any) -> Info:
    told = {str(key): str(value) for key, value in dict(runtime.info()).items()}
    return Info(name, f"{_of(distribution)}, {_of('xncaps-runtime')}", timed, told)


def _of(distribution: str) -> str:
    return f"{distribution} {_version(distribution)}"


def _litert_module() -> tuple[Any, str]:
    """The interpreter's module and the name of its distribution."""
    for module, distribution in (
        ("ai_edge_litert.interpreter", "ai-edge-litert"),
        ("tflite_runtime.interpreter", "tflite-runtime"),
    ):
        if _installed(module.split(".")[0]):
            return importlib.import_module(module), distribution
    raise ModelError("no TFLite runtime is installed: pip install ai-edge-litert")


def _tensor(detail: Any) -> Tensor:
    """Of what an interpreter tells; an old one tells no quantization."""
    scale, zero_point = detail.get("quantization", (0.0, 0))
    shape = tuple(int(size) for size in detail["shape"])
    return Tensor(
        str(detail["name"]), shape, np.dtype(detail["dtype"]).name, float(scale), int(zero_point)
    )


class _Lce:
    """LCE's interpreter: `predict` copies in, runs and copies out."""

    def __init__(self, path: pathlib.Path, threads: int) -> None:
        wrapper, how = _lce_wrapper(path)
        # data, threads, use_reference_bconv, use_indirect_bgemm, use_xnnpack
        self._interpreter = wrapper(path.read_bytes(), threads, False, True, True)
        self.inputs: Sequence[Tensor] = self._tensors("input")
        self.outputs: Sequence[Tensor] = self._tensors("output")
        self.info = Info(
            "lce",
            f"larq-compute-engine {_version('larq-compute-engine')}",
            "predict (copies inputs in and outputs out)",
            {"kernel": "indirect BGEMM", "xnnpack": "on", "loaded": how},
        )
        self._given: list[NDArray[Any]] = []
        self._got: list[NDArray[Any]] = []

    def _tensors(self, side: str) -> list[Tensor]:
        wrapper = self._interpreter
        shapes, types = getattr(wrapper, f"{side}_shapes"), getattr(wrapper, f"{side}_types")
        scales = getattr(wrapper, f"{side}_scales")
        zero_points = getattr(wrapper, f"{side}_zero_points")
        rows = zip(shapes, types, scales, zero_points, strict=True)
        return [
            Tensor(
                f"{side}_{index}",
                tuple(int(size) for size in shape),
                np.dtype(dtype).name,
                float(scale) if isinstance(scale, (int, float)) else 0.0,
                int(zero) if isinstance(zero, (int, float)) else 0,
            )
            for index, (shape, dtype, scale, zero) in enumerate(rows)
        ]

    def set(self, arrays: Sequence[NDArray[Any]]) -> None:
        self._given = list(arrays)

    def run(self) -> None:
        self._got = self._interpreter.predict(self._given)

    def get(self) -> list[NDArray[Any]]:
        return [np.array(output) for output in self._got]


def _lce_wrapper(path: pathlib.Path) -> tuple[Any, str]:
    """LCE's LiteInterpreter class, without TensorFlow where its extension module loads alone.

    `import larq_compute_engine` imports the converter and so TensorFlow: 5 s and 400 MB that are no
    part of the interpreter and would drown its memory figure.
    """
    spec = importlib.util.find_spec("larq_compute_engine")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            f"{path.name}: its Lce ops need larq-compute-engine (no wheel for Linux on ARM) or "
            "xncaps-runtime; neither is installed."
        )
    name = "larq_compute_engine.tflite.python.interpreter_wrapper_lite"
    if (
        name in sys.modules
    ):  # a second initialisation of the extension would register its types twice
        return sys.modules[name].LiteInterpreter, "extension module alone, no TensorFlow"
    folder = pathlib.Path(spec.submodule_search_locations[0], "tflite", "python")
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        if (file := folder / f"interpreter_wrapper_lite{suffix}").is_file():
            loader = importlib.machinery.ExtensionFileLoader(name, str(file))
            module_spec = importlib.util.spec_from_loader(name, loader)
            if module_spec is not None:
                module = importlib.util.module_from_spec(module_spec)
                loader.exec_module(module)
                sys.modules[name] = module
                return module.LiteInterpreter, "extension module alone, no TensorFlow"
    wrapper = importlib.import_module(name)
    loaded = "with TensorFlow" if "tensorflow" in sys.modules else "whole package"
    return wrapper.LiteInterpreter, loaded
