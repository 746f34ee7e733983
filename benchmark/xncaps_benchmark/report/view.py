"""Results -> what the template shows: words, formatted numbers, places of marks in per cent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xncaps_benchmark.number_text import bytes_text, count_text, digits, time_text
from xncaps_benchmark.report import footnote, plots, sentences
from xncaps_benchmark.report.trainings import Training
from xncaps_benchmark.report.trainings import view as trained
from xncaps_benchmark.report.view_types import (
    Across,
    AcrossRow,
    Badge,
    Binary,
    Card,
    Cell,
    Confusion,
    Page,
    Picture,
    Said,
    Share,
)
from xncaps_benchmark.result_types import Model, Result, Sample, Summary, SummaryTraining

_COLOURS = 8
_MAX_MATRIX = 25
_NO_SUMMARY: Summary = {"format": "xncaps-summary", "format_version": 1}
_KINDS: dict[str, Literal["good", "warn", "bad"]] = {
    "verified": "good",
    "not verified": "warn",
    "failed": "bad",
}


def page(results: Sequence[Result], title: str, trainings: Sequence[Training] = ()) -> Page:
    """Everything on the page."""
    many = len(results) > 1
    labels = _target_labels(results)
    pairs = [
        (model, result, labels[index] if many else "")
        for index, result in enumerate(results)
        for model in result["models"]
    ]
    models = [_card(*pair, colour=index % _COLOURS) for index, pair in enumerate(pairs)]
    timed = [model for model in models if model["latency"]]
    return {
        "title": title,
        "many": many,
        "headline": sentences.headline(models) if models else "",
        "models": models,
        "failed": [model for model in models if not model["latency"]],
        "distributions": plots.distributions(timed),
        "scatter": plots.scatter([model for model in timed if model["accuracy_share"] is not None]),
        "sizes": plots.bars(models, lambda m: m["bytes"], bytes_text),
        "memory": plots.bars(models, lambda m: m["growth"], bytes_text),
        "memory_notes": _memory_notes(timed),
        "binary": _binary(models),
        "across": _across(results, labels) if many else None,
        "confusions": _confusions(_distinct(models)),
        "pictures": _pictures(_distinct(models)),
        "runs": [footnote.facts(result, labels[index]) for index, result in enumerate(results)],
        "trainings": trained(trainings),
    }


def _target_labels(results: Sequence[Result]) -> list[str]:
    """A name a result; results of one target are told apart by their dates."""
    names = [result["target"]["name"] for result in results]
    labels = [
        f"{name}, {result['created']}" if names.count(name) > 1 else name
        for name, result in zip(names, results, strict=True)
    ]
    return [
        f"{label} ({index + 1})" if label in labels[:index] else label
        for index, label in enumerate(labels)
    ]


def _card(model: Model, result: Result, target: str, colour: int) -> Card:
    """One model as a card, a row of the tables and a series of the plots."""
    summary = model.get("summary")
    known: Summary = summary or _NO_SUMMARY
    latency = model["latency"]
    ratio = next((row for row in result["ratios"] if row["model"] == model["name"]), None)
    name = result["method"].get("baseline")
    baseline = next((other for other in result["models"] if other["name"] == name), None)
    correct, rows, source = sentences.accuracy(model)
    growth, drift = _growth(model), model.get("drift")
    parts = (known.get("backbone"), known.get("head"))
    return {
        "raw": model,
        "name": model["name"],
        "title": known.get("title", ""),
        "label": f"{model['name']} · {target}" if target else model["name"],
        "target": target,
        "kind": " + ".join(part for part in parts if part),
        "note": known.get("note", ""),
        "colour": colour,
        "latency": latency,
        "bytes": model["bytes"],
        "growth": growth or 0,
        "size_text": bytes_text(model["bytes"]),
        "median_text": time_text(latency["median_us"]) if latency else "failed",
        "is_baseline": bool(latency) and model["name"] == name,
        "slowed": bool(drift and drift["slowed"]),
        "verification": model["verification"],
        "verified": _badge(model),
        "sentence": sentences.sentence(model, baseline, ratio),
        "details": _details(model, known),
        "accuracy_share": correct / rows if rows else None,
        "accuracy_text": sentences.percent(correct, rows),
        "accuracy_of": f"{correct:,} of {rows:,} {source}".strip() if rows else "no labels stored",
        "ratio": ratio,
        "speed_text": f"{digits(ratio['ratio'])}×" if ratio else ("1×" if latency else "–"),
        "interval_text": sentences.interval(ratio) if ratio else "",
        "times": _times(model),
        "summary": summary,
    }


def _badge(model: Model) -> Badge:
    status = model["verification"]["status"]
    if model["status"] == "failed":
        return {"kind": "bad", "text": "failed"}
    return {"kind": _KINDS[status], "text": status}


def _details(model: Model, summary: Summary) -> list[tuple[str, str]]:
    """Pairs of a card's small print."""
    runtime = model["runtime"]
    rows = [
        (
            "runtime",
            " ".join(part for part in (runtime["name"], f"({runtime['version']})") if part != "()"),
        )
    ]
    if custom_ops := model.get("custom_ops"):
        rows.append(("custom ops", ", ".join(custom_ops)))
    if runtime["timed"] and runtime["timed"] != "invoke":
        rows.append(("timed", runtime["timed"]))
    if (parameters := summary.get("parameters")) is not None:
        rows.append(("parameters", count_text(parameters)))
    if (macs := summary.get("macs")) is not None:
        rows.append(("MACs an image", count_text(macs)))
    if told := summary.get("accuracy"):
        share = sentences.percent(told["correct"], told["images"])
        rows.append(
            (
                "trained model",
                f"{share} of {told['images']:,} {told['data']} {told['split']} images",
            )
        )
    training: SummaryTraining = summary.get("training") or {}
    if seconds := training.get("seconds"):
        rows.append(("trained for", time_text(seconds * 1e6)))
    if agreement := model.get("agreement"):
        rows.append(
            ("equal to the host", f"{agreement['equal']:,} of {agreement['rows']:,} predictions")
        )
    if model["valid"] is not None:
        rows.append(("valid", "yes" if model["valid"] else "no: " + "; ".join(_because(model))))
    if (own := model.get("runtime_us")) is not None:
        rows.append(("the interpreter's own time", f"{time_text(own)} (median)"))
    if (nodes := runtime.get("delegate_nodes")) is not None:
        rows.append(("nodes of the delegate", str(nodes)))
    rows.append(("SHA-256", model["sha256"][:12] or "–"))
    return rows


