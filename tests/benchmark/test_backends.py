"""The runtimes other than plain LiteRT, on files whose ops are written here."""

from __future__ import annotations

import pathlib
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

from xncaps_benchmark import backends, measure
from xncaps_files.op_codes import Ops

FAST: dict[str, Any] = {"runs": 64, "seconds": 5.0, "warm_up": 0.01}
B, N, D, J, E, R = 1, 6, 8, 5, 4, 3


def _write(
    path: pathlib.Path,
    tensors: list[tuple[str, tuple[int, ...], int, bytes | None]],
    ops: list[tuple[str, list[int], list[int], bytes]],
) -> None:
    """A graph of custom ops from the first tensor to the last."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.subgraphs = 3, [schema.BufferT()], [graph]
    graph.tensors, graph.operators, model.operatorCodes = [], [], []
    for name, shape, kind, data in tensors:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = (
            name,
            np.array(shape, np.int32),
            kind,
            0,
        )
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data, np.uint8)
            tensor.buffer = len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(tensor)
    for index, (name, inputs, outputs, options) in enumerate(ops):
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode, code.version = name, 1
        operator.opcodeIndex = index
        operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        operator.customOptions = np.frombuffer(options, np.uint8)
        model.operatorCodes.append(code)
        graph.operators.append(operator)
    graph.inputs = np.array([0], np.int32)
    graph.outputs = np.array([ops[-1][2][0]], np.int32)
    builder = flatbuffers.Builder(1 << 14)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))


def _options(**values: int) -> bytes:
    builder = flexbuffers.Builder()
    with builder.Map():
        for name, value in sorted(values.items()):
            builder.Key(name)
            builder.Int(value)
    return bytes(builder.Finish())


def _store(path: pathlib.Path, inputs: np.ndarray, outputs: np.ndarray) -> None:
    np.savez(
        path.with_name(path.name + ".expected.npz"),
        inputs=inputs,
        outputs=outputs.astype(np.float32),
        tolerance=np.float32(1e-5),
        tolerated_share=np.float32(0),
    )


def _capsules(u: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Float dynamic routing, in float64."""
    u_hat = np.einsum("bnd,njde->bnje", u.astype(float), kernel.astype(float))
    logits = np.zeros((len(u), N, J))
    v = np.zeros((len(u), J, E))
    for turn in range(R):
        c = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        s = np.einsum("bnj,bnje->bje", c, u_hat)
        squared = (s**2).sum(-1, keepdims=True)
        v = squared / (1 + squared) * s / np.sqrt(squared)
        if turn < R - 1:
            logits = logits + np.einsum("bnje,bje->bnj", u_hat, v)
    return v


def test_capsule_ops_run_on_the_delegate_and_are_verified(tmp_path: pathlib.Path) -> None:
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=(N, J, D, E)).astype(np.float32)
    inputs = np.abs(generator.normal(size=(9, N, D))).astype(np.float32)
    path = tmp_path / "fused.tflite"
    float32 = schema.TensorType.FLOAT32
    _write(
        path,
        [
            ("u", (B, N, D), float32, None),
            ("kernel", (N, J, D, E), float32, kernel.tobytes()),
            ("v", (B, J, E), float32, None),
        ],
        [("XnCapsFc", [0, 1], [2], _options(routing_iterations=R, version=1))],
    )
    _store(path, inputs, _capsules(inputs, kernel))
    (entry,) = measure([path], **FAST)["models"]
    assert entry["status"] == "ok", entry["error"]
    assert entry["runtime"]["name"] == "litert+xncaps"
    assert "xncaps-runtime" in entry["runtime"]["version"] and entry["runtime"]["details"]["isa"]
    assert entry["runtime"]["delegate_nodes"] == 1 and entry["runtime"]["accelerator"] == "cpu"
    assert entry["verification"]["status"] == "verified" and entry["verification"]["rows"] == 9
    assert entry["custom_ops"] == ["XnCapsFc"]
    (entry,) = measure([path], runtime="litert-compiled", **FAST)["models"]
    assert entry["status"] == "ok", entry["error"]
    assert entry["runtime"]["name"] == "litert-compiled"
    assert entry["runtime"]["timed"] == "CompiledModel.run_by_index"
    assert entry["verification"]["status"] == "verified" and entry["verification"]["rows"] == 9


@pytest.fixture
def binarised(tmp_path: pathlib.Path) -> pathlib.Path:
    """y = sign(x) by LceQuantize and LceDequantize, [1, 2, 2, 64]."""
    pytest.importorskip("larq_compute_engine", reason="no wheel for this platform")
    path = tmp_path / "signs.tflite"
    float32, int32 = schema.TensorType.FLOAT32, schema.TensorType.INT32
    _write(
        path,
        [
            ("x", (1, 2, 2, 64), float32, None),
            ("bits", (1, 2, 2, 2), int32, None),
            ("y", (1, 2, 2, 64), float32, None),
        ],
        [("LceQuantize", [0], [1], b""), ("LceDequantize", [1], [2], b"")],
    )
    inputs = np.random.default_rng(0).normal(size=(5, 2, 2, 64)).astype(np.float32)
    _store(path, inputs, np.where(inputs >= 0, 1.0, -1.0))
    return path


def test_lce_ops_run_on_lces_interpreter(binarised: pathlib.Path) -> None:
    (entry,) = measure([binarised], **FAST)["models"]
    assert entry["status"] == "ok", entry["error"]
    assert entry["runtime"]["name"] == "lce"
    assert entry["verification"]["status"] == "verified"
    assert entry["runtime"]["timed"] == "predict (copies inputs in and outputs out)"
    assert entry["runtime"]["details"]["kernel"] == "indirect BGEMM"
    assert "no TensorFlow" in entry["runtime"]["details"]["loaded"]
    assert "copy_us" not in entry
    assert entry["memory"]["peak_bytes"] < 200e6  # TensorFlow alone takes more


@pytest.mark.parametrize(
    ("ops", "here", "name"),
    [
        (Ops((), (0,), 1), set(), "litert"),
        (Ops(("XnCapsOdr",), (), 1), set(), "litert+xncaps"),
        (Ops(("LceBconv2d",), (), 1), {"larq_compute_engine", "xncaps_runtime"}, "lce"),
        (Ops(("LceBconv2d",), (), 1), {"xncaps_runtime"}, "litert+xncaps"),
        (Ops(("LceBconv2d",), (), 1), set(), "lce"),
        (Ops((), (206,), 1), {"xncaps_runtime"}, "litert+xncaps"),
        (Ops((), (206,), 1), set(), "litert"),
        (Ops(("Unknown",), (), 1), set(), "litert"),
        (Ops(("LceQuantize", "XnCapsOdr"), (), 2), {"larq_compute_engine"}, "litert+xncaps"),
    ],
    ids=["plain", "fused", "lce", "lce-arm", "lce-nowhere", "composite", "stock", "odd", "both"],
)
def test_the_ops_choose_the_runtime(
    ops: Ops, here: set[str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "_installed", lambda module: module in here)
    assert backends.choose(ops) == name
