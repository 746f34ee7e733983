"""Passes and options that change a model: said in the file, held to bounds of their own."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import larq as lq
import numpy as np
import pytest

import xncaps_tf
from xncaps_converters import (
    accuracy,
    bounds,
    clone,
    conversion,
    graph_edit,
    inspect,
    samples,
    verify,
)
from xncaps_converters.conversion import Check
from xncaps_converters.output_formats import Options
from xncaps_files import metadata, tflite
from xncaps_tf import models
from xncaps_tf._keras import keras
from xncaps_tf.errors import VerificationError

DIGITS = Check("digits")
GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "android"
_CONV_2D = 3  # tflite's schema
Convert = Callable[..., conversion.Conversion]


@pytest.fixture(scope="module")
def convert(
    trained: Callable[..., pathlib.Path], tmp_path_factory: pytest.TempPathFactory
) -> Convert:
    """(head, check=, passes=, options) -> a fused file and what was said; each is made once."""
    made: dict[Any, conversion.Conversion] = {}

    def get(
        head: str, *, check: Check = DIGITS, passes: bool = True, **options: Any
    ) -> conversion.Conversion:
        key = (head, check, passes, *sorted(options.items()))
        if key not in made:
            out = tmp_path_factory.mktemp(head) / "net.tflite"
            made[key] = conversion.convert_file(
                trained(head), out, "fused", Options(passes=passes, **options), check
            )
        return made[key]

    return get


@pytest.mark.parametrize("head", ["xnodr", "xnidr", "capsfc"])
def test_int8_passes_its_own_bounds_and_says_what_it_costs(
    trained: Callable[..., pathlib.Path], convert: Convert, head: str
) -> None:
    done = convert(head, backbone="int8")
    result = done.verification
    assert result is not None and result.passed
    assert "the backbone rounded to int8" in result.bounds.reason
    assert result.loss is not None and result.allowed_lost == 0.005 + result.loss.noise
    assert result.bounds.tolerance == pytest.approx(0.125 * np.abs(result.expected).max())
    assert f"(at most {100 * result.allowed_lost:.2f} by rounding)" in result.lines()[-1]
    assert any("changed: the backbone rounded to int8" in note for note in done.notes)
    # The metadata says so, and verifying the file by itself finds the same bounds.
    assert inspect.inspect_file(done.path).metadata.changes == ("int8",)  # type: ignore[union-attr]
    assert conversion.verify_file(trained(head), done.path, DIGITS).bounds == result.bounds


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scales": "capsule"}, "one scale a pair of capsules"),
        ({"scales": "none"}, "one scale for the whole layer"),
        ({"scale_type": "float16"}, "scales, or CapsFC's weights, rounded to float16"),
        ({"backbone": "dynamic"}, "the backbone's weights rounded to int8"),
    ],
    ids=str,
)
def test_what_changes_the_model_is_said_and_held_to_the_class_on_top(
    convert: Convert, options: dict[str, Any], words: str
) -> None:
    chosen = bounds.choose([], Options(**options).changed)
    assert words in chosen.reason
    # With coarser scales the file is compared with Keras at the same scales: strictly.
    exact = "scales" in options
    assert (chosen.equal_top1, chosen.accuracy_lost) == ((0.999, None) if exact else (0.99, 0.005))
    done = convert("xnodr", **options)
    assert done.verification is not None and words in done.verification.bounds.reason
    lines = "\n".join(inspect.inspect_file(done.path).lines())
    assert f"changed: {words}" in lines


def test_coarser_scales_are_held_to_keras_at_the_same_scales(
    trained: Callable[..., pathlib.Path], convert: Convert
) -> None:
    file = convert("xnodr", scales="capsule")
    done = file.verification
    assert done is not None and done.bounds.share <= 0.01
    assert done.bounds.tolerance == pytest.approx(1e-4, rel=1.0)
    model = clone.as_model(xncaps_tf.load_model(trained("xnodr"), compile=False))
    test = samples.from_data(model, "digits")
    # Keras's own accuracy is that of the model, whatever the file's scales.
    assert test.labels is not None
    scores = model.predict(test.inputs[:], verbose=0)
    assert done.accuracy_keras == accuracy.accuracy(scores, test.labels)
    # A file of other scales than it says is refused: before, every sample might differ by 0.2.
    lies = tflite.load(convert("xnodr").path)
    told = metadata.read(lies)
    assert told is not None
    lies = graph_edit.with_metadata(
        lies, replace(told, origin={**told.origin, "changes": ["none"]})
    )
    assert not verify.verify(model, lies, test).passed


def test_int8_bounds_still_refuse_a_wrong_file(
    trained: Callable[..., pathlib.Path], convert: Convert
) -> None:
    file = convert("xnodr", backbone="int8").path
    assert not conversion.verify_file(trained("capsfc"), file, DIGITS).passed


def test_int8_bounds_refuse_a_file_that_lost_accuracy(
    trained: Callable[..., pathlib.Path], convert: Convert
) -> None:
    """Half of the filters in front of the capsules have their signs turned round."""
    model = clone.as_model(xncaps_tf.load_model(trained("capsfc"), compile=False))
    file = convert("capsfc", backbone="int8")
    edited = graph_edit.unpack(file.data)
    graph = edited.subgraphs[0]
    filters = [
        edited.buffers[graph.tensors[op.inputs[1]].buffer].data.view(np.int8)
        for op in graph.operators
        if edited.operatorCodes[op.opcodeIndex].builtinCode == _CONV_2D
    ]
    half = len(filters[-1]) // 2
    filters[-1][:half] = -np.maximum(filters[-1][:half], -127)
    worn = graph_edit.with_metadata(graph_edit.pack(edited), file.metadata)
    test = samples.from_data(model, "digits")
    result = verify.verify(model, worn, test)
    assert any("points of accuracy lost (at most" in line for line in result.failures)
    with pytest.raises(VerificationError, match="points of accuracy lost"):
        # However far the scores may be away.
        verify.verify(model, worn, test, tolerance=1e3).check()


def _scores(answers: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[answers]


def _int8_result(
    expected: np.ndarray, outputs: np.ndarray, labels: np.ndarray | None
) -> verify.VerifyResult:
    chosen = bounds.choose([], ["int8"]).within(1e3)
    given = samples.Samples(np.zeros((len(expected), 1)), labels, "made")
    return verify.compare(expected, outputs, given, replace(chosen, tie=0.0), "none")


def test_other_wrong_answers_are_no_loss_and_fewer_right_ones_are() -> None:
    """1,000 samples of 81 classes, 700 of them right."""
    labels = np.arange(1000) % 81
    answers = np.where(np.arange(1000) < 700, labels, (labels + 1) % 81)
    others = answers.copy()
    others[900:] = (labels[900:] + 2) % 81  # wrong before, wrong in another way now
    others[:10], others[700:706] = (labels[:10] + 1) % 81, labels[700:706]  # 10 lost, 6 gained
    result = _int8_result(_scores(answers, 81), _scores(others, 81), labels)
    assert result.passed and result.equal_top1 == pytest.approx(1 - 0.116)
    assert result.loss is not None and result.loss.lost == pytest.approx(0.004)
    assert result.loss.noise == pytest.approx(3.09 * 4 / 1000)
    assert not _int8_result(_scores(answers, 81), _scores(others, 81), None).passed
    # Half a point is 5 answers, and chance explains 3.09 sqrt(18) = 13.1 or sqrt(22) = 14.5 more.
    for lost, passed in ((18, True), (22, False)):
        others = np.where(np.arange(1000) < lost, (labels + 1) % 81, answers)
        assert _int8_result(_scores(answers, 81), _scores(others, 81), labels).passed == passed


@pytest.mark.parametrize(("right", "allowed"), [(100, 10), (98, 10), (85, 45), (50, 60)])
def test_most_samples_have_to_be_near_where_the_accuracy_is_known(right: int, allowed: int) -> None:
    """Another network of the same accuracy is no rounding of this one; one that errs moves more."""
    answers = np.arange(100) % 10
    labels = np.where(np.arange(100) < right, answers, (answers + 1) % 10)
    scores = _scores(answers, 10)
    for moved, passed in ((allowed - 2, True), (allowed + 2, False)):
        outputs = scores.copy()
        outputs[:moved] *= 0.7
        chosen = bounds.choose([], ["int8"]).for_outputs(scores, labelled=True)
        given = samples.Samples(np.zeros((100, 1)), labels, "made")
        result = verify.compare(scores, outputs, given, chosen, "none")
        assert result.passed == passed and result.allowed_over == allowed
    assert f"{allowed + 2} of 100 samples (at most {allowed}) differ" in result.failures[0]


def test_loss_of_two_labels_a_sample_counts_halves() -> None:
    labels = np.array([[1, 1, 0, 0]] * 4, np.float32)
    right, half = np.array([[3, 2, 1, 0]] * 4, np.float32), np.array([[3, 1, 2, 0]] * 4, np.float32)
    found = accuracy.loss(right, half, labels)
    assert found.lost == 0.5 and found.noise == pytest.approx(3.09 * (4 * 0.25) ** 0.5 / 4)


def test_near_scores_of_random_inputs_may_change_places_by_rounding() -> None:
    """Without labels a tie is what is near for the scores' own spread, whatever their size."""
    generator = np.random.default_rng(0)
    scores = generator.normal(0, 0.01, (1000, 81)).astype(np.float32)
    rounded = scores + generator.normal(0, 0.0005, scores.shape).astype(np.float32)
    given = samples.Samples(np.zeros((1000, 1)), None, samples.RANDOM)
    chosen = bounds.choose([], ["int8"]).for_outputs(scores)
    assert verify.compare(scores, rounded, given, chosen, "none").passed
    assert (scores.argmax(1) == rounded.argmax(1)).mean() < 0.95
    other = generator.normal(0, 0.01, scores.shape).astype(np.float32)
    assert "same class on top" in str(verify.compare(scores, other, given, chosen, "none").failures)
    exact = bounds.choose(["binary convolutions"]).for_outputs(scores)
    assert exact.tie == bounds.TOLERANCE  # what changes nothing is held as before


