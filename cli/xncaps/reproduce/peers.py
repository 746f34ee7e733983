"""What others have reported, and ours beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypedDict

from xncaps.reproduce import experiments
from xncaps.reproduce.experiments import Experiment
from xncaps.reproduce.result_lines import ResultLine
from xncaps_tf.models.choices import BINARY_HEADS

_COARSE = "grocery/coarse"


class Peer(TypedDict):
    """A figure that others have reported.

    `table` is the one of ours that it stands under, `data` the name of the data set, and `figure`
    the accuracy on its test split in percent.
    """

    table: str
    who: str
    data: str
    figure: float
    source: str


def read() -> list[Peer]:
    """All figures, each with its source."""
    return json.loads((experiments.folder() / "peers.json").read_text("utf-8"))["peers"]


def markdown(peers: list[Peer], rows: list[Experiment], lines: list[ResultLine]) -> str:
    """A table of the figures, each with the best row of a one-bit head beside it.

    Args:
        peers: of one table of ours.
        rows: the experiments of that table.
        lines: results of their present configs.
    """
    out = [
        "What others report, and beside it our row above with XnODR or XnIDR that has most right "
        "on the same data, of several seeds in the mean. It is chosen by that number, which "
        "flatters it.\n",
        "| who | data | theirs | ours | source |",
        "| --- | --- | --- | --- | --- |",
    ]
    out += [
        f"| {peer['who']} | {peer['data']} | {peer['figure']:g} % "
        f"| {_ours(peer, rows, lines)} | {peer['source']} |"
        for peer in peers
    ]
    return "\n".join(out) + "\n"


def _ours(peer: Peer, rows: Iterable[Experiment], lines: list[ResultLine]) -> str:
    # Coarse classes are answered by networks of their own, or lie in the fine answers of others.
    fitting = ("grocery", _COARSE) if peer["data"] == _COARSE else (peer["data"],)
    trained_on = {
        row.name: row.config.data
        for row in rows
        if row.config.data in fitting and row.config.head in BINARY_HEADS
    }
    scores: dict[str, list[float]] = {}
    titles: dict[str, str] = {}
    for line in lines:
        data = trained_on.get(line["experiment"])
        score = line["keras"]["score"] if data == peer["data"] else line.get("coarse")
        if data is not None and score is not None:
            scores.setdefault(line["experiment"], []).append(score["accuracy"])
            titles[line["experiment"]] = line["data"]["title"]
    if not scores:
        return "not run" if trained_on else "-"
    means = {name: sum(values) / len(values) for name, values in scores.items()}
    best = max(means, key=lambda name: means[name])
    told = "" if titles[best] == trained_on[best] else f", {titles[best]}"
    return f"{100 * means[best]:.2f} % (`{best}`{told})"
