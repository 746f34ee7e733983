"""What the page says in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from xncaps_benchmark.number_text import digits
from xncaps_benchmark.report.view_types import Card
from xncaps_benchmark.result_types import Model, Ratio


def accuracy(model: Model) -> tuple[int, int, str]:
    """Correct, images, of what.

    Measured here with the file, on the images of --accuracy or on those that are stored beside it;
    where FILE.summary.json tells of more images than that, its figure. The page says which it is.
    """
    found, summary = model["accuracy"], model.get("summary")
    told = summary.get("accuracy") if summary else None
    if told and told["images"] > (found["rows"] if found else 0):
        of = "converted file" if told.get("of") == "file" else "trained model"
        return told["correct"], told["images"], f"{told['data']} {told['split']} images ({of})"
    if found:
        return found["correct"], found["rows"], f"images, measured here ({found.get('source')})"
    return 0, 0, ""


def percent(part: int, whole: int) -> str:
    if not whole:
        return "–"
    share = 100 * part / whole
    return f"{share:.2f} %" if whole >= 1_000 else f"{share:.1f} %"


def interval(ratio: Ratio) -> str:
    narrow = ", too narrow: too few runs" if ratio["narrow"] else ""
    return f"{digits(ratio['low'])} to {digits(ratio['high'])}{narrow}"


def sentence(model: Model, baseline: Model | None, ratio: Ratio | None) -> str:
    """The verdict in words; what cannot be said is not said."""
    if not model["latency"]:
        return f"Not timed: {(model['error'] or 'no times').rstrip('.')}."
    if baseline is None or baseline["name"] == model["name"]:
        return "The baseline that the others are compared with."
    parts: list[str] = []
    if ratio:
        parts.append(_speed(ratio, baseline["name"]))
    size = baseline["bytes"] / max(model["bytes"], 1)
    if 0.98 < size < 1.02:
        parts.append("its file as large")
    else:
        word = "smaller" if size > 1 else "larger"
        parts.append(f"its file {digits(max(size, 1 / size))} times {word}")
    if points := _points(model, baseline):
        parts.append(points)
    text = ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else parts[0]
    return text[0].upper() + text[1:] + "."


def _speed(ratio: Ratio, baseline: str) -> str:
    span = f"95 % interval {interval(ratio)}"
    if ratio["low"] <= 1 <= ratio["high"]:
        return f"as fast as {baseline} within the noise ({span})"
    if ratio["ratio"] > 1:
        return f"{digits(ratio['ratio'])} times faster than {baseline} ({span})"
    low, high = digits(1 / max(ratio["high"], 1e-9)), digits(1 / max(ratio["low"], 1e-9))
    slow = digits(1 / max(ratio["ratio"], 1e-9))
    narrow = ", too narrow: too few runs" if ratio["narrow"] else ""
    return f"{slow} times slower than {baseline} (95 % interval {low} to {high}{narrow})"


def _points(model: Model, baseline: Model) -> str:
    """Difference of accuracy, only where both are of as many images of the same source."""
    correct, rows, source = accuracy(model)
    other, others, source_of_other = accuracy(baseline)
    if not rows or rows != others or source != source_of_other:
        return ""
    points = 100 * (correct - other) / rows
    if correct == other:
        return "as accurate"
    return f"{abs(points):.2f} points {'more' if points > 0 else 'less'} accurate"


def headline(models: Sequence[Card]) -> str:
    """The first sentence of the page."""
    checked = [m for m in models if m["latency"] and m["verified"]["text"] == "verified"]
    timed = [m for m in models if m["latency"]]
    if not timed:
        return "No model could be timed."
    best = min(checked or timed, key=lambda m: m["latency"]["median_us"] if m["latency"] else 0.0)
    kind = "verified model" if checked else "model (none is verified)"
    text = f"Fastest {kind}: {best['label']}, {best['median_text']} an image"
    if best["ratio"] and best["ratio"]["low"] > 1:
        text += f", {digits(best['ratio']['ratio'])} times faster than {best['ratio']['baseline']}"
    failed = sum(1 for m in models if not m["latency"])
    more = f" {failed} of {len(models)} failed and {'has' if failed == 1 else 'have'} no time."
    return text + "." + (more if failed else "")
