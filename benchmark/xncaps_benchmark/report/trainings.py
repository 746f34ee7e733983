"""Trainings on the page, beside what was measured: their choices, and pictures that they drew."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.report.view_types import Drawn, Trained

MAX_PNG_BYTES = 8 << 20
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Training:
    """A run of training.

    Attributes:
        label: what to call it.
        facts: what was chosen and what came out, (name, text).
        pictures: (caption, PNG of at most 8 MB).
    """

    label: str
    facts: Sequence[tuple[str, str]] = ()
    pictures: Sequence[tuple[str, bytes]] = ()


def view(trainings: Sequence[Training]) -> list[Trained]:
    """What the template shows of them.

    Raises:
        BenchmarkError: a picture is no PNG, or too large for a page.
    """
    return [
        {
            "label": training.label,
            "facts": list(training.facts),
            "pictures": [_drawn(training.label, *picture) for picture in training.pictures],
        }
        for training in trainings
    ]


def _drawn(label: str, caption: str, png: bytes) -> Drawn:
    if not png.startswith(_PNG) or len(png) > MAX_PNG_BYTES:
        raise BenchmarkError(
            f"report: expected PNG pictures of at most {MAX_PNG_BYTES >> 20} MB of {label}. "
            f"Received: {len(png):,} bytes that begin with {png[:8]!r}."
        )
    return {"caption": caption, "png": base64.b64encode(png).decode("ascii")}
