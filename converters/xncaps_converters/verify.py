"""Does a TFLite file compute what its Keras model computes?"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_converters import interpreters, marked_layers
from xncaps_converters.accuracy import Loss, accuracy, loss
from xncaps_converters.bounds import Bounds, bounds_of, labelled_share
from xncaps_converters.output_formats import Report, silent
from xncaps_converters.samples import RANDOM, Samples
from xncaps_files import expected as stored
from xncaps_files import metadata, tflite
from xncaps_tf.errors import DataError, VerificationError

_BATCH = 64
SAMPLES = 1000  # as many tell what a file is worth
_FEW = 100


@dataclass(frozen=True)
class VerifyResult:
    """Keras against a file on the same inputs.

    Attributes:
        runtime: what ran the file: 'litert', 'lce' or 'litert+xncaps'.
        source: of the inputs: a data set and its split, or 'random'.
        samples: how many.
        whole: whether that is the whole split.
        max_error, mean_error: of all outputs.
        over_tolerance: samples with an output that differs by more than the tolerance.
        equal_top1: share of samples with the same class on top (two scores as near as the bounds'
            tie count as the same); None where the outputs are no scores.
        accuracy_keras, accuracy_file: None where no labels are known. Keras's is the model's own,
            whatever was changed in the file.
        loss: of accuracy, from what was expected of the file; None where no labels are known.
        bounds: what was allowed.
    """

    runtime: str
    source: str
    samples: int
    whole: bool
    max_error: float
    mean_error: float
    over_tolerance: int
    equal_top1: float | None
    accuracy_keras: float | None
    accuracy_file: float | None
    loss: Loss | None
    bounds: Bounds
    expected: NDArray[Any]
    errors: NDArray[Any]

    @property
    def allowed_over(self) -> int:
        """Samples that may exceed the tolerance."""
        share = self.bounds.share
        if self.allowed_lost is not None and self.accuracy_keras is not None:
            share = labelled_share(self.accuracy_keras)
        return max(1, int(share * self.samples)) if share else 0

    @property
    def allowed_lost(self) -> float | None:
        """Share of accuracy that may be lost; None where the class on top has to stay instead."""
        if self.loss is None or self.bounds.accuracy_lost is None:
            return None
        return self.bounds.accuracy_lost + self.loss.noise

    @property
    def least_equal(self) -> float:
        """Share of samples that must have the same class on top.

        One sample may have another where some may differ: of 20, one is more than a hundredth. The
        only one may not, or no file at all would fail.
        """
        one_apart = 1 - 1 / self.samples if self.bounds.share and self.samples > 1 else 1.0
        return min(self.bounds.equal_top1, one_apart)

    @property
    def failures(self) -> list[str]:
        """Each bound that is passed, in words; empty where the file is right."""
        found: list[str] = []
        if not np.isfinite(self.max_error):
            found.append("an output that is not finite")
        if self.over_tolerance > self.allowed_over:
            found.append(
                f"{self.over_tolerance} of {self.samples} samples (at most {self.allowed_over}) "
                f"differ by more than {self.bounds.tolerance:g}, the most by {self.max_error:.3g}"
            )
        if self.loss is not None and self.allowed_lost is not None:
            if self.loss.lost > self.allowed_lost:
                found.append(
                    f"{100 * self.loss.lost:.2f} points of accuracy lost "
                    f"(at most {100 * self.allowed_lost:.2f})"
                )
        elif self.equal_top1 is not None and self.equal_top1 < self.least_equal:
            found.append(
                f"{self.equal_top1:.2%} of the samples have the same class on top "
                f"(at least {self.least_equal:.1%})"
            )
        return found

    @property
    def _advice(self) -> str:
        """What might tell more than these samples do."""
        if self.source == RANDOM and self.bounds.accuracy_lost is not None:
            return ". Random inputs say little of a rounded network: name its data by --data"
        if self.bounds.share and self.samples < _FEW:
            return f". {self.samples} samples are few to judge by; {SAMPLES} tell more"
        return ""

    @property
    def passed(self) -> bool:
        return not self.failures

    def check(self) -> VerifyResult:
        """Itself; raises VerificationError where a bound is passed."""
        if self.failures:
            raise VerificationError(
                f"verify on {self.source}: expected the outputs of Keras. "
                f"Received: {'; '.join(self.failures)}{self._advice}."
            )
        return self

    def to_dict(self) -> dict[str, object]:
        """For JSON: everything but the outputs."""
        entries = asdict(self)
        del entries["expected"], entries["errors"]
        allowed = {
            "allowed_over": self.allowed_over,
            "allowed_lost": self.allowed_lost,
            "least_equal": self.least_equal if self.allowed_lost is None else None,
        }
        return {**entries, **allowed, "passed": self.passed}

    def lines(self) -> list[str]:
        """For a person."""
        what = f"{self.samples} random inputs"
        if self.source != "random":
            extent = "all " if self.whole else ""
            what = f"{extent}{self.samples} samples of {self.source}"
            what += "" if self.whole else ", the same share of every class"
        lines = [
            f"verified on {what}, run by {self.runtime}",
            f"  error        max {self.max_error:.2e}, mean {self.mean_error:.2e}",
            f"  over {self.bounds.tolerance:g}   {self.over_tolerance} samples "
            f"(at most {self.allowed_over}"
            + (f": {self.bounds.reason})" if self.bounds.reason else ")"),
        ]
        if self.equal_top1 is not None:
            least = f" (at least {self.least_equal:.1%})" if self.allowed_lost is None else ""
            lines.append(f"  equal top-1  {self.equal_top1:.2%}{least}")
        if np.abs(self.expected).max() <= self.bounds.tolerance:
            lines.append(
                "  says little: no output of Keras is larger than what may differ, as of a network "
                "that is not trained"
            )
        if self.accuracy_keras is not None and self.accuracy_file is not None:
            lost = self.accuracy_keras - self.accuracy_file
            lines.append(
                f"  accuracy     Keras {self.accuracy_keras:.2%}, file {self.accuracy_file:.2%}, "
                f"{100 * lost:.2f} points lost"
            )
            if self.loss is not None and self.allowed_lost is not None:
                by = (
                    ""
                    if np.isclose(lost, self.loss.lost)
                    else f", {100 * self.loss.lost:.2f} by it"
                )
                lines[-1] += f"{by} (at most {100 * self.allowed_lost:.2f} by rounding)"
        return lines


def verify(
    model: Any,
    flatbuffer: bytes | tflite.TfliteFile,
    samples: Samples,
    *,
    tolerance: float | None = None,
    bounds: Bounds | None = None,
    report: Report = silent,
) -> VerifyResult:
    """Runs the model and the file on the same inputs and compares their outputs.

    Args:
        model: the Keras model, with one input and one output.
        flatbuffer: the TFLite file, or its bytes.
        samples: inputs, and labels where known.
        tolerance: in place of the bounds' own, whatever the size of the outputs.
        bounds: for outputs of size 1; None for `bounds_of(model, ...)`.
        report: called as samples have been run.

    Returns:
        The comparison; `.check()` raises where a bound is passed.

    Raises:
        VerificationError: the file does not take or give what the model does, or no runtime has its
            ops.
    """
    file = tflite.parsed(flatbuffer)
    _check_ends(model, file)
    changes = _changes(file)
    bounds = bounds or bounds_of(model, file, changes)
    original = expected = _predict(model, samples, report)
    for scales in set(changes) & {"capsule", "none"}:  # what the file has to compute then
        expected = _predict(marked_layers.with_scales(model, scales), samples, report)
    if tolerance is not None:
        bounds = bounds.within(tolerance)
    else:
        bounds = bounds.for_outputs(expected, labelled=samples.labels is not None)
    runtime, outputs = interpreters.run(file, samples.inputs, report)
    result = compare(expected, outputs, samples, bounds, runtime)
    if expected is not original and samples.labels is not None and expected.ndim == 2:
        result = replace(result, accuracy_keras=accuracy(original, samples.labels))
    return result


def _predict(model: Any, samples: Samples, report: Report) -> NDArray[Any]:
    outputs: list[NDArray[Any]] = []
    for start in range(0, len(samples), _BATCH):
        report(f"run Keras on {len(samples)} samples", start / len(samples))
        outputs.append(model.predict_on_batch(samples.inputs[start : start + _BATCH]))
    return np.concatenate(outputs)


def compare(
    expected: NDArray[Any], outputs: NDArray[Any], samples: Samples, bounds: Bounds, runtime: str
) -> VerifyResult:
    """What was expected against what came out.

    Args:
        expected, outputs: `[n, ...]`.
        samples: what was fed, and labels where known.
        bounds: what may differ.
        runtime: what ran the file.

    Raises:
        VerificationError: the shapes differ.
    """
    try:
        found = stored.compare(expected, outputs, bounds.tolerance, tie=bounds.tie)
    except DataError as error:
        raise VerificationError(str(error)) from error
    top = found.equal_top1
    labels = samples.labels if top is not None else None
    return VerifyResult(
        runtime=runtime,
        source=samples.source,
        samples=len(samples),
        whole=samples.whole,
        max_error=found.max_error,
        mean_error=found.mean_error,
        over_tolerance=found.over,
        equal_top1=None if top is None else float(top.mean()),
        accuracy_keras=None if labels is None else accuracy(expected, labels),
        accuracy_file=None if labels is None else accuracy(outputs, labels),
        loss=None if labels is None else loss(expected, outputs, labels),
        bounds=bounds,
        expected=expected,
        errors=found.errors,
    )


def _changes(file: tflite.TfliteFile) -> tuple[str, ...]:
    """What the file's metadata says that was changed of the model."""
    described = metadata.read(file)
    return () if described is None else described.changes


def _check_ends(model: Any, file: tflite.TfliteFile) -> None:
    """The model and the file have one input and one output each, of the same sizes."""
    graph = file.main
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise VerificationError(
            "verify: expected a model with one input and one output. Received: "
            f"{len(model.inputs)} and {len(model.outputs)}; --no-verify converts it unchecked."
        )
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise VerificationError(
            "verify: expected a file with one input and one output. "
            f"Received: {len(graph.inputs)} and {len(graph.outputs)}."
        )
    for word, tensor, number in (
        ("inputs", model.inputs[0], graph.inputs[0]),
        ("outputs", model.outputs[0], graph.outputs[0]),
    ):
        wanted, found = tuple(tensor.shape)[1:], graph.tensors[number].shape[1:]
        if wanted != found:
            raise VerificationError(
                f"verify: expected {word} {list(wanted)}, as the model has. "
                f"Received: {list(found)} in the file."
            )
