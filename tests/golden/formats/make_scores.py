"""Writes scores.json: outputs of heads and their shares, by docs/metadata.md, in plain loops.

python tests/golden/formats/make_scores.py
"""

from __future__ import annotations

import json
import math
import pathlib

HERE = pathlib.Path(__file__).parent
# (name, kind, temperature, threshold, outputs)
CASES: list[tuple[str, str | None, float | None, float | None, list[float]]] = [
    ("lengths over 1", "lengths", 0.25, 0.5, [0.03125, 6.5, 1.6875, 0.0]),
    ("lengths that no class owns", "lengths", 0.25, 0.5, [0.0625, 0.09375, 0.03125, 0.0]),
    ("lengths without a temperature", "lengths", None, None, [0.5, 6.5, 1.0, 0.0]),
    ("lengths all zero", "lengths", None, 0.5, [0.0, 0.0, 0.0, 0.0]),
    ("a length below zero after int8", "lengths", None, None, [-0.0078125, 0.75, 0.25]),
    ("logits", "logits", 2.0, 0.4, [3.0, -1.0, 1.0]),
    ("logits without a temperature", "logits", None, None, [3.0, -1.0, 1.0]),
    ("large logits", "logits", 1.5, 0.9, [1000.0, 999.0, -1000.0]),
    ("logits all negative", "logits", None, 0.4, [-2.0, -2.0, -2.0]),
    ("probabilities", "probabilities", 0.5, 0.5, [0.5, 0.375, 0.125]),
    ("probabilities with a zero", "probabilities", 2.0, None, [1.0, 0.0]),
    ("probabilities as they are", "probabilities", None, 0.5, [0.25, 0.75]),
    ("not told, none negative", None, None, None, [0.5, 6.5, 1.0]),
    ("not told, one negative", None, None, None, [0.5, -6.5, 1.0]),
    ("not told, with a temperature", None, 0.5, 0.99, [0.5, 6.5, 1.0]),
    ("a share equal to the threshold", "probabilities", None, 0.75, [0.25, 0.75]),
    ("one class", "lengths", 0.1, 0.5, [0.01]),
]


def shares(kind: str | None, temperature: float | None, outputs: list[float]) -> list[float]:
    if kind is None:
        kind = "logits" if any(value < 0 for value in outputs) else "lengths"
    if temperature is None and kind != "logits":
        positive = [max(value, 0.0) for value in outputs]
        total = math.fsum(positive)
        return [value / total if total else 1 / len(outputs) for value in positive]
    if kind == "probabilities":
        outputs = [math.log(max(value, 1e-12)) for value in outputs]
    powers = [math.exp((value - max(outputs)) / (temperature or 1.0)) for value in outputs]
    return [power / math.fsum(powers) for power in powers]


def cases() -> list[dict[str, object]]:
    rows = []
    for name, kind, temperature, threshold, outputs in CASES:
        found = shares(kind, temperature, outputs)
        rows.append(
            {
                "name": name,
                "scores": kind,
                "temperature": temperature,
                "threshold": threshold,
                "outputs": outputs,
                "shares": found,
                "best": found.index(max(found)),
                "none_of_these": threshold is not None and max(found) < threshold,
            }
        )
    return rows


def text() -> str:
    return json.dumps({"tolerance": 1e-9, "cases": cases()}, indent=1) + "\n"


if __name__ == "__main__":
    (HERE / "scores.json").write_text(text(), encoding="utf-8")
