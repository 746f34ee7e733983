"""The tables of results as Markdown, made from the lines and from nothing else."""

from __future__ import annotations

import json

from xncaps.reproduce import peers, result_lines
from xncaps.reproduce.experiments import Experiment
from xncaps.reproduce.result_lines import ResultLine
from xncaps_tf.models.choices import BINARY_HEADS

_TITLES = {
    "imagenet": "With a backbone that has seen ImageNet",
    "scratch": "From scratch",
    "ablation": "Ablations of XnODR",
    "trial": "Trials of recipes",
}
_HEAD = """# Results

[`xncaps reproduce NAME`](reproduce.md) makes a row, `make results` this page from the lines in
`experiments/results.jsonl`. Accuracy is that of the whole test split, which is read once; models
are chosen by the validation split, and so are recipes: trials are scored on that alone. Every seed
is listed; the interval is Wilson's, 95 %, of the first one. A row that says 'not run' is a config
that waits for its hours.
"""


def markdown(known: dict[str, Experiment], lines: list[ResultLine]) -> str:
    """The page.

    Args:
        known: all experiments; one without a line stands in the table as 'not run'.
        lines: results; those of another config than the experiment's own are left out.
    """
    current = [
        line
        for line in lines
        if line["experiment"] in known
        and line["config_hash"] == known[line["experiment"]].config_hash
    ]
    figures = peers.read()
    parts = [_HEAD]
    for table, title in _TITLES.items():
        rows = [experiment for experiment in known.values() if experiment.table == table]
        if rows:
            parts += [f"## {title}\n", _table(rows, current)]
            if reported := [figure for figure in figures if figure["table"] == table]:
                parts.append(peers.markdown(reported, rows, current))
    parts += ["## Heads on the same trunk\n", _differences(known, current)]
    return "\n".join(parts)


def _table(rows: list[Experiment], lines: list[ResultLine]) -> str:
    out = [
        "| experiment | data | parameters | MACs | of them binary | right, Keras | files "
        "| minutes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for experiment in rows:
        found = sorted(
            (line for line in lines if line["experiment"] == experiment.name),
            key=lambda line: line["seed"],
        )
        label = f"{experiment.title} (`{experiment.name}`)"
        if not found:
            out.append(f"| {label} | {experiment.config.data} | | | | not run | | |")
            continue
        out.append(_row(label, experiment, found))
    return "\n".join(out) + "\n"


def _row(label: str, experiment: Experiment, found: list[ResultLine]) -> str:
    first = found[0]
    # In the experiment's order, whichever was made first.
    files = sorted(
        (file for file in first["files"] if file["to"] in experiment.files),
        key=lambda file: experiment.files.index(file["to"]),
    )
    cells = [
        label,
        _images(first["data"]),
        f"{first['parameters'] / 1e6:.2f} M",
        _millions(first["macs"]),
        _millions(first["binary_macs"]),
        _scores(found),
        "<br>".join(_file(file) for file in files),
        ", ".join(f"{line['minutes']:.0f}" for line in found),
    ]
    return f"| {' | '.join(cells)} |"


def _images(data: result_lines.Data) -> str:
    if data["split"] == "test":
        return data["title"]
    return f"{data['title']}, {data['images']:,} held out"


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _interval(score: result_lines.Score) -> str:
    low, high = score["interval"]
    return f"{_percent(low)} to {_percent(high)}"


def _scores(found: list[ResultLine]) -> str:
    scores = [line["keras"]["score"] for line in found]
    each = ", ".join(
        f"{_percent(line['keras']['score']['accuracy'])} % (seed {line['seed']})" for line in found
    )
    text = f"{each}; {_interval(scores[0])}"
    if len(scores) > 1:
        mean = sum(score["accuracy"] for score in scores) / len(scores)
        text = f"mean {_percent(mean)} %: {text}"
    if found[0]["data"]["split"] != "test":
        text += f"; epoch {found[0]['best_epoch']} of {found[0]['epochs']}, the best"
    if "coarse" in found[0]:
        coarse = found[0]["coarse"]
        text += f"; coarse {_percent(coarse['accuracy'])} % ({_interval(coarse)})"
    return text


def _file(file: result_lines.FileResult) -> str:
    return f"{file['to']}: {_percent(file['score']['accuracy'])} %, {file['bytes'] / 1000:,.0f} KB"


def _differences(known: dict[str, Experiment], lines: list[ResultLine]) -> str:
    """XnODR and XnIDR against CapsFC and dense, where all but the head is the same."""
    firsts: dict[str, ResultLine] = {}
    for line in sorted(lines, key=lambda line: -line["seed"]):
        firsts[line["experiment"]] = line
    trunks = {name: _trunks(known, name) for name in firsts}
    out = [
        "The difference on the same test images, in points of accuracy, with its 95 % interval; "
        "the first seed of each. 'Tuned with it' says whose gradients the trunk has had; no trunk "
        "frozen as it came has had any, and from scratch each head has tuned its own.\n",
        "| one-bit head | less | tuned with it | difference | interval |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, line in firsts.items():
        if known[name].config.head not in BINARY_HEADS:
            continue
        for other, second in firsts.items():
            common = [trunk for trunk in trunks[name] if trunk in trunks[other]]
            is_float = known[other].config.head in ("capsfc", "dense")
            if is_float and common and line["data"] == second["data"]:
                difference, (low, high) = result_lines.paired_difference(line, second)
                out.append(
                    f"| {name} | {other} | {_tuned_with(known, common[0])} "
                    f"| {difference:+.2f} | {low:+.2f} to {high:+.2f} |"
                )
    return "\n".join(out) + "\n" if len(out) > 3 else "None of them has been run yet.\n"


def _trunks(known: dict[str, Experiment], name: str) -> list[str]:
    """What two heads must have one of in common to be compared.

    The experiment that has tuned the trunk, where one is the start of the other; or all that they
    chose but for the head and the loss that goes with it.
    """
    experiment = known[name]
    if experiment.init is not None and experiment.config.freeze_backbone:
        seen = experiment.config.resolution  # other than what the trunk was tuned at
        return [experiment.init if seen is None else f"{experiment.init} at {seen} pixels"]
    chosen = {k: v for k, v in experiment.choices.items() if k not in ("head", "loss")}
    alike = json.dumps([experiment.table, chosen], sort_keys=True)
    return [name, alike] if any(other.init == name for other in known.values()) else [alike]


def _tuned_with(known: dict[str, Experiment], trunk: str) -> str:
    return known[trunk].config.head if trunk in known else "-"
