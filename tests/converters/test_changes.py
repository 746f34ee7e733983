"""Passes and options that change a model: said in the file, held to bounds of their own."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import xncaps_tf
from xncaps_converters import (
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

DIGITS = Check("digits")
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
    assert result.bounds.equal_top1 == 0.99
    assert result.bounds.tolerance == pytest.approx(0.125 * np.abs(result.expected).max())
    assert "points lost" in "\n".join(result.lines())
    assert any("changed: the backbone rounded to int8" in note for note in done.notes)
    # The metadata says so, and verifying the file by itself finds the same bounds.
    assert inspect.inspect_file(done.path).metadata.changes == ("int8",)  # type: ignore[union-attr]
    assert conversion.verify_file(trained(head), done.path, DIGITS).bounds == result.bounds


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scales": "capsule"}, "one scale a pair of capsules"),
        ({"scales": "none"}, "one scale for the whole layer"),
        ({"scale_type": "float16"}, "scales rounded to float16"),
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
    assert chosen.equal_top1 == (0.999 if "scales" in options else 0.99)
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
    scores = model.predict(test.inputs, verbose=0)
    assert done.accuracy_keras == verify.accuracy(scores, test.labels)
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
