"""Files with one capsule op, written directly, and the op in NumPy: for tests and checks."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated
from flatbuffers import flexbuffers

from xncaps_runtime.interpreter import Interpreter

schema: Any = schema_py_generated  # its generated classes type their lists as None

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "uint8": schema.TensorType.UINT8,
    "int8": schema.TensorType.INT8,
    "int32": schema.TensorType.INT32,
    "bool": schema.TensorType.BOOL,
}


class ModelWriter:
    """A .tflite file of custom ops, tensor by tensor and op by op."""

    def __init__(self) -> None:
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.description = b"xncaps"
        self._model.buffers = [schema.BufferT()]
        self._model.operatorCodes = []
        self._graph = schema.SubGraphT()
        self._graph.name = b"main"
        self._graph.tensors = []
        self._graph.operators = []
        self._model.subgraphs = [self._graph]

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: str = "float32",
        *,
        dynamic_batch: bool = False,
        quantization: tuple[float, int] | None = None,
    ) -> int:
        """Adds a tensor without data, returns its index. quantization: (scale, zero point)."""
        tensor = schema.TensorT()
        tensor.name = name.encode()
        tensor.shape = np.array(shape, np.int32)
        if dynamic_batch:
            tensor.shapeSignature = np.array((-1, *shape[1:]), np.int32)
        tensor.type = _TYPES[dtype]
        tensor.buffer = 0
        tensor.hasRank = True
        if quantization is not None:
            parameters = schema.QuantizationParametersT()
            parameters.scale = np.array([quantization[0]], np.float32)
            parameters.zeroPoint = np.array([quantization[1]], np.int64)
            tensor.quantization = parameters
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def constant(self, name: str, value: np.ndarray) -> int:
        """Adds a tensor with its data in the file, returns its index."""
        index = self.tensor(name, value.shape, value.dtype.name)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        self._graph.tensors[index].buffer = len(self._model.buffers) - 1
        return index

    def custom(
        self, name: str, inputs: list[int], outputs: list[int], options: dict[str, Any] | bytes
    ) -> None:
        """Adds a custom op; `options` become a FlexBuffers map, bytes are taken as they are."""
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = name.encode()
        code.version = 1
        self._model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._model.operatorCodes) - 1
        operator.inputs = np.array(inputs, np.int32)
        operator.outputs = np.array(outputs, np.int32)
        raw = options if isinstance(options, bytes) else bytes(flexbuffers.Dumps(options))
        operator.customOptions = np.frombuffer(raw, np.uint8)
        operator.customOptionsFormat = schema.CustomOptionsFormat.FLEXBUFFERS
        self._graph.operators.append(operator)

    def builtin(
        self, operator: int, inputs: list[int], outputs: list[int], options: Any = None
    ) -> None:
        """Adds a built-in op by its schema.BuiltinOperator number.

        options: one of the schema's, as schema.AddOptionsT; None where defaults do.
        """
        code = schema.OperatorCodeT()
        code.builtinCode = operator
        code.deprecatedBuiltinCode = min(operator, 127)
        code.version = 1
        self._model.operatorCodes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex = len(self._model.operatorCodes) - 1
        op.inputs = np.array(inputs, np.int32)
        op.outputs = np.array(outputs, np.int32)
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            op.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            op.builtinOptions = options
        self._graph.operators.append(op)

    def finish(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The file."""
        self._graph.inputs = np.array(inputs, np.int32)
        self._graph.outputs = np.array(outputs, np.int32)
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def run_model(model: bytes, inputs: np.ndarray, num_threads: int = 1) -> np.ndarray:
    """The only output of a file with one input, by stock LiteRT with the delegate."""
    interpreter = Interpreter(model, num_threads=num_threads)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def pack_bits(kernel: np.ndarray) -> np.ndarray:
    """Signs of W [N, J, D, E] as uint8 [N, J, E, ceil(D/8)]: bit d%8 of byte d//8 is W > 0."""
    return np.packbits(kernel.transpose(0, 1, 3, 2) > 0, axis=-1, bitorder="little")


def channel_scale(kernel: np.ndarray) -> np.ndarray:
    """Mean of |W| over D: float32 [N, J, E] of a kernel [N, J, D, E]."""
    return np.abs(kernel).mean(axis=2).astype(np.float32)


def caps_model(
    op: str,
    constants: list[np.ndarray],
    input_shape: tuple[int, int, int],
    output_shape: tuple[int, int, int],
    *,
    routing_iterations: int = 3,
    dynamic_batch: bool = False,
    options: dict[str, Any] | bytes | None = None,
) -> bytes:
    """A file of one op `op` (XnCapsOdr, XnCapsIdr, XnCapsFc): u [B, N, D] -> v [B, J, E]."""
    writer = ModelWriter()
    u = writer.tensor("u", input_shape, dynamic_batch=dynamic_batch)
    inputs = [u, *(writer.constant(f"constant{i}", c) for i, c in enumerate(constants))]
    v = writer.tensor("v", output_shape, dynamic_batch=dynamic_batch)
    default = {"routing_iterations": routing_iterations, "version": 1}
    writer.custom(op, inputs, [v], default if options is None else options)
    return writer.finish([u], [v])


def _sign(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, 1.0, -1.0)


def reference(
    op: str,
    u: np.ndarray,
    kernel: np.ndarray,
    scale: np.ndarray | None = None,
    *,
    routing_iterations: int = 3,
) -> np.ndarray:
    """What `op` computes, float64 [B, J, E].

    Args:
        op: XnCapsOdr, XnCapsIdr or XnCapsFc.
        u: [B, N, D].
        kernel: [N, J, D, E]; XnCapsOdr looks at its signs alone.
        scale: XnCapsOdr: [N, J, E], [N, J] or None.
        routing_iterations: R.
    """
    u, kernel = u.astype(np.float64), kernel.astype(np.float64)
    if op == "XnCapsOdr":
        u_hat = np.einsum("bnd,njde->bnje", _sign(u), _sign(kernel))  # [B, N, J, E]
        u_hat *= np.abs(u).mean(-1)[:, :, None, None]
        if scale is not None:
            u_hat *= scale.astype(np.float64).reshape(*scale.shape, *[1] * (3 - scale.ndim))
    else:
        u_hat = np.einsum("bnd,njde->bnje", u, kernel)  # [B, N, J, E]
    logits = np.zeros(u_hat.shape[:3])
    for turn in range(routing_iterations):
        c = np.exp(logits - logits.max(2, keepdims=True))
        c /= c.sum(2, keepdims=True)  # [B, N, J]
        s = np.einsum("bnj,bnje->bje", c, u_hat)
        n2 = (s**2).sum(-1, keepdims=True)
        v = s * np.sqrt(n2) / (1 + n2)  # [B, J, E]
        if turn == routing_iterations - 1:
            break
        if op == "XnCapsIdr":
            agreement = np.einsum("bnje,bje->bnj", _sign(u_hat), _sign(v))
            agreement *= np.abs(u_hat).mean(-1) * np.abs(v).mean(-1)[:, None]
        else:
            agreement = np.einsum("bnje,bje->bnj", u_hat, v)
        logits += agreement
    return v
