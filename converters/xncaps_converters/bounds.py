"""What a file may differ by from what it was made from, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files.tflite import TfliteFile

TOLERANCE = 1e-4
EQUAL_TOP1 = 0.999
FLIPPED_SHARE = 0.01
# A network of binary convolutions takes the signs of all its layers' values, a capsule layer of one
# layer's. Of `cifar10-quicknet-xnodr` and 10,000 test images 1.5 % moved, by 0.13 at most, and one
# in a thousand got another class; larq-compute-engine's file moved the same ones by the same, so
# between two files the strict bounds hold.
CONVOLUTIONS = "binary convolutions"
DENSE = "binary dense layers' inputs"
CONVOLUTIONS_SHARE = 0.05
CONVOLUTIONS_EQUAL_TOP1 = 0.995
ROUNDED_EQUAL_TOP1 = 0.99
ACCURACY_LOST = 0.005
# With the accuracy known more outputs may move, but so few that it has to be this network: a tenth,
# or for a network that is often wrong three for each wrong answer, since what makes it err moves
# it. Of XnODR on frozen features of EfficientNet-Lite0 and 500 drawn pictures (bench/photos.py)
# 42 % moved; 84 % of the file's answers were right where 82 % of Keras's were.
LABELLED_SHARE = 0.1
MOVED_PER_WRONG = 3.0
MOST_MOVED = 0.6


@dataclass(frozen=True)
class Change:
    """What an option changes of a model.

    Attributes:
        words: for people.
        tolerance: of an output.
        share: of samples that may differ by more.
        equal_top1: least share of samples whose highest score is the same class.
        accuracy_lost: see `Bounds`.
    """

    words: str
    tolerance: float
    share: float = FLIPPED_SHARE
    equal_top1: float = ROUNDED_EQUAL_TOP1
    accuracy_lost: float | None = ACCURACY_LOST


def _coarser_scales(words: str) -> Change:
    """The file is compared with Keras at the same scales: it has to be as near as any other."""
    return Change(words, TOLERANCE, equal_top1=EQUAL_TOP1, accuracy_lost=None)


# By the word that is recorded in a file's metadata. Measured on 10,000 test images of a trained
# network each: int8 moved a score by 0.2 in 0.6 %, by 0.43 at most; float16 by 3e-4. On the demo's
# 364 digits int8 moved a score by 0.2 in 1.9 %, by 0.29 at most. The largest scores were 2.5 there,
# and tolerances are those of scores of 1.
CHANGES = {
    "int8": Change("the backbone rounded to int8", 0.125),
    "dynamic": Change("the backbone's weights rounded to int8", 0.125),
    "float16": Change("scales, or CapsFC's weights, rounded to float16", 4e-3),
    "capsule": _coarser_scales("one scale a pair of capsules instead of one a pose value"),
    "none": _coarser_scales("one scale for the whole layer"),
}
# Ops that binarise what was computed in front of them.
_SIGNS = {
    "LceQuantize": CONVOLUTIONS,
    "XnCapsOdr": "XnODR's input",
    "XnCapsIdr": "XnIDR's agreement",
    "SIGN": "signs of what was computed",
}
# Layers that binarise their input and are no convolutions.
_OF_LAYERS = {"XnODR": "XnODR's input", "QuantDense": DENSE}


@dataclass(frozen=True)
class Bounds:
    """What a file may differ by.

    Attributes:
        tolerance: largest difference of an output; of outputs of size 1 where `for_outputs` has not
            been asked.
        share: share of samples that may differ by more; at least one sample where it is not 0.
        reason: why the bounds are not the strict ones.
        equal_top1: least share of samples whose highest score is the same class.
        tie: two scores that are as near count as the same.
        accuracy_lost: share of right answers that may be lost, beside what the choice of the
            samples explains. It takes the place of `equal_top1` where labels are known: a rounded
            network of many classes gives other wrong answers than before, and is no worse for it.
            None where the file changes nothing, so that every answer has to stay.
    """

    tolerance: float = TOLERANCE
    share: float = 0.0
    reason: str = ""
    equal_top1: float = EQUAL_TOP1
    tie: float = TOLERANCE
    accuracy_lost: float | None = None

    def for_outputs(self, outputs: NDArray[Any], *, labelled: bool = False) -> Bounds:
        """The same for outputs of any size: the tolerance grows with the largest one over 1.

        Rounding errors are relative, so logits of size 100 may differ by a hundred times what
        capsule lengths may. The largest of all outputs counts, not each one for itself: a small
        output is the difference of large ones.

        Args:
            outputs: what is expected, `[n, ...]`.
            labelled: whether `accuracy_lost` is what the class on top is held to.
        """
        finite = np.abs(outputs[np.isfinite(outputs)])
        size = max(1.0, float(finite.max(initial=0.0)))
        tie = self.tie * size
        if self.accuracy_lost is not None and not labelled and outputs.ndim == 2:
            # Noise has no class; scores that are near for their spread change places by rounding.
            spread: NDArray[np.float64] = outputs.max(axis=1) - outputs.min(axis=1)
            tie = max(tie, self.tolerance * float(np.median(spread)))
        return replace(self, tolerance=self.tolerance * size, tie=tie)

    def within(self, tolerance: float) -> Bounds:
        """The same with a tolerance of the caller's own."""
        return replace(self, tolerance=tolerance, tie=tolerance)


