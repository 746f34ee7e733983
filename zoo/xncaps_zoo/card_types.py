"""What a card of the zoo holds; `card.schema.json` of `xncaps zoo make` gives the ranges."""

from __future__ import annotations

from typing import Literal, TypedDict


class Score(TypedDict):
    """How many of the test images are right; `interval` is Wilson's of 95 %."""

    correct: int
    images: int
    accuracy: float
    interval: list[float]


class Data(TypedDict):
    """What it was trained for; `title` has what must be said of the images."""

    name: str
    title: str
    split: Literal["test"]
    licence: str
    source: str


class _Coarse(TypedDict, total=False):
    coarse: Score


class Accuracy(_Coarse):
    """Of the Keras model and of the file, on the whole test split; `coarse` where there is one."""

    keras: Score
    file: Score


class _Beside(TypedDict, total=False):
    keras_sha256: str


class File(_Beside):
    """The TFLite file; `format` is the word of `xncaps convert --to`.

    `model_sha256` is the Keras model's that it was converted from, `keras_sha256` that of the file
    beside it, which has the same weights in fewer bytes; there is none where no file is beside it.
    """

    format: str
    bytes: int
    sha256: str
    model_sha256: str


class Scores(TypedDict):
    """How 'none of these' is told, and what it costs: shares from 0 to 1."""

    kind: str
    temperature: float
    threshold: float
    right_kept: float
    foreign_accepted: float
    foreign: str


class LatencyRow(TypedDict):
    """Time of one file, microseconds, measured in turns with the others."""

    what: str
    median_us: float
    p90_us: float
    bytes: int


class Latency(TypedDict):
    """The file and its twins on one machine."""

    machine: str
    threads: int
    rows: list[LatencyRow]


class Origin(TypedDict):
    """The experiment, and the commands that make the file again."""

    name: str
    config_hash: str
    seed: int
    commands: list[str]


class Card(TypedDict):
    """All that is told of a file; `input` is height, width, channels."""

    format: Literal["xncaps-card"]
    format_version: int
    name: str
    title: str
    description: str
    data: Data
    input: list[int]
    classes: int
    accuracy: Accuracy
    best_classes: dict[str, float]
    worst_classes: dict[str, float]
    file: File
    macs: int
    binary_macs: int
    scores: Scores
    latency: Latency
    experiment: Origin
    not_for: list[str]
