"""What the page's template shows: names, words, formatted numbers, places in per cent."""

from __future__ import annotations

from typing import Literal, TypedDict

from xncaps_benchmark.result_types import Latency, Model, Ratio, Summary, Verification


class Badge(TypedDict):
    """A word with a colour's meaning."""

    kind: Literal["good", "warn", "bad"]
    text: str


class Card(TypedDict):
    """One model as a card, a row of the tables and a series of the plots."""

    raw: Model
    name: str
    title: str
    label: str
    target: str
    kind: str
    note: str
    colour: int
    latency: Latency | None
    bytes: int
    growth: int
    size_text: str
    median_text: str
    is_baseline: bool
    slowed: bool
    verification: Verification
    verified: Badge
    sentence: str
    details: list[tuple[str, str]]
    accuracy_share: float | None
    accuracy_text: str
    accuracy_of: str
    ratio: Ratio | None
    speed_text: str
    interval_text: str
    times: list[str] | None
    summary: Summary | None


class Tick(TypedDict):
    """A mark on an axis."""

    at: float
    text: str


class Density(TypedDict):
    """A model's times as an SVG path."""

    label: str
    colour: int
    path: str
    median: float
    p90: float | None
    text: str


class Distributions(TypedDict):
    """All models' times on one axis."""

    ticks: list[Tick]
    logarithmic: bool
    rows: list[Density]


class Point(TypedDict):
    """A model in the plot of accuracy against time."""

    x: float
    y: float
    label_y: float
    colour: int
    label: str
    text: str
    left: bool


class Scatter(TypedDict):
    """Accuracy against time."""

    points: list[Point]
    legend: bool
    x_ticks: list[Tick]
    y_ticks: list[Tick]


class Bar(TypedDict):
    """A bar; `share` is its width in per cent."""

    label: str
    colour: int
    share: float
    text: str


class Share(TypedDict):
    """A share of one-bit work or weights."""

    name: str
    share: float
    text: str


class Binary(TypedDict):
    """The one-bit part of a model."""

    label: str
    colour: int
    bars: list[Share]
    packed: str


class AcrossRow(TypedDict):
    """A model's medians, a target a cell."""

    name: str
    cells: list[str]


class Across(TypedDict):
    """Medians of every model on every target."""

    labels: list[str]
    rows: list[AcrossRow]


class Cell(TypedDict):
    """A cell of a confusion matrix."""

    n: int
    share: float
    right: bool


class Confusion(TypedDict):
    """A confusion matrix; `cells` is None where it has too many classes to show."""

    label: str
    matrix: list[list[int]]
    text: str
    names: list[str]
    cells: list[list[Cell]] | None
    worst: list[str]


class Said(TypedDict):
    """What one or several models said of a picture."""

    text: str
    known: bool
    right: bool
    score: str
    models: list[str]
    colours: list[int]


class Picture(TypedDict):
    """A stored picture with its answers."""

    png: str
    label: str
    row: int
    said: list[Said]


class Facts(TypedDict):
    """A result's footnote."""

    label: str
    facts: list[tuple[str, str]]
    notes: list[str]
    complete: bool


class Drawn(TypedDict):
    """A picture of a training: PNG in base64."""

    caption: str
    png: str


class Trained(TypedDict):
    """A training: what was chosen and came out, what was drawn."""

    label: str
    facts: list[tuple[str, str]]
    pictures: list[Drawn]


class Page(TypedDict):
    """Everything on the page."""

    title: str
    many: bool
    headline: str
    models: list[Card]
    failed: list[Card]
    distributions: Distributions | None
    scatter: Scatter | None
    sizes: list[Bar]
    memory: list[Bar]
    memory_notes: list[str]
    binary: list[Binary]
    across: Across | None
    confusions: list[Confusion]
    pictures: list[Picture]
    runs: list[Facts]
    trainings: list[Trained]