def labelled_share(accuracy: float) -> float:
    """Share of samples that may move where the labels are known.

    Args:
        accuracy: of the model, 0 to 1.
    """
    return min(MOST_MOVED, max(LABELLED_SHARE, MOVED_PER_WRONG * (1 - accuracy)))


def bounds_of(model: Any, file: TfliteFile, changes: Sequence[str] = ()) -> Bounds:
    """The bounds for a Keras model and its file.

    Args:
        model: the Keras model.
        file: the TFLite file.
        changes: words of `CHANGES` that the file's metadata names; int8 is seen in the file itself.
    """
    found = {word for word in changes if word in CHANGES}
    if is_int8(file) and not found & {"int8", "dynamic"}:
        found.add("int8")
    signs = sign_flips(model)
    chosen = choose(signs, sorted(found))
    if CONVOLUTIONS in signs and not found:
        return replace(chosen, share=CONVOLUTIONS_SHARE, equal_top1=CONVOLUTIONS_EQUAL_TOP1)
    return chosen


def bounds_between(first: TfliteFile, second: TfliteFile) -> Bounds:
    """The bounds for two files of one model, of which neither is rounded more than the other."""
    names = {op.name for file in (first, second) for op in file.ops}
    return choose(sorted({words for op, words in _SIGNS.items() if op in names}))


def choose(signs: Sequence[str], changes: Sequence[str] = ()) -> Bounds:
    """Strict bounds, but for what has signs that may flip near zero, and for what was changed.

    Two right implementations round differently; where such a value is binarised next, its sign may
    differ, and that is a whole unit instead of a rounding error. int8 keeps 8 bits of each value in
    front of the capsules: scores move by some hundredths, and by more where a rounded value's sign
    flips; what has to stay is the accuracy, or where that is not known the class on top.

    Args:
        signs: what is binarised, in words.
        changes: words of `CHANGES`.
    """
    reasons = [CHANGES[word].words for word in changes]
    if signs:
        reasons.append("signs near zero may flip: " + ", ".join(signs))
    if not changes:
        return Bounds(share=FLIPPED_SHARE if signs else 0.0, reason="; ".join(reasons))
    tolerance = max(CHANGES[word].tolerance for word in changes)
    share = max(CHANGES[word].share for word in changes)
    equal = min(CHANGES[word].equal_top1 for word in changes)
    lost = [each for word in changes if (each := CHANGES[word].accuracy_lost) is not None]
    return Bounds(
        tolerance, share, "; ".join(reasons), equal, accuracy_lost=max(lost, default=None)
    )


def is_int8(file: TfliteFile) -> bool:
    """Whether a file has values or weights of 8 bits."""
    return any(tensor.type == "INT8" for graph in file.subgraphs for tensor in graph.tensors)


def sign_flips(model: Any) -> list[str]:
    """What is binarised in a Keras model, in words."""
    from xncaps_converters.clone import flat_layers

    found: list[str] = []
    for layer in flat_layers(model):
        if getattr(layer, "input_quantizer", None) is not None:
            kinds = [each.__name__ for each in type(layer).__mro__]
            known = [_OF_LAYERS[kind] for kind in kinds if kind in _OF_LAYERS]
            found.append(known[0] if known else CONVOLUTIONS)
        if getattr(layer, "prediction_quantizer", None) is not None:
            found.append("XnIDR's agreement")
        elif getattr(layer, "pose_quantizer", None) is not None:
            found.append("XnIDR's agreement")
    return sorted(set(found))