def _because(model: Model) -> list[str]:
    return model["invalid_because"] or ["not said"]


def _growth(model: Model) -> int | None:
    """Bytes that the file took; None where nobody knows."""
    memory = model.get("memory")
    return max(memory["peak_bytes"] - memory["before_load_bytes"], 0) if memory else None


def _times(model: Model) -> list[str] | None:
    """A row of the table of times, None where there are none."""
    latency = model["latency"]
    if not latency:
        return None
    memory, growth = model.get("memory"), _growth(model)
    values = (latency["min_us"], latency["median_us"], latency["mean_us"], latency["std_us"])
    return [
        time_text(model["load_us"]) if "load_us" in model else "–",
        time_text(model["first_run_us"]) if "first_run_us" in model else "–",
        *(time_text(value) for value in (*values, latency["p90_us"], latency["p99_us"])),
        f"{latency['n']:,}",
        bytes_text(growth) if growth is not None else "–",
        bytes_text(memory["peak_bytes"]) if memory else "–",
    ]


def _binary(models: Sequence[Card]) -> list[Binary]:
    """Shares of one-bit work and weights, of models whose summary tells them."""
    rows: list[Binary] = []
    for model in models:
        told: Summary = model["summary"] or _NO_SUMMARY
        found: list[Share] = []
        for text, part, whole in (
            ("one-bit MACs", told.get("binary_macs"), told.get("macs")),
            ("one-bit weights", told.get("binary_parameters"), told.get("parameters")),
        ):
            if part is not None and whole:
                share = min(100 * part / whole, 100)
                told_text = f"{share:.1f} % of {count_text(whole)}"
                found.append({"name": text, "share": round(share, 2), "text": told_text})
        packed, trained = told.get("bytes_packed"), told.get("bytes_trained")
        sizes = ""
        if packed is not None and trained:
            sizes = f"weights {bytes_text(trained)} as trained, {bytes_text(packed)} packed"
        if found:
            label, colour = model["label"], model["colour"]
            rows.append({"label": label, "colour": colour, "bars": found, "packed": sizes})
    return rows


def _across(results: Sequence[Result], labels: list[str]) -> Across:
    """Medians of every model (rows) on every target (columns), and against the first target's."""
    names = list(dict.fromkeys(model["name"] for result in results for model in result["models"]))
    rows: list[AcrossRow] = []
    for name in names:
        found = [
            next((m for m in result["models"] if m["name"] == name), None) for result in results
        ]
        medians = [m["latency"]["median_us"] if m and m["latency"] else None for m in found]
        cells = [
            ("failed" if model else "–") if median is None else time_text(median)
            for model, median in zip(found, medians, strict=True)
        ]
        for index, median in enumerate(medians[1:], start=1):
            if median and medians[0]:
                cells[index] += f", {_against(median / medians[0])}"
        rows.append({"name": name, "cells": cells})
    return {"labels": labels, "rows": rows}


