"""Lines of results: their schema, reading and adding, and the intervals that are made of them."""

from __future__ import annotations

import base64
import fcntl
import functools
import json
import math
import pathlib
from collections.abc import Iterable
from importlib import resources
from typing import Any, Literal, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from xncaps_files import strict_json, versions
from xncaps_files.errors import XncapsError
from xncaps_files.writing import write_text

FORMAT_VERSION = 1
_UPGRADES = ()  # from one version to the next
_Z = 1.959964  # of 95 %


class Score(TypedDict):
    """How many of the test images are right; `interval` is Wilson's of 95 %."""

    correct: int
    images: int
    accuracy: float
    interval: list[float]


class FileResult(TypedDict):
    """A converted file: its score on the whole test split, and what it was verified with."""

    to: str
    bytes: int
    score: Score
    runtime: str
    sha256: str


class KerasResult(TypedDict):
    """The trained model: its score, each class's accuracy, and which images are right.

    `right`: a bit an image in the order of the test split, most significant first, in base64.
    """

    score: Score
    per_class: dict[str, float]
    right: str


class Data(TypedDict):
    """The split that was scored; `title` has what must be said of the images."""

    name: str
    title: str
    split: Literal["test", "validation"]
    images: int


class Machine(TypedDict):
    """Where it was trained."""

    processor: str
    cores: int
    system: str


class _Further(TypedDict, total=False):
    """What only some lines have: the score of groceries' coarse classes."""

    coarse: Score


class ResultLine(_Further):
    """One run of one experiment; `experiment.schema.json` says what each field holds.

    `choices` are the fields of a TrainConfig that it sets.
    """

    format: str
    format_version: int
    experiment: str
    config_hash: str
    choices: dict[str, object]
    xncaps_version: str
    seed: int
    data: Data
    keras: KerasResult
    files: list[FileResult]
    parameters: int
    trainable: int
    binary_parameters: int
    macs: int
    binary_macs: int
    bytes_packed: int
    best_epoch: int
    epochs: int
    minutes: float
    machine: Machine


def wilson(correct: int, images: int) -> list[float]:
    """Wilson's 95 % interval of a share.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    share, z2 = correct / images, _Z * _Z
    centre = (share + z2 / (2 * images)) / (1 + z2 / images)
    half = (
        _Z
        / (1 + z2 / images)
        * math.sqrt(share * (1 - share) / images + z2 / (4 * images * images))
    )
    return [max(0.0, centre - half), min(1.0, centre + half)]


def score(correct: int, images: int) -> Score:
    """A score with its interval."""
    return {
        "correct": correct,
        "images": images,
        "accuracy": correct / images,
        "interval": wilson(correct, images),
    }


def pack(right: NDArray[Any]) -> str:
    """`right` [n] of bools as base64."""
    return base64.b64encode(np.packbits(right.astype(bool)).tobytes()).decode("ascii")


def unpack(line: ResultLine) -> NDArray[Any]:
    """Which test images the model of a line has right, bool [n].

    Raises:
        XncapsError: they are not as many as the score says.
    """
    counted = line["keras"]["score"]
    try:
        packed = base64.b64decode(line["keras"]["right"], validate=True)
    except ValueError:  # no base64
        packed = b""
    right = np.unpackbits(np.frombuffer(packed, np.uint8), count=counted["images"]).astype(bool)
    if len(packed) != -(-counted["images"] // 8) or right.sum() != counted["correct"]:
        raise XncapsError(
            f"results: expected `right` of {line['experiment']}, seed {line['seed']}, to be a bit "
            f"an image, {counted['correct']} of {counted['images']} set. Received: "
            f"{line['keras']['right'][:40]!r}."
        )
    return right


def paired_difference(first: ResultLine, second: ResultLine) -> tuple[float, list[float]]:
    """Accuracy of the first less the second on the same images, in points, with its 95 % interval.

    The variance is that of the images that one has right and the other has not.

    Source: Agresti, Categorical Data Analysis, 3rd ed., section 11.1.1 (Wald's interval for
        matched pairs).

    Raises:
        XncapsError: the two were not scored on the same images.
    """
    if first["data"]["name"] != second["data"]["name"] or (
        first["keras"]["score"]["images"] != second["keras"]["score"]["images"]
    ):
        raise XncapsError(
            f"results: expected two results on the same images. Received: {first['experiment']} "
            f"on {first['data']['name']} and {second['experiment']} on {second['data']['name']}."
        )
    one, two = unpack(first), unpack(second)
    n, gained, lost = len(one), int((one & ~two).sum()), int((two & ~one).sum())
    difference = (gained - lost) / n
    half = _Z * math.sqrt(max(0.0, gained + lost - (gained - lost) ** 2 / n)) / n
    return 100 * difference, [100 * (difference - half), 100 * (difference + half)]


def check(line: Any, source: str) -> ResultLine:
    """The line, if it is one.

    Raises:
        XncapsError: it is of another format or does not fit the schema.
    """
    from jsonschema import ValidationError

    given = cast("dict[str, object]", line) if isinstance(line, dict) else {}
    line = versions.upgrade(given, given.get("format_version"), _UPGRADES, source)
    try:
        _validator().validate(line)
    except ValidationError as error:
        raise XncapsError(
            f"{source}: expected a result as the schema says. Received: {error.json_path}: "
            f"{error.message[:200]}."
        ) from error
    return cast(ResultLine, line)


@functools.cache
def _validator() -> Any:
    """Made once: `jsonschema.validate` would check the schema itself for each line."""
    from jsonschema import Draft202012Validator

    text = resources.files("xncaps.reproduce").joinpath("experiment.schema.json").read_text("utf-8")
    return Draft202012Validator(json.loads(text))


def read(path: pathlib.Path) -> list[ResultLine]:
    """The lines of a file, of each run the last one; none where there is no file.

    Raises:
        XncapsError: a line is damaged.
    """
    if not path.is_file():
        return []
    found: dict[tuple[str, str, int], ResultLine] = {}
    for number, text in enumerate(path.read_bytes().splitlines(), start=1):
        source = f"{path}:{number}"
        try:
            given = strict_json.loads(text.decode("utf-8"))
        except ValueError as error:
            raise XncapsError(f"{source}: expected a line of JSON. Received: {error}.") from error
        line = check(given, source)
        found[key(line)] = line
    return list(found.values())


def key(line: ResultLine) -> tuple[str, str, int]:
    """What makes two lines results of the same run."""
    return line["experiment"], line["config_hash"], line["seed"]


def add(path: pathlib.Path, lines: Iterable[ResultLine]) -> None:
    """Adds lines, each in the place of an older one of the same run; the file is whole at any time.

    Others that add to it meanwhile wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        merged = {key(line): line for line in read(path)}
        for line in lines:
            merged[key(line)] = check(line, line["experiment"])
        texts = [json.dumps(line, sort_keys=True) + "\n" for line in merged.values()]
        write_text(path, "".join(texts))
