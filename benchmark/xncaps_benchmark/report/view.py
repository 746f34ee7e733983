"""Results -> what the template shows: words, formatted numbers, places of marks in per cent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xncaps_benchmark.number_text import bytes_text, count_text, digits, time_text
from xncaps_benchmark.report import footnote, plots, sentences

_COLOURS = 8
_MAX_MATRIX = 25


def page(results: Sequence[dict[str, Any]], title: str) -> dict[str, Any]:
    """Everything on the page."""
    many = len(results) > 1
    labels = _target_labels(results)
    models = [
        _model(model, result, labels[index] if many else "")
        for index, result in enumerate(results)
        for model in result["models"]
    ]
    for index, model in enumerate(models):
        model["colour"] = index % _COLOURS
    timed = [model for model in models if model["latency"]]
    return {
        "title": title,
        "many": many,
        "headline": sentences.headline(models),
        "models": models,
        "failed": [model for model in models if not model["latency"]],
        "distributions": plots.distributions(timed),
        "scatter": plots.scatter([model for model in timed if model["accuracy_share"] is not None]),
        "sizes": plots.bars(models, "bytes", bytes_text),
        "memory": plots.bars([m for m in models if m["growth"]], "growth", bytes_text),
        "memory_notes": _memory_notes(timed),
        "binary": _binary(models),
        "across": _across(results, labels) if many else None,
        "confusions": _confusions(_distinct(models)),
        "pictures": _pictures(_distinct(models)),
        "runs": [footnote.facts(result, labels[index]) for index, result in enumerate(results)],
    }


def _target_labels(results: Sequence[dict[str, Any]]) -> list[str]:
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


def _model(model: dict[str, Any], result: dict[str, Any], target: str) -> dict[str, Any]:
    """One model as a card, a row of the tables and a series of the plots."""
    summary = model["summary"] or {}
    latency = model["latency"]
    ratio = next((row for row in result["ratios"] if row["model"] == model["name"]), None)
    name = result["method"].get("baseline")
    baseline = next((other for other in result["models"] if other["name"] == name), None)
    correct, rows, source = sentences.accuracy(model)
    memory = model["memory"]
    return {
        "raw": model,
        "name": model["name"],
        "title": summary.get("title", ""),
        "label": f"{model['name']} · {target}" if target else model["name"],
        "target": target,
        "kind": " + ".join(part for part in (summary.get("backbone"), summary.get("head")) if part),
        "note": summary.get("note", ""),
        "latency": latency,
        "bytes": model["bytes"],
        "growth": max(memory["peak_bytes"] - memory["before_load_bytes"], 0) if memory else 0,
        "size_text": bytes_text(model["bytes"]),
        "median_text": time_text(latency["median_us"]) if latency else "failed",
        "is_baseline": bool(latency) and model["name"] == name,
        "verification": model["verification"],
        "verified": _badge(model),
        "sentence": sentences.sentence(model, baseline, ratio),
        "details": _details(model, summary),
        "accuracy_share": correct / rows if rows else None,
        "accuracy_text": sentences.percent(correct, rows),
        "accuracy_of": f"{correct:,} of {rows:,} {source}".strip() if rows else "no labels stored",
        "ratio": ratio,
        "speed_text": f"{digits(ratio['ratio'])}×" if ratio else ("1×" if latency else "–"),
        "interval_text": sentences.interval(ratio) if ratio else "",
        "times": _times(model),
        "summary": summary,
    }


def _badge(model: dict[str, Any]) -> dict[str, str]:
    status = model["verification"]["status"]
    if model["status"] == "failed":
        return {"kind": "bad", "text": "failed"}
    kinds = {"verified": "good", "not verified": "warn", "failed": "bad"}
    return {"kind": kinds[status], "text": status}


def _details(model: dict[str, Any], summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Pairs of a card's small print."""
    runtime = model["runtime"]
    rows = [
        (
            "runtime",
            " ".join(part for part in (runtime["name"], f"({runtime['version']})") if part != "()"),
        )
    ]
    if model["custom_ops"]:
        rows.append(("custom ops", ", ".join(model["custom_ops"])))
    if runtime["timed"] and runtime["timed"] != "invoke":
        rows.append(("timed", runtime["timed"]))
    if summary.get("parameters") is not None:
        rows.append(("parameters", count_text(summary["parameters"])))
    if summary.get("macs") is not None:
        rows.append(("MACs an image", count_text(summary["macs"])))
    if told := summary.get("accuracy"):
        share = sentences.percent(told["correct"], told["images"])
        rows.append(
            (
                "trained model",
                f"{share} of {told['images']:,} {told['data']} {told['split']} images",
            )
        )
    if seconds := summary.get("training", {}).get("seconds"):
        rows.append(("trained for", time_text(seconds * 1e6)))
    if agreement := model.get("agreement"):
        rows.append(
            ("equal to the host", f"{agreement['equal']:,} of {agreement['rows']:,} predictions")
        )
    if model["valid"] is not None:
        rows.append(("valid", "yes" if model["valid"] else "no: " + "; ".join(_because(model))))
    if model.get("runtime_us") is not None:
        rows.append(("the interpreter's own time", f"{time_text(model['runtime_us'])} (median)"))
    if runtime.get("delegate_nodes") is not None:
        rows.append(("nodes of the delegate", str(runtime["delegate_nodes"])))
    rows.append(("SHA-256", model["sha256"][:12] or "–"))
    return rows


