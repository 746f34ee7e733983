"""Outputs before times: are they finite, equal among runs, and what was stored when verified?"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from xncaps_benchmark import png
from xncaps_benchmark.backends import Session, Tensor
from xncaps_benchmark.images import Images
from xncaps_benchmark.result_types import Accuracy, Sample, Verification
from xncaps_files import expected as stored
from xncaps_files.expected import Expected
from xncaps_files.tflite import Io

MAX_CLASSES_IN_MATRIX = 100
_PICTURES = 10
_MISTAKES = 4
_RANDOM_ROWS = 4


class Checked(TypedDict):
    """What running the stored rows told: keys of a model's record."""

    verification: Verification
    accuracy: Accuracy | None
    samples: list[Sample]


class Evaluated(TypedDict):
    """What scoring a file on images told."""

    accuracy: Accuracy | None
    predictions: list[int]


class Rows:
    """Inputs that a model is run on, and the outputs they gave: [B, ...] a row."""

    def __init__(self, session: Session, expected: Expected | None, seed: int) -> None:
        self.session = session
        self.expected = expected
        if expected is None:
            generator = np.random.default_rng(seed)
            self.inputs = [_random(session.inputs, generator) for _ in range(_RANDOM_ROWS)]
        else:
            self.inputs = [[batch] for batch in _batches(expected.inputs, session.inputs)]
        self.outputs: list[bytes] = []

    def set(self, row: int) -> None:
        """Gives the model the inputs of that row (round and round)."""
        self.session.set(self.inputs[row % len(self.inputs)])

    def remember(self, row: int) -> list[NDArray[Any]]:
        """Keeps the outputs of the last run as those of that row, in order."""
        if row != len(self.outputs):
            raise ValueError(f"Rows: expected row {len(self.outputs)} next. Received: row={row}.")
        outputs = self.session.get()
        self.outputs.append(_digest(outputs))
        return outputs

    def same(self, row: int) -> bool:
        """Whether the last run gave what that row gave when it was checked, bit for bit."""
        row %= len(self.inputs)
        return row >= len(self.outputs) or _digest(self.session.get()) == self.outputs[row]


def check(rows: Rows, seconds: float) -> Checked:
    """Runs the rows once (the first twice); what they gave against what was expected.

    Returns: `verification`, `accuracy` and `samples` as in the result's schema.
    """
    got, problem = _run_all(rows, seconds)
    if problem is not None:
        return {"verification": failed(problem), "accuracy": None, "samples": []}
    if rows.expected is None:
        reason = (
            "no stored outputs beside the file: outputs are finite and equal among runs, no more"
        )
        return {"verification": not_verified(reason), "accuracy": None, "samples": []}
    wanted = rows.expected
    outputs = np.concatenate(got)[: len(wanted.inputs)]
    if outputs.shape[1:] != wanted.outputs.shape[1:]:
        shapes = f"{list(outputs.shape[1:])}, stored {list(wanted.outputs.shape[1:])}"
        return {"verification": failed(f"output shape {shapes}"), "accuracy": None, "samples": []}
    return {
        "verification": compare(outputs, wanted),
        "accuracy": score(
            outputs, wanted.labels[: len(outputs)], wanted.class_names, wanted.source
        ),
        "samples": sample_pictures(outputs, wanted),
    }


def evaluate(session: Session, images: Images, names: Sequence[str], source: str) -> Evaluated:
    """Runs every image once: the schema's `accuracy` (None without labels) and the predictions."""
    found: list[NDArray[np.float32]] = []
    for batch in _batches(images.inputs, session.inputs):
        session.set([batch])
        session.run()
        found.append(real(session.get()[0], session.outputs[0]))
    outputs = np.concatenate(found)[: len(images.inputs)]
    outputs = outputs.reshape(len(outputs), -1)
    return {
        "accuracy": score(outputs, images.labels, names, source),
        "predictions": outputs.argmax(axis=1).tolist(),
    }


def _run_all(rows: Rows, seconds: float) -> tuple[list[NDArray[Any]], str | None]:
    end = time.monotonic() + seconds
    got: list[NDArray[Any]] = []
    for row in range(len(rows.inputs)):
        rows.set(row)
        rows.session.run()
        outputs = rows.remember(row)
        if row == 0:
            rows.session.run()
            if not rows.same(0):
                return got, "two runs on the same input differ"
        numbers = [
            real(array, spec) for array, spec in zip(outputs, rows.session.outputs, strict=True)
        ]
        if not all(np.isfinite(array).all() for array in numbers):
            return got, f"the outputs hold NaN or infinity (row {row})"
        got.append(numbers[0])
        if time.monotonic() > end:
            break
    return got, None


