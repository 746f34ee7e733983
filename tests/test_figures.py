"""Figures that people have copied into pages are those of the results, the cards and the peers.

`docs/results.md` and the cards' READMEs are made from their data, and held to it where they are
made. Here are the places that repeat some of it in words: each must say what the data say now, and
the parts of pages that are about results must have no other figure.
"""

from __future__ import annotations

import functools
import json
import pathlib
import re
from collections.abc import Callable

import pytest

import xncaps_zoo
from xncaps.reproduce import experiments, result_lines

ROOT = pathlib.Path(__file__).resolve().parents[1]
FIGURE = re.compile(r"[\d.,]*\d (?:%|ms|µs|KB|MB|points|minutes|hours)")
GROCERY, CAPSFC = "grocery-lite0-xnodr-int8", "grocery-lite0-capsfc-int8"
CIFAR10, QUICKNET = "cifar10-lite0-xnodr-int8", "cifar10-quicknet-xnodr"
INT8, FLOAT16 = "fused-int8", "fused-int8-float16"


@functools.cache
def firsts() -> dict[str, result_lines.ResultLine]:
    """The line of each experiment's first seed, of its config as it is now."""
    lines = result_lines.read(experiments.folder() / "results.jsonl")
    keyed = {result_lines.key(line): line for line in lines}
    wanted = {
        name: (name, each.config_hash, each.seeds[0])
        for name, each in experiments.read_all().items()
    }
    return {name: keyed[key] for name, key in wanted.items() if key in keyed}


def right(experiment: str, file: str = "", digits: int = 2) -> str:
    """Of an experiment's Keras model, or of one of its files: '85.11 %'."""
    return f"{100 * accuracy(experiment, file):.{digits}f} %"


def accuracy(experiment: str, file: str = "") -> float:
    line = firsts()[experiment]
    scores = {each["to"]: each["score"] for each in line["files"]}
    return (scores[file] if file else line["keras"]["score"])["accuracy"]


def lost(experiment: str, file: str = INT8) -> str:
    return f"{100 * (accuracy(experiment) - accuracy(experiment, file)):.2f}"


def size(experiment: str, file: str) -> int:
    (found,) = (each["bytes"] for each in firsts()[experiment]["files"] if each["to"] == file)
    return found


def kilobytes(experiment: str, file: str) -> str:
    return f"{size(experiment, file) / 1000:,.0f} KB"


def timed(name: str, what: str = "this file") -> str:
    """Of a file of the zoo or of a twin that it was timed beside: '1.92 ms | 4,377 KB'."""
    (row,) = (row for row in xncaps_zoo.card(name)["latency"]["rows"] if row["what"] == what)
    return f"{row['median_us'] / 1000:.2f} ms, {row['bytes'] / 1000:,.0f} KB"


def in_a_table(text: str) -> str:
    return text.replace(", ", " | ", 1)


def peer(data: str, who: str) -> str:
    peers = json.loads((ROOT / "experiments" / "peers.json").read_text(encoding="utf-8"))["peers"]
    (found,) = (each for each in peers if each["data"] == data and each["who"].startswith(who))
    return f"{found['figure']:.2f} %"


def minutes(*names: str) -> float:
    return sum(firsts()[name]["minutes"] for name in names)


def photographs() -> list[str]:
    """What README's 'What it makes of photographs' has to say."""
    ours, capsfc = (xncaps_zoo.card(each)["experiment"]["name"] for each in (GROCERY, CAPSFC))
    anew, dense = "grocery-strong-xnodr-anew", "grocery-strong-dense"
    saved = (size(capsfc, FLOAT16) - size(ours, FLOAT16)) / 1e6
    difference, (low, high) = result_lines.paired_difference(firsts()[anew], firsts()[capsfc])
    better = [100 * (accuracy(each, FLOAT16) - accuracy(dense, INT8)) for each in (ours, anew)]
    tuning = round(minutes("grocery-tuned-xnodr", ours), -1)
    cifar10 = xncaps_zoo.card(CIFAR10)["experiment"]["name"]
    hours = round(minutes("cifar10-lite0-xnodr", "cifar10-longer-xnodr") / 60)
    beside = ("CapsFC, int8 backbone, float32 weights", "Dense, int8")
    return [
        f"then on stronger changes of the pictures: {tuning:.0f} minutes on two cores",
        f"Right on the {firsts()[ours]['data']['images']:,} test images",
        f"which tuned the trunk (`zoo:{GROCERY}`) | {right(ours)} | {right(ours, FLOAT16)} | "
        f"{in_a_table(timed(GROCERY))} |",
        f"XnODR, one bit, trained as the two below | {right(anew)} | {right(anew, FLOAT16)} | "
        f"as above | {kilobytes(anew, FLOAT16)} |",
        f"CapsFC, float16 weights (`zoo:{CAPSFC}`) | {right(capsfc)} | {right(capsfc, FLOAT16)} | "
        f"{in_a_table(timed(GROCERY, 'CapsFC, int8 backbone, float16 weights'))} |",
        f"Dense | {right(dense)} | {right(dense, INT8)} | "
        f"{in_a_table(timed(GROCERY, 'Dense, int8'))} |",
        f"saves {saved:.1f} MB against the float one",
        f"({difference:.2f} points more; {low:+.2f} to {high:+.2f} by pairs of answers)",
        "of the coarse classes its Keras model has "
        f"{100 * xncaps_zoo.card(GROCERY)['accuracy'].get('coarse', {})['accuracy']:.2f} % right",
        f"{min(better):.1f} to {max(better):.1f} points worse",
        f"Others report {peer('grocery', 'Antioquia')} of the fine and "
        f"{peer('grocery/coarse', 'Antioquia')} of the coarse classes",
        f"then 128 pixels in {({1: 'one', 2: 'two', 3: 'three'})[hours]} hours",
        f"XnODR {right(cifar10)} (`zoo:{CIFAR10}`: {right(cifar10, INT8)}, {timed(CIFAR10)})",
        f"CapsFC {right('cifar10-longer-capsfc')} (int8: {right('cifar10-longer-capsfc', INT8)}, "
        f"{timed(CIFAR10, beside[0])})",
        f"dense {right('cifar10-longer-dense')} (int8: {right('cifar10-longer-dense', INT8)}, "
        f"{timed(CIFAR10, beside[1])})",
        f"The paper reports {peer('cifar10', 'the paper, version 1')}",
        f"for {firsts()[QUICKNET]['epochs']} epochs, has {right(QUICKNET)} "
        f"(`zoo:{QUICKNET}`: {timed(QUICKNET)})",
    ]