def _because(model: dict[str, Any]) -> list[str]:
    return model["invalid_because"] or ["not said"]


def _times(model: dict[str, Any]) -> list[str] | None:
    """A row of the table of times, None where there are none."""
    latency = model["latency"]
    if not latency:
        return None
    keys = ("min_us", "median_us", "mean_us", "std_us", "p90_us", "p99_us")
    memory = model["memory"]
    growth = memory["peak_bytes"] - memory["before_load_bytes"] if memory else None
    return [
        time_text(model["load_us"]) if "load_us" in model else "–",
        time_text(model["first_run_us"]) if "first_run_us" in model else "–",
        *(time_text(latency[key]) for key in keys),
        f"{latency['n']:,}",
        bytes_text(max(growth, 0)) if growth is not None else "–",
        bytes_text(memory["peak_bytes"]) if memory else "–",
    ]


def _binary(models: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Shares of one-bit work and weights, of models whose summary tells them."""
    rows = []
    for model in models:
        told = model["summary"]
        entry: dict[str, Any] = {"label": model["label"], "colour": model["colour"]}
        entry |= {"bars": [], "packed": ""}
        for text, part, whole in (
            ("one-bit MACs", "binary_macs", "macs"),
            ("one-bit weights", "binary_parameters", "parameters"),
        ):
            if told.get(part) is not None and told.get(whole):
                share = min(100 * told[part] / told[whole], 100)
                told_text = f"{share:.1f} % of {count_text(told[whole])}"
                entry["bars"].append({"name": text, "share": round(share, 2), "text": told_text})
        if told.get("bytes_packed") is not None and told.get("bytes_trained"):
            before, after = bytes_text(told["bytes_trained"]), bytes_text(told["bytes_packed"])
            entry["packed"] = f"weights {before} as trained, {after} packed"
        if entry["bars"]:
            rows.append(entry)
    return rows


def _across(results: Sequence[dict[str, Any]], labels: Sequence[str]) -> dict[str, Any]:
    """Medians of every model (rows) on every target (columns), and against the first target's."""
    names = list(dict.fromkeys(model["name"] for result in results for model in result["models"]))
    rows = []
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


def _memory_notes(models: Sequence[dict[str, Any]]) -> list[str]:
    """What another tool than the model's own process calls memory."""
    notes: dict[str, list[str]] = {}
    for model in models:
        if note := (model["raw"]["memory"] or {}).get("note"):
            notes.setdefault(note, []).append(model["label"])
    return [f"{', '.join(labels)}: {note}." for note, labels in notes.items()]


def _distinct(models: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Models whose predictions differ: the same file on two targets shows once."""
    seen: set[tuple[str, str]] = set()
    chosen = []
    for model in models:
        found = str((model["raw"]["accuracy"] or {}).get("confusion"))
        if (key := (model["raw"]["sha256"], found)) not in seen:
            seen.add(key)
            chosen.append(model)
    return chosen


def _confusions(models: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Models of the same matrix share one."""
    rows: list[dict[str, Any]] = []
    for model in models:
        row = _confusion(model)
        same = next((r for r in rows if row and r["matrix"] == row["matrix"]), None)
        if same is not None:
            same["label"] += f", {model['label']}"
        elif row is not None:
            rows.append(row)
    return rows


def _confusion(model: dict[str, Any]) -> dict[str, Any] | None:
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
    cells = []
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


def _pictures(models: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stored pictures, each with what every model said of it."""
    pictures: dict[str, dict[str, Any]] = {}
    for model in models:
        names = (model["raw"]["accuracy"] or {}).get("class_names", [])
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


def _say(
    said: list[dict[str, Any]], model: dict[str, Any], sample: dict[str, Any], text: str
) -> None:
    """Models that give the same answer share a line; a score stands where a model is alone."""
    same = next((line for line in said if line["text"] == text), None)
    if same is None:
        score = f"{sample['score']:.2f}"
        right = sample["label"] == sample["predicted"]
        line = {"text": text, "known": sample["label"] >= 0, "right": right, "score": score}
        said.append({**line, "models": [model["label"]], "colours": [model["colour"]]})
    else:
        same["models"].append(model["label"])
        same["colours"].append(model["colour"])
        same["score"] = ""


def _class(names: Sequence[str], index: int) -> str:
    return names[index] if index < len(names) else f"class {index}"