def compare(outputs: NDArray[Any], expected: Expected) -> Verification:
    """At most the stored share of rows may be further than the stored tolerance away."""
    rows = len(outputs)
    wanted = expected.outputs[:rows].reshape(rows, -1)
    found = stored.compare(wanted, outputs.reshape(rows, -1), expected.tolerance)
    allowed = int(expected.tolerated_share * rows + 1e-9)
    good = found.over <= allowed
    reason = f"{rows} of {len(expected.outputs)} stored rows compared"
    if not good:
        far = f"{found.over} of {rows} rows are further than {expected.tolerance:g} away"
        reason = f"{far} ({allowed} may be)"
    return {
        "status": "verified" if good else "failed",
        "reason": reason,
        "rows": rows,
        "max_error": found.max_error,
        "mean_error": found.mean_error,
        "over_tolerance": found.over,
        "tolerance": expected.tolerance,
        "tolerated_share": expected.tolerated_share,
        "equal_top1": rows if found.equal_top1 is None else int(found.equal_top1.sum()),
        "source": expected.source[:200],
    }


def score(
    outputs: NDArray[Any], labels: NDArray[Any], names: Sequence[str], source: str
) -> Accuracy | None:
    """Confusion matrix (true class a row) over the rows whose label is known."""
    if outputs.ndim != 2 or not outputs.shape[1]:
        return None
    known = (labels >= 0) & (labels < outputs.shape[1])
    if not known.any():
        return None
    truth, found = labels[known], outputs[known].argmax(axis=1)
    classes = outputs.shape[1]
    matrix = None
    if classes <= MAX_CLASSES_IN_MATRIX:
        table = np.zeros((classes, classes), dtype=int)
        np.add.at(table, (truth, found), 1)
        matrix = table.tolist()
    return {
        "rows": int(known.sum()),
        "correct": int((truth == found).sum()),
        "confusion": matrix,
        "class_names": [name[:100] for name in names],
        "source": source[:200],
        "predictions_sha256": hashlib.sha256(found.astype("<i8").tobytes()).hexdigest(),
    }


def sample_pictures(outputs: NDArray[Any], expected: Expected) -> list[Sample]:
    """Pictures of the first rows and of the first mistakes, with what the model said."""
    if outputs.ndim != 2:
        return []
    found = outputs.argmax(axis=1)
    labels = expected.labels[: len(outputs)]
    wrong = np.flatnonzero((labels >= 0) & (labels != found))[:_MISTAKES]
    chosen = sorted({*range(min(_PICTURES, len(outputs))), *wrong.tolist()})
    samples: list[Sample] = []
    for row in chosen:
        pixels = png.picture(expected.inputs[row])
        if pixels is not None:
            samples.append(
                {
                    "row": row,
                    "png": base64.b64encode(png.encode(pixels)).decode(),
                    "label": int(labels[row]),
                    "predicted": int(found[row]),
                    "score": round(float(outputs[row, found[row]]), 6),
                }
            )
    return samples


def failed(reason: str) -> Verification:
    return {"status": "failed", "reason": reason, "rows": 0}


def not_verified(reason: str) -> Verification:
    return {"status": "not verified", "reason": reason, "rows": 0}


def _digest(arrays: Sequence[NDArray[Any]]) -> bytes:
    return hashlib.sha256(
        b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    ).digest()


def _batches(inputs: NDArray[Any], specs: Sequence[Tensor]) -> Iterator[NDArray[Any]]:
    """The rows in batches of the model's size and type, one at a time; the last filled up.

    Raises:
        ValueError: the model's input has another shape than the stored rows.
    """
    if len(specs) != 1 or inputs.shape[1:] != specs[0].shape[1:]:
        shapes = [list(spec.shape) for spec in specs]
        raise ValueError(f"stored inputs {list(inputs.shape)} do not fit the model's {shapes}")
    size = specs[0].shape[0]
    for at in range(0, len(inputs), size):
        batch = inputs[at : at + size]
        filler = np.repeat(inputs[:1], size - len(batch), axis=0)
        yield stored_type(np.concatenate([batch, filler]), specs[0])


def stored_type(values: NDArray[Any], spec: Tensor | Io) -> NDArray[Any]:
    """Real numbers as the tensor's own type."""
    if spec.scale and spec.dtype in ("int8", "uint8", "int16"):
        limits = np.iinfo(spec.dtype)
        steps = np.rint(values / spec.scale) + spec.zero_point
        return np.clip(steps, limits.min, limits.max).astype(spec.dtype)
    return np.ascontiguousarray(values, dtype=spec.dtype)


def real(array: NDArray[Any], spec: Tensor | Io) -> NDArray[Any]:
    if spec.scale and array.dtype.kind in "iu":
        return (array.astype(np.float32) - spec.zero_point) * np.float32(spec.scale)
    return array.astype(np.float32)


def _random(specs: Sequence[Tensor], generator: np.random.Generator) -> list[NDArray[Any]]:
    """Inputs for a model without stored ones: pixels 0..255 for pictures, else 0..1."""
    arrays: list[NDArray[Any]] = []
    for spec in specs:
        top = 255.0 if len(spec.shape) == 4 else 1.0
        if spec.dtype in ("int8", "uint8"):
            limits = np.iinfo(spec.dtype)
            drawn = generator.integers(limits.min, limits.max, spec.shape)  # pyright: ignore[reportUnknownMemberType]
            arrays.append(drawn.astype(spec.dtype))
        else:
            arrays.append((generator.random(spec.shape) * top).astype(spec.dtype))
    return arrays
