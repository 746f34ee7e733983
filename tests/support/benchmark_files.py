"""Writes TFLite flatbuffers with the schema's generated code: no converter, no TensorFlow."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from PIL import Image

ROWS = 120


@dataclass(frozen=True)
class Digits:
    """score = softmax(pixels . weights + bias), pixels 0..255 [n, 8, 8, 1]."""

    weights: np.ndarray  # [classes, 64]
    bias: np.ndarray  # [classes]
    images: np.ndarray  # [n, 8, 8, 1]
    labels: np.ndarray  # [n]

    def outputs(self) -> np.ndarray:
        scores = self.images.reshape(len(self.images), -1) @ self.weights.T + self.bias
        grown = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (grown / grown.sum(axis=1, keepdims=True)).astype(np.float32)

    def write_pictures(self, folder: pathlib.Path, count: int) -> int:
        """The first images as a folder a class; of how many the classifier finds the class."""
        for row, label in enumerate(self.labels[:count]):
            place = folder / str(label)
            place.mkdir(parents=True, exist_ok=True)
            pixels = np.rint(self.images[row, ..., 0]).astype(np.uint8)
            Image.fromarray(pixels).save(place / f"{row}.png")
        return int((self.outputs()[:count].argmax(1) == self.labels[:count]).sum())

    def write(
        self, path: pathlib.Path, *, custom: str | None = None, hidden: int = 0, batch: int = 1
    ) -> None:
        """A .tflite: `hidden` layers of identity before the classifier make it slower."""
        path.write_bytes(
            flatbuffer(self.weights, self.bias, custom=custom, hidden=hidden, batch=batch)
        )

    def write_expected(self, path: pathlib.Path, shift: float = 0.0, **arrays: Any) -> None:
        """FILE.expected.npz; `shift` makes the stored outputs wrong."""
        stored = {
            "inputs": self.images,
            "outputs": self.outputs() + np.float32(shift),
            "labels": self.labels.astype(np.int64),
            "class_names": np.array([f"digit {n}" for n in range(10)]),
            "tolerance": np.float32(1e-4),
            "tolerated_share": np.float32(0),
            "source": np.array("digits test"),
            "format_version": np.int64(1),
        }
        np.savez(path, **{**stored, **arrays})


def train() -> Digits:
    """Fits on the first 1,600 digits; the next 120 are the test rows."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression

    data = load_digits()
    pixels = (data.images * (255 / 16)).astype(np.float32)
    flat = pixels.reshape(len(pixels), -1)
    fitted = LogisticRegression(max_iter=200).fit(flat[:1600] / 255, data.target[:1600])
    weights = (fitted.coef_ / 255).astype(np.float32)
    test = slice(1600, 1600 + ROWS)
    return Digits(
        weights, fitted.intercept_.astype(np.float32), pixels[test, ..., None], data.target[test]
    )


def flatbuffer(
    weights: np.ndarray,
    bias: np.ndarray,
    *,
    custom: str | None = None,
    hidden: int = 0,
    batch: int = 1,
) -> bytes:
    """FULLY_CONNECTED layers and SOFTMAX; `custom` adds an op of that name at the end."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.subgraphs = 3, [schema.BufferT()], [graph]
    graph.tensors, graph.operators = [], []
    pixels = weights.shape[1]

    def tensor(shape: tuple[int, ...], name: str, data: np.ndarray | None = None) -> int:
        entry = schema.TensorT()
        entry.shape, entry.type, entry.name = (
            np.array(shape, np.int32),
            schema.TensorType.FLOAT32,
            name,
        )
        entry.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, np.float32).tobytes(), np.uint8)
            entry.buffer = len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(entry)
        return len(graph.tensors) - 1

    def operator(code: int, inputs: list[int], outputs: list[int], kind: int, options: Any) -> None:
        entry = schema.OperatorT()
        entry.opcodeIndex, entry.inputs, entry.outputs = (
            code,
            np.array(inputs, np.int32),
            np.array(outputs, np.int32),
        )
        entry.builtinOptionsType, entry.builtinOptions = kind, options
        graph.operators.append(entry)

    model.operatorCodes = [
        _code(schema.BuiltinOperator.FULLY_CONNECTED),
        _code(schema.BuiltinOperator.SOFTMAX),
    ]
    full = schema.BuiltinOptions.FullyConnectedOptions
    last = tensor((batch, 8, 8, 1), "pixels")
    graph.inputs = np.array([last], np.int32)
    for layer in range(hidden):
        out = tensor((batch, pixels), f"hidden_{layer}")
        identity = tensor((pixels, pixels), f"identity_{layer}", np.eye(pixels))
        operator(0, [last, identity, -1], [out], full, schema.FullyConnectedOptionsT())
        last = out
    scores, soft = tensor((batch, 10), "scores"), tensor((batch, 10), "probabilities")
    constants = [tensor(weights.shape, "weights", weights), tensor(bias.shape, "bias", bias)]
    operator(0, [last, *constants], [scores], full, schema.FullyConnectedOptionsT())
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    operator(1, [scores], [soft], schema.BuiltinOptions.SoftmaxOptions, options)
    if custom is not None:
        model.operatorCodes.append(_code(schema.BuiltinOperator.CUSTOM, custom))
        out = tensor((batch, 10), "custom")
        operator(2, [soft], [out], schema.BuiltinOptions.NONE, None)
        soft = out
    graph.outputs = np.array([soft], np.int32)
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _code(builtin: int, custom: str | None = None) -> Any:
    code = schema.OperatorCodeT()
    code.deprecatedBuiltinCode = code.builtinCode = builtin
    code.customCode, code.version = custom, 1
    return code