def test_of_few_samples_one_may_change_and_more_are_asked_for() -> None:
    """Of 20 samples one is 5 %: where 1 % may change, that says nothing of the file."""
    answers = np.arange(20) % 5
    for source, words in (
        ("digits/test", "20 samples are few to judge by; 1000 tell more"),
        (samples.RANDOM, "Random inputs say little of a rounded network: name its data by --data"),
    ):
        given = samples.Samples(np.zeros((20, 1)), None, source)
        for changed, passed in ((1, True), (2, False)):
            others = np.where(np.arange(20) < changed, answers + 1, answers)
            chosen = replace(bounds.choose([], ["int8"]).within(1e3), tie=0.0)
            result = verify.compare(_scores(answers, 6), _scores(others, 6), given, chosen, "none")
            assert result.passed == passed and result.to_dict()["least_equal"] == 0.95
        with pytest.raises(VerificationError, match=rf"\(at least 95.0%\)\. {words}\.$"):
            result.check()
        exact = verify.compare(
            _scores(answers, 6), _scores(others, 6), given, bounds.Bounds(1e3), "none"
        )
        assert exact.least_equal == 0.999


def test_the_only_sample_keeps_its_class() -> None:
    given = samples.Samples(np.zeros((1, 1)), None, "digits/test")
    chosen = bounds.choose([bounds.CONVOLUTIONS])
    one, other = np.array([[0.9, 0.1]]), np.array([[0.1, 0.9]])
    assert verify.compare(one, one, given, chosen, "none").passed
    assert not verify.compare(one, other, given, chosen, "none").passed


