"""Lines of results, their intervals and differences, and the page that is made of them alone."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import numpy as np
import pytest

from experiment_lines import line_of
from xncaps.reproduce import experiments, page, peers, result_lines
from xncaps_files.errors import XncapsError
from xncaps_tf.data.catalogue import NAMES


def test_wilson_is_wilsons() -> None:
    # Newcombe 1998, table I: 81 of 263 -> 0.2553 to 0.3662; 0 of 20 -> 0 to 0.1611.
    assert result_lines.wilson(81, 263) == pytest.approx([0.2553, 0.3662], abs=5e-5)
    assert result_lines.wilson(0, 20) == pytest.approx([0.0, 0.1611], abs=5e-5)


def test_paired_differences() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.random(1000) < 0.9, rng.random(1000) < 0.8
    first, second = line_of("a", right=tuple(one)), line_of("b", right=tuple(two))
    difference, (low, high) = result_lines.paired_difference(first, second)
    assert difference == pytest.approx(100 * (one.mean() - two.mean()))
    each = one.astype(float) - two
    half = 1.959964 * each.std() / np.sqrt(1000)
    assert [low, high] == pytest.approx([difference - 100 * half, difference + 100 * half])
    other = line_of("c", right=(1, 0))
    with pytest.raises(XncapsError, match="the same images"):
        result_lines.paired_difference(first, other)


@pytest.mark.parametrize("right", ["", "!", "oAA=", "4A=="])  # 101 is "oA==", 111 the last
def test_bits_that_are_not_those_of_the_score_are_refused(right: str) -> None:
    line = line_of("a", right=(1, 0, 1))
    assert result_lines.unpack(line).tolist() == [True, False, True]
    line["keras"]["right"] = right
    with pytest.raises(XncapsError, match="`right` of a, seed 0, to be a bit an image, 2 of 3 set"):
        result_lines.unpack(line)


def test_heads_are_compared_where_the_trunk_is_the_same(root: pathlib.Path) -> None:
    known = experiments.read_all(root / "experiments")
    tuned = ("grocery-tuned128", "grocery-strong")
    trunks = ("grocery-frozen", *tuned, "mnist-cnn")
    lines = [
        {**line_of(name), "config_hash": known[name].config_hash}
        for trunk in trunks
        for name in (f"{trunk}-xnodr", f"{trunk}-capsfc", f"{trunk}-dense")
    ]
    # Another tap of the same backbone is another trunk, and so is what it sees of other pixels.
    lines += [
        {**line_of(name), "config_hash": known[name].config_hash}
        for name in ("grocery-frozen-xnodr-320", "grocery-strong-xnodr-256")
    ]
    # And a head of the same trunk that answers in other classes is not compared.
    coarse = line_of("grocery-coarse-xnodr")
    coarse["data"]["name"] = "grocery/coarse"
    lines.append({**coarse, "config_hash": known["grocery-coarse-xnodr"].config_hash})
    table = page.markdown(known, lines).split("## Heads on the same trunk")[1]  # type: ignore[arg-type]
    found = [row.split(" | ")[:3] for row in table.splitlines() if row.startswith("| grocery")]
    found += [row.split(" | ")[:3] for row in table.splitlines() if row.startswith("| mnist")]
    assert found == [
        [f"| {trunk}-xnodr", f"{trunk}-{head}", "xnodr" if trunk in tuned else "-"]
        for trunk in trunks
        for head in ("capsfc", "dense")
    ]


def peer_of(table: str, data: str) -> peers.Peer:
    return {"table": table, "who": "they", "data": data, "figure": 90.5, "source": "[x](https://x)"}


def test_our_best_row_of_one_bit_stands_beside_what_others_report(root: pathlib.Path) -> None:
    known = experiments.read_all(root / "experiments")
    rows = [row for row in known.values() if row.table == "imagenet"]
    lines = [
        line_of("grocery-frozen-xnodr", 0, (1, 1, 1, 0)),
        line_of("grocery-frozen-xnodr", 1, (0, 0, 0, 0)),
        line_of("grocery-frozen-xnidr", 0, (1, 1, 0, 0)),  # more than the mean of the two above
        line_of("grocery-frozen-capsfc", 0, (1, 1, 1, 1)),  # no head of one bit
        line_of("mnist-cnn-xnodr", 0, (1, 1, 1, 1)),  # of another table
        line_of("cifar10-lite0-xnodr", 0, (1, 0, 0, 0)),
    ]
    for line, right in zip(lines, (4, 4, 1, 4), strict=False):
        line["coarse"] = result_lines.score(right, 4)
        line["data"]["title"] = "grocery"
    coarse = line_of("grocery-coarse-xnodr", 0, (1, 1, 1, 0))
    coarse["data"]["title"] = "grocery/coarse"
    own = peers.markdown([peer_of("imagenet", "grocery/coarse")], rows, [*lines[2:4], coarse])
    assert "| 75.00 % (`grocery-coarse-xnodr`) |" in own
    lines[-1]["data"]["title"] = "cifar10 (JPEG copy)"
    data = ("grocery", "grocery/coarse", "cifar10", "mnist", "fashion_mnist")
    text = peers.markdown([peer_of("imagenet", name) for name in data], rows, lines)
    ours = {row.split(" | ")[1]: row.split(" | ")[3] for row in text.splitlines()[4:]}
    assert ours == {
        "grocery": "50.00 % (`grocery-frozen-xnidr`)",
        "grocery/coarse": "100.00 % (`grocery-frozen-xnodr`)",
        "cifar10": "25.00 % (`cifar10-lite0-xnodr`, cifar10 (JPEG copy))",
        "mnist": "not run",
        "fashion_mnist": "-",
    }
    assert "| they | grocery | 90.5 % | " in text and text.count("| [x](https://x) |") == 5


def test_every_figure_of_others_has_its_data_and_a_source_to_follow() -> None:
    given = peers.read()
    assert len(given) >= 12
    for number, peer in enumerate(given):
        assert peer["table"] in experiments.TABLES and peer["data"] in NAMES
        assert 0 < peer["figure"] < 100
        if peer["source"] == "the same":
            assert peer["who"] == given[number - 1]["who"]
        else:
            assert re.search(r"\[[^]]+\]\(https://[^)]+\)", peer["source"])


def test_lines_replace_those_of_the_same_run(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "results.jsonl"
    result_lines.add(path, [line_of("a"), line_of("b")])
    newer = {**line_of("a"), "minutes": 9.0}
    result_lines.add(path, [newer])  # type: ignore[list-item]
    assert [line["minutes"] for line in result_lines.read(path)] == [9.0, 0.5]
    with open(path, "a", encoding="utf-8") as file:  # as of two files put into one
        file.write(json.dumps({**newer, "minutes": 4.0}) + "\n")
    assert [line["minutes"] for line in result_lines.read(path)] == [4.0, 0.5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "format_version 1"),
        ({"minutes": -1}, "minutes"),
        ({"parameters": "many"}, "parameters"),
        ({"more": 1}, "more"),
    ],
)
def test_a_line_that_does_not_fit_the_schema_is_refused(
    tmp_path: pathlib.Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({**line_of("a"), **change}) + "\n")
    with pytest.raises(XncapsError, match=message):
        result_lines.read(path)
    for damaged in (b"{\n", b"\xff{\n"):
        path.write_bytes(damaged)
        with pytest.raises(XncapsError, match="results.jsonl:1: expected a line of JSON"):
            result_lines.read(path)


def test_the_page_in_the_repository_is_made_of_its_lines(root: pathlib.Path) -> None:
    known = experiments.read_all(root / "experiments")
    lines = result_lines.read(root / "experiments" / "results.jsonl")
    assert {line["experiment"] for line in lines} <= set(known)
    text = page.markdown(known, lines)
    assert (root / "docs" / "results.md").read_text(encoding="utf-8") == text, "run `make results`"
