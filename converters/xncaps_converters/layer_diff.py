"""Where a file first computes something else than its Keras model: `xncaps verify --layers`.

The file is run by an interpreter that keeps every tensor, and what each Keras layer gives is looked
for among them by its values: names do not survive a conversion, and many layers become one op, so a
layer whose values are nowhere counts as merged as long as a later one's are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from xncaps_converters import bounds, interpreters
from xncaps_converters.samples import Samples
from xncaps_files import tflite
from xncaps_tf._keras import keras

SAMPLES = 2
_RELATIVE = 1e-3  # of a tensor's largest value: what float32 sums of some thousand products differ


@dataclass(frozen=True)
class LayerRow:
    """A Keras layer against the tensor of the file that is nearest to what it gives.

    Attributes:
        name, kind: of the layer.
        error: largest difference, as a share of the layer's largest value; None where the file has
            no tensor of that size.
        equal: whether that is rounding: of float32, or in a file of 8-bit values of those.
    """

    name: str
    kind: str
    error: float | None
    equal: bool


@dataclass(frozen=True)
class LayerDiff:
    """Every layer in order, and the first from which on nothing is equal.

    Attributes:
        rows: a row a layer of the model's top level.
        last_equal: the last layer whose values the file has; None where it has none.
        first: the layer after it; None where the model's end is equal.
    """

    rows: tuple[LayerRow, ...]
    last_equal: LayerRow | None
    first: LayerRow | None

    def lines(self) -> list[str]:
        """For a person."""
        lines = [f"{'layer':<32} {'kind':<24} {'error':>9}"]
        end = self.rows.index(self.last_equal) if self.last_equal else -1
        for number, row in enumerate(self.rows):
            error = "-" if row.error is None else f"{row.error:.1e}"
            word = "" if row.equal else "merged" if number < end else "differs"
            lines.append(f"{row.name:<32} {row.kind:<24} {error:>9}  {word}".rstrip())
        if self.first is None:
            return [*lines, "no layer differs"]
        after = f", after {self.last_equal.name!r}" if self.last_equal else ""
        return [*lines, f"the first layer that differs: {self.first.name!r}{after}"]


def compare_layers(model: Any, file: bytes | tflite.TfliteFile, samples: Samples) -> LayerDiff:
    """Looks for the values of each layer in a file.

    Args:
        model: the Keras model, with one input.
        file: a TFLite file. One of LCE's ops needs the package xncaps-runtime here, as LCE's own
            interpreter keeps no tensor.
        samples: inputs; the first few are used.

    Raises:
        VerificationError: no interpreter that keeps its tensors has the file's ops.
    """
    inputs = samples.inputs[:SAMPLES]
    file = tflite.parsed(file)
    is_rounded = bounds.is_int8(file)
    most = bounds.CHANGES["int8"].tolerance if is_rounded else _RELATIVE
    found = _tensors(file, inputs)
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    outputs = keras.Model(model.inputs, [layer.get_output_at(0) for layer in layers])
    given: Any = outputs.predict_on_batch(inputs)
    values = cast("list[Any]", given) if isinstance(given, list) else [given]
    rows: list[LayerRow] = []
    for layer, value in zip(layers, values, strict=True):
        error = None if isinstance(value, (list, tuple)) else _nearest(np.asarray(value), found)
        equal = error is not None and error <= most
        rows.append(LayerRow(layer.name, type(layer).__name__, error, equal))
    return _diff(tuple(rows))


def _diff(rows: tuple[LayerRow, ...]) -> LayerDiff:
    equal = [number for number, row in enumerate(rows) if row.equal]
    last = rows[equal[-1]] if equal else None
    following = equal[-1] + 1 if equal else 0
    return LayerDiff(rows, last, rows[following] if following < len(rows) else None)


def _nearest(value: NDArray[Any], found: dict[int, list[NDArray[Any]]]) -> float | None:
    """The least of the largest differences from a tensor of as many values, relative."""
    flat = value.reshape(len(value), -1).astype(np.float64)  # [n, values]
    size = max(float(np.abs(flat).max(initial=0.0)), 1e-30)
    errors = [float(np.abs(each - flat).max()) for each in found.get(flat.shape[1], [])]
    finite = [error for error in errors if np.isfinite(error)]
    return min(finite) / size if finite else None


def _tensors(file: tflite.TfliteFile, inputs: NDArray[Any]) -> dict[int, list[NDArray[Any]]]:
    """Everything that a file computes, by how many values a sample has: `[n, values]` each."""
    runs = [list(_run(file, each)) for each in inputs[:, np.newaxis]]
    found: dict[int, list[NDArray[Any]]] = {}
    for each in zip(*runs, strict=True):
        if len({part.size for part in each}) == 1:
            found.setdefault(each[0].size, []).append(np.stack([part.ravel() for part in each]))
    return found


def _run(file: tflite.TfliteFile, sample: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The tensors after one sample `[1, ...]`, as real numbers; nothing of those not kept."""
    interpreter = _interpreter(file)
    detail = interpreter.get_input_details()[0]
    if tuple(detail["shape"]) != sample.shape:
        interpreter.resize_tensor_input(detail["index"], list(sample.shape))
    interpreter.allocate_tensors()
    interpreter.set_tensor(detail["index"], sample)
    interpreter.invoke()
    graph = file.main
    for number, tensor in enumerate(graph.tensors):
        made = any(number in op.outputs for op in graph.ops)
        if not made or tensor.type not in ("FLOAT32", "INT8"):
            continue
        try:
            value = interpreter.get_tensor(number).astype(np.float64)
        except ValueError:  # inside of what a delegate has taken
            value = np.zeros(0)
        if tensor.type == "INT8" and len(tensor.scale) == 1 and value.size:
            value = (value - tensor.zero_point[0]) * tensor.scale[0]
        yield value


def _interpreter(file: tflite.TfliteFile) -> Any:
    runtime = interpreters.pick(file, keeping_tensors=True)
    if runtime.name == "litert":
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        # Without XNNPACK, which keeps what it computes to itself.
        return Interpreter(
            model_content=file.data,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
    from ai_edge_litert.interpreter import OpResolverType

    from xncaps_runtime import Interpreter as Delegated

    return Delegated(
        file.data,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