def test_inspect_shows_the_passes_and_none_without(convert: Convert) -> None:
    found = {
        passes: inspect.inspect_file(convert("xnodr", passes=passes).path)
        for passes in (True, False)
    }
    [line] = found[True].passes
    assert line.startswith("pool before linear: 'features', ") and line.endswith(" MACs less")
    assert f"passes: {line}" in found[True].lines()
    assert json.loads(json.dumps(found[True].to_dict()))["passes"] == [line]
    assert found[False].passes == () and "passes: none" in found[False].lines()


@pytest.mark.parametrize("head", ["xnodr", "xnidr"])
def test_verify_takes_a_thousand_samples_or_the_whole_split(
    trained: Callable[..., pathlib.Path], convert: Convert, head: str
) -> None:
    out = convert(head).path
    assert Check().samples == 1000
    result = conversion.verify_file(trained(head), out, DIGITS)
    assert result.whole and result.samples == len(result.expected) > 300
    some = conversion.verify_file(trained(head), out, Check("digits", samples=50))
    assert some.samples == 50 and not some.whole
    random = conversion.verify_file(trained(head), out, Check())
    assert (random.samples, random.source) == (1000, "random")


def test_bounds_between_files_look_at_their_ops(convert: Convert) -> None:
    names = ("capsfc", "xnodr", "xnidr")
    files = [tflite.load(convert(name, backbone="int8").path) for name in names]
    plain, odr, idr = map(tflite.parse, files)
    assert bounds.bounds_between(plain, plain) == bounds.Bounds()
    assert "XnODR's input" in bounds.bounds_between(plain, odr).reason
    assert "XnIDR's agreement" in bounds.bounds_between(idr, plain).reason
    assert np.isclose(bounds.choose(["binary convolutions"]).share, 0.01)


