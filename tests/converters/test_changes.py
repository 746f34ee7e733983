"""Passes and options that change a model: said in the file, held to bounds of their own."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xncaps_converters import bounds, inspect, pipeline, tflite_file
from xncaps_converters.formats import Options
from xncaps_converters.pipeline import Check

DIGITS = Check("digits")


def _convert(model: pathlib.Path, out: pathlib.Path, **options: Any) -> pipeline.Converted:
    passes = options.pop("passes", True)
    return pipeline.convert_file(model, out, "fused", Options(**options), DIGITS, passes=passes)


@pytest.mark.parametrize("head", ["xnodr", "xnidr", "capsfc"])
def test_int8_passes_its_own_bounds_and_says_what_it_costs(
    trained: Callable[..., pathlib.Path], tmp_path: pathlib.Path, head: str
) -> None:
    out = tmp_path / "net.tflite"
    done = _convert(trained(head), out, backbone="int8")
    result = done.verification
    assert result is not None and result.passed
    assert "the backbone rounded to int8" in result.bounds.reason
    assert (result.bounds.tolerance, result.bounds.equal_top1) == (0.3, 0.99)
    assert "points lost" in "\n".join(result.lines())
    assert any("changed: the backbone rounded to int8" in note for note in done.notes)
    # The metadata says so, and verifying the file by itself finds the same bounds.
    assert inspect.inspect_file(out).metadata.changes == ("int8",)  # type: ignore[union-attr]
    assert pipeline.verify_file(trained(head), out, DIGITS).bounds == result.bounds


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
    trained: Callable[..., pathlib.Path],
    tmp_path: pathlib.Path,
    options: dict[str, Any],
    words: str,
) -> None:
    chosen = bounds.choose([], Options(**options).changed)
    assert words in chosen.reason and chosen.equal_top1 == 0.99
    out = tmp_path / "net.tflite"
    model = trained("xnodr")
    if options.get("scales") is not None:  # trained for seconds, classes may change: the file says
        pipeline.convert_file(model, out, "fused", Options(**options), None)
    else:
        done = _convert(model, out, **options)
        assert done.verification is not None and words in done.verification.bounds.reason
    lines = "\n".join(inspect.inspect_file(out).lines())
    assert f"changed: {words}" in lines


def test_int8_bounds_still_refuse_a_wrong_file(
    trained: Callable[..., pathlib.Path], tmp_path: pathlib.Path
) -> None:
    _convert(trained("xnodr"), tmp_path / "net.tflite", backbone="int8")
    result = pipeline.verify_file(trained("capsfc"), tmp_path / "net.tflite", DIGITS)
    assert not result.passed


def test_inspect_shows_the_passes_and_none_without(
    trained: Callable[..., pathlib.Path], tmp_path: pathlib.Path
) -> None:
    files = {passes: tmp_path / f"{passes}.tflite" for passes in (True, False)}
    for passes, file in files.items():
        _convert(trained("xnodr"), file, passes=passes)
    found = {passes: inspect.inspect_file(file) for passes, file in files.items()}
    [line] = found[True].passes
    assert line.startswith("pool before linear: 'features', ") and line.endswith(" MACs less")
    assert f"passes: {line}" in found[True].lines()
    assert json.loads(json.dumps(found[True].to_dict()))["passes"] == [line]
    assert found[False].passes == () and "passes: none" in found[False].lines()


@pytest.mark.parametrize("head", ["xnodr", "xnidr"])
def test_verify_takes_a_thousand_samples_or_the_whole_split(
    trained: Callable[..., pathlib.Path], tmp_path: pathlib.Path, head: str
) -> None:
    out = tmp_path / "net.tflite"
    _convert(trained(head), out)
    assert Check().samples == 1000
    result = pipeline.verify_file(trained(head), out, DIGITS)
    assert result.whole and result.samples == len(result.expected) > 300
    some = pipeline.verify_file(trained(head), out, Check("digits", samples=50))
    assert some.samples == 50 and not some.whole
    random = pipeline.verify_file(trained(head), out, Check())
    assert (random.samples, random.source) == (1000, "random")


def test_bounds_between_files_look_at_their_ops(trained: Callable[..., pathlib.Path]) -> None:
    from xncaps_converters import convert_float
    from xncaps_tf import load_model

    file = tflite_file.parse(convert_float(load_model(trained("capsfc"), compile=False)))
    assert bounds.bounds_between(file, file) == bounds.Bounds()
    assert np.isclose(bounds.choose(["binary convolutions"]).share, 0.01)