def resizing() -> list[str]:
    title = firsts()["cifar10-frozen-nearest"]["data"]["title"]
    assert title == "cifar10 (JPEG copy)"
    return [
        "(EfficientNet-Lite0 at 128 pixels, XnODR, CIFAR-10 in a JPEG copy: "
        f"{right('cifar10-frozen-nearest')} nearest, {right('cifar10-frozen-bilinear')} bilinear; "
        "[results](results.md))"
    ]


def rounding() -> list[str]:
    ours = xncaps_zoo.card(GROCERY)["experiment"]["name"]
    assert experiments.read_all()[ours].init == "grocery-tuned-xnodr"
    return [
        f"On the {firsts()['mnist-cnn-xnodr']['data']['images']:,} test images of MNIST, int8 lost "
        f"{lost('mnist-trunk-capsfc')} points with CapsFC, {lost('mnist-cnn-xnodr')} with XnODR "
        f"and {lost('mnist-trunk-xnidr')} with XnIDR, one network each",
        f"and on the {firsts()[ours]['data']['images']:,} of the groceries "
        f"{lost(ours)} points with the zoo's XnODR, {lost('grocery-tuned-xnodr')} with the one "
        "that it was trained from",
    ]


def news() -> list[str]:
    """Of the zoo's files, in the changelog."""
    copy = "CIFAR-10 in a JPEG copy"
    return [
        f"The zoo's `{CIFAR10}` is trained further: {right('cifar10-longer-xnodr-anew', INT8, 1)} "
        f"where {right('cifar10-lite0-xnodr-anew', INT8, 1)[:-2]} was, on {copy}.",
        f"The zoo has `{QUICKNET}`: {copy} by bits throughout, "
        f"{kilobytes(QUICKNET, 'fused')}, {right(QUICKNET, 'fused', 1)} right after "
        f"{firsts()[QUICKNET]['epochs']} epochs.",
        f"The zoo's groceries are trained further: {right('grocery-strong-xnodr', FLOAT16, 1)} by "
        f"XnODR's file where {right('grocery-tuned-xnodr', FLOAT16, 1)[:-2]} was, "
        f"{right('grocery-strong-capsfc', FLOAT16, 1)} by its CapsFC twin "
        f"({right('grocery-tuned-capsfc', FLOAT16, 1)[:-2]}).",
    ]


# (page, the part's first and last words, what it has to say); no other figure is in that part.
PARTS: dict[str, tuple[str, str, str, Callable[[], list[str]]]] = {
    "photographs": (
        "README.md",
        "## What it makes of photographs",
        "## Your own photographs",
        photographs,
    ),
    "resizing": ("docs/models.md", "On frozen ImageNet features", "is offered too.", resizing),
    "rounding": ("docs/converting.md", "On the 10,000 test images", "([results]", rounding),
    "new CIFAR-10": ("CHANGELOG.md", "- The zoo's `cifar10-lite0", "\n- A network", news),
    "new groceries": ("CHANGELOG.md", "- The zoo's groceries", "\n- `train", news),
}


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_says_what_the_data_say(part: str) -> None:
    page, first, last, statements = PARTS[part]
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text.count(first) == 1, f"{page}: {first!r}"
    within, found, _ = text.partition(first)[2].partition(last)
    assert found, f"{page}: {last!r}"
    whole, left = flat(text), flat(first + within)
    for statement in statements():
        assert statement in whole, f"{page} should say: {statement}"
        left = left.replace(statement, "")
    assert FIGURE.findall(left) == []


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CHANGELOG.md",
        "docs/results.md",
        "docs/models.md",
        "docs/converting.md",
        f"zoo/{GROCERY}/README.md",
        f"zoo/{CAPSFC}/README.md",
    ],
)
def test_an_accuracy_on_cifar10_says_that_its_images_are_a_jpeg_copy(page: str) -> None:
    told = 0
    for part in re.split(r"\n\n|\n(?=[-|] )", (ROOT / page).read_text(encoding="utf-8")):
        if re.search("cifar-?10", part, re.IGNORECASE) and re.search(r"\d ?%", part):
            assert "JPEG copy" in part, part
            told += 1
    assert told, "nothing was looked at"