class OwnDense(lq.layers.QuantDense):
    """Somebody's own."""


@pytest.mark.parametrize("kind", [lq.layers.QuantDense, OwnDense])
def test_dense_layers_of_bits_are_no_convolutions(kind: type[Any]) -> None:
    file = tflite.parse(tflite.load(GOLDEN / "tiny_float.tflite"))
    signs = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
    dense = kind(10, **signs)
    net = keras.Sequential([keras.layers.InputLayer((16,)), dense])
    chosen = bounds.bounds_of(net, file)
    assert chosen == bounds.choose([bounds.DENSE]) and chosen.share == 0.01
    assert chosen.equal_top1 == 0.999
    conv = lq.layers.QuantConv2D(4, 1, **signs)
    net = keras.Sequential(
        [keras.layers.InputLayer((4, 4, 1)), conv, keras.layers.Flatten(), kind(10, **signs)]
    )
    assert bounds.bounds_of(net, file).share == 0.05


def test_convolutions_of_bits_may_flip_more_signs_against_keras_and_not_between_files() -> None:
    """Of 1,000 images 15 moved, as a trained QuickNet's do in larq-compute-engine's own file."""
    file = tflite.parse(tflite.load(GOLDEN / "binary_lce.tflite"))
    net = models.build("quicknet_small", "xnodr", (32, 32, 3), 10)
    against_keras, between = bounds.bounds_of(net, file), bounds.bounds_between(file, file)
    scores = np.eye(10, dtype="float32")[np.arange(1000) % 10]
    moved = scores.copy()
    moved[:15] += 0.1
    given = samples.Samples(np.zeros((1000, 1)), None, samples.RANDOM)
    for chosen, passes in ((against_keras, True), (between, False)):
        result = verify.compare(scores, moved, given, chosen.for_outputs(scores), "none")
        assert result.passed is passes
    moved[:60] += 0.1
    held = against_keras.for_outputs(scores)
    assert not verify.compare(scores, moved, given, held, "none").passed
    moved = scores.copy()
    moved[:6] = moved[6:12]
    assert not verify.compare(scores, moved, given, held, "none").passed