def _against(ratio: float) -> str:
    """How much longer or shorter it takes than on the first target."""
    return f"{digits(ratio)}× longer" if ratio >= 1 else f"{digits(1 / ratio)}× shorter"


def _memory_notes(models: Sequence[Card]) -> list[str]:
    """What another tool than the model's own process calls memory."""
    notes: dict[str, list[str]] = {}
    for model in models:
        memory = model["raw"].get("memory")
        if memory and (note := memory.get("note")):
            notes.setdefault(note, []).append(model["label"])
    return [f"{', '.join(labels)}: {note}." for note, labels in notes.items()]


def _distinct(models: Sequence[Card]) -> list[Card]:
    """Models whose predictions differ: the same file on two targets shows once."""
    seen: set[tuple[str, str]] = set()
    chosen: list[Card] = []
    for model in models:
        accuracy = model["raw"]["accuracy"]
        found = str(accuracy["confusion"] if accuracy else None)
        if (key := (model["raw"]["sha256"], found)) not in seen:
            seen.add(key)
            chosen.append(model)
    return chosen


def _confusions(models: Sequence[Card]) -> list[Confusion]:
    """Models of the same matrix share one."""
    rows: list[Confusion] = []
    for model in models:
        row = _confusion(model)
        same = next((r for r in rows if row and r["matrix"] == row["matrix"]), None)
        if same is not None:
            same["label"] += f", {model['label']}"
        elif row is not None:
            rows.append(row)
    return rows


def _confusion(model: Card) -> Confusion | None:
    """A confusion matrix as cells; too many classes: the most frequent mistakes instead."""
    found = model["raw"]["accuracy"]
    if not found or not found["confusion"]:
        return None
    matrix, size = found["confusion"], len(found["confusion"])
    if any(len(row) != size for row in matrix):
        return None
    names = (
        found["class_names"] if len(found["class_names"]) == size else [str(i) for i in range(size)]
    )
    mistakes = sorted(
        ((matrix[t][p], t, p) for t in range(size) for p in range(size) if t != p and matrix[t][p]),
        reverse=True,
    )[:5]
    worst = [f"{names[t]} taken for {names[p]}: {n}" for n, t, p in mistakes]
    cells: list[list[Cell]] = []
    for truth, row in enumerate(matrix):
        total = max(sum(row), 1)
        cells.append(
            [
                {"n": n, "share": round(n / total, 3), "right": truth == guess}
                for guess, n in enumerate(row)
            ]
        )
    return {
        "label": model["label"],
        "matrix": matrix,
        "text": f"{sentences.percent(found['correct'], found['rows'])} right, "
        f"{found['rows']:,} images",
        "names": names,
        "cells": cells if size <= _MAX_MATRIX else None,
        "worst": worst,
    }


def _pictures(models: Sequence[Card]) -> list[Picture]:
    """The stored pictures, each with what every model said of it."""
    pictures: dict[str, Picture] = {}
    for model in models:
        accuracy = model["raw"]["accuracy"]
        names = accuracy["class_names"] if accuracy else []
        for sample in model["raw"]["samples"]:
            entry = pictures.setdefault(
                sample["png"],
                {
                    "png": sample["png"],
                    "label": _class(names, sample["label"]) if sample["label"] >= 0 else "",
                    "row": sample["row"],
                    "said": [],
                },
            )
            _say(entry["said"], model, sample, _class(names, sample["predicted"]))
    return sorted(pictures.values(), key=lambda entry: entry["row"])[:24]


def _say(said: list[Said], model: Card, sample: Sample, text: str) -> None:
    """Models that give the same answer share a line; a score stands where a model is alone."""
    same = next((line for line in said if line["text"] == text), None)
    if same is None:
        said.append(
            {
                "text": text,
                "known": sample["label"] >= 0,
                "right": sample["label"] == sample["predicted"],
                "score": f"{sample['score']:.2f}",
                "models": [model["label"]],
                "colours": [model["colour"]],
            }
        )
    else:
        same["models"].append(model["label"])
        same["colours"].append(model["colour"])
        same["score"] = ""


def _class(names: Sequence[str], index: int) -> str:
    return names[index] if index < len(names) else f"class {index}"
