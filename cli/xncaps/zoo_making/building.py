"""A file of the zoo from a run of an experiment: scale of the scores, stored rows, times, card."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, cast

import xncaps_zoo
from xncaps.reproduce import experiments, result_lines, running
from xncaps.reproduce.running import Place
from xncaps.zoo_making import calibrating, card_page, judging, keras_packing
from xncaps_files import expected, writing
from xncaps_files.errors import DataError, XncapsError
from xncaps_files.scores import ScoreScale
from xncaps_zoo.card_types import Accuracy, Card, Latency, LatencyRow, Scores

if TYPE_CHECKING:
    from xncaps_benchmark.result_types import Model

Say = Callable[[str], None]
ROWS = 16
SMALL_MODEL = 5_000_000  # bytes of a Keras model that stands beside its file
_SHOWN_CLASSES = 5


@dataclass(frozen=True)
class Entry:
    """What a file of the zoo is made of; a row of experiments/zoo.json.

    Attributes:
        name: of the file.
        title, description: for people.
        experiment: whose model it is.
        file: a word of `experiments.FILES`.
        seed: of the run.
        foreign: (data set, split) of pictures that are of none of the classes.
        twins: (what, experiment, word) of files that it is timed beside.
        licence, source: of the data.
        not_for: what it is not good for.
    """

    name: str
    title: str
    description: str
    experiment: str
    file: str
    seed: int
    foreign: str
    twins: tuple[tuple[str, str, str], ...]
    licence: str
    source: str
    not_for: tuple[str, ...]


def read_entries() -> dict[str, Entry]:
    """Every file that can be made, by its name."""
    document = json.loads((experiments.folder() / "zoo.json").read_text("utf-8"))
    found: dict[str, Entry] = {}
    for row in document["files"]:
        data = document["data"][row.pop("data")]
        twins: list[list[str]] = row["twins"]
        row["twins"] = tuple(map(tuple, twins))
        row["not_for"] = tuple([*row["not_for"], *data["not_for"]])
        found[row["name"]] = Entry(**row, licence=data["licence"], source=data["source"])
    return found


def make(
    entry: Entry, runs: pathlib.Path, out: pathlib.Path, data_dirs: dict[str, str], say: Say
) -> pathlib.Path:
    """Writes OUT/NAME with the file, its stored rows, labels and card; returns the folder.

    Args:
        entry: what to make.
        runs: the folder of `xncaps reproduce`.
        out: the folder of the zoo.
        data_dirs: as of `reproduce`.
        say: called with a line for a person.

    Raises:
        XncapsError: the run or a twin is not there.
    """
    card_path = out / entry.name / "card.json"
    writing.check_place(card_path, "--out", "card", lambda head: head.startswith(b"{"))
    known = experiments.read_all()
    place = Place(runs, runs / "results.jsonl", data_dirs)
    experiment = known[entry.experiment]
    line = _line_of(entry, experiment, place)
    source = _file(entry, place, experiment, entry.seed, entry.file)
    twins = _twins(entry, known, place)
    stored = expected.read(expected.path_of(source))
    data = source.read_bytes()
    say(f"{entry.name}: fitting the scale on the hold-out")
    judged = judging.run(experiment, entry.seed, entry.foreign, place, source)
    scale = calibrating.fit(judged.held_out, judged.held_out_labels, judged.kind)
    scores: Scores = {
        "kind": judged.kind,
        "temperature": cast(float, scale.temperature),  # `fit` has set both
        "threshold": cast(float, scale.threshold),
        "right_kept": calibrating.kept_of_right(scale, judged.test, judged.test_labels),
        "foreign_accepted": calibrating.accepted(scale, judged.foreign),
        "foreign": judged.foreign_title,
    }
    data = _with_scale(data, scale)
    say(f"{entry.name}: measuring beside its twins")
    latency = _latency(data, twins)
    card = _card(entry, line, data, stored, scores, latency, experiment)
    model = _small_model(place.model(experiment, entry.seed), stored)
    if model is not None:
        card["file"]["keras_sha256"] = hashlib.sha256(model).hexdigest()
    _check(card)
    folder = out / entry.name
    write_folder(
        folder,
        model,
        {
            f"{entry.name}.tflite": data,
            f"{entry.name}.expected.npz": _rows(stored),
            "labels.txt": ("\n".join(stored.class_names) + "\n").encode(),
            "card.json": (json.dumps(card, indent=2) + "\n").encode(),
            "README.md": card_page.markdown(card).encode(),
        },
    )
    return folder


def write_folder(folder: pathlib.Path, model: bytes | None, parts: dict[str, bytes]) -> None:
    """Writes a file of the zoo with all that lies beside it, in the place of an older one.

    Args:
        folder: of the file's name.
        model: the Keras model; None: it is too large to stand there, and so is not an older one.
        parts: the other files, by their names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"{folder.name}.keras"
    kept = {} if model is None else {beside: model}
    writing.write_all({**kept, **{folder / name: data for name, data in parts.items()}})
    if model is None:
        beside.unlink(missing_ok=True)


def _small_model(model: pathlib.Path, stored: expected.Expected) -> bytes | None:
    """The Keras model for `models.pretrained`, where it is small."""
    data = model.read_bytes()
    if hashlib.sha256(data).hexdigest() != stored.model_sha256:
        raise XncapsError(
            f"zoo: expected the model that the file was converted from. Received: {model}, "
            "another one; remove its files and run xncaps reproduce again."
        )
    packed = keras_packing.pack(data)
    return packed if len(packed) < SMALL_MODEL else None


def _line_of(
    entry: Entry, experiment: experiments.Experiment, place: Place
) -> result_lines.ResultLine:
    line = running.line_of(experiment, entry.seed, place)
    if line is None:
        raise XncapsError(
            f"zoo: expected a result of {experiment.name}, seed {entry.seed}, in {place.results}. "
            f"Received: none; {_command(entry)} makes it."
        )
    return line


def _experiments(entry: Entry) -> list[str]:
    """Those that make an entry: its own, and those of the files that it is timed beside."""
    return list(dict.fromkeys([entry.experiment, *(twin[1] for twin in entry.twins)]))


def _command(entry: Entry) -> str:
    return f"xncaps reproduce {' '.join(_experiments(entry))}"


def _file(
    entry: Entry, place: Place, experiment: experiments.Experiment, seed: int, word: str
) -> pathlib.Path:
    path = place.file(experiment, seed, word)
    if not path.is_file():
        raise XncapsError(
            f"zoo: expected the files that {_command(entry)} makes. Received: none at {path}."
        )
    return path


def _twins(
    entry: Entry, known: dict[str, experiments.Experiment], place: Place
) -> dict[str, pathlib.Path]:
    """What the file is timed beside."""
    return {
        what: _file(entry, place, known[name], known[name].seeds[0], word)
        for what, name, word in entry.twins
    }


def _with_scale(data: bytes, scale: ScoreScale) -> bytes:
    """The file with the scale in its metadata."""
    from xncaps_converters import graph_edit
    from xncaps_files import metadata

    told = metadata.read(data)
    if told is None:
        raise XncapsError("zoo: expected a file that xncaps convert wrote. Received: no metadata.")
    origin = {**told.origin, "output": scale.to_json()}
    return graph_edit.with_metadata(data, dataclasses.replace(told, origin=origin))


def _rows(stored: expected.Expected) -> bytes:
    """At most 16 of the stored rows, of as many classes as there are."""
    row_bytes = stored.inputs[0].size + stored.outputs[0].nbytes
    chosen = expected.choose_rows(stored.labels, row_bytes, most=ROWS)
    return expected.encode(
        dataclasses.replace(
            stored,
            inputs=stored.inputs[chosen],
            outputs=stored.outputs[chosen],
            labels=stored.labels[chosen],
        )
    )


def _latency(data: bytes, twins: dict[str, pathlib.Path]) -> Latency:
    """Times of the file and its twins, measured in turns on this machine, one thread."""
    from xncaps_benchmark import measure

    with tempfile.TemporaryDirectory() as folder:
        own = pathlib.Path(folder) / "this-file.tflite"
        own.write_bytes(data)
        named = {"this file": own, **twins}
        result = measure(list(named.values()), runs=256, seconds=20)
        sizes = {what: path.stat().st_size for what, path in named.items()}
    rows: list[LatencyRow] = []
    for (what, size), model in zip(sizes.items(), result["models"], strict=True):
        median, p90 = times(model)
        rows.append({"what": what, "median_us": median, "p90_us": p90, "bytes": size})
    return {"machine": result["machine"]["cpu"], "threads": 1, "rows": rows}


def times(model: Model) -> tuple[float, float]:
    """Median and 90th percentile of a measured file, microseconds.

    Raises:
        DataError: it could not be timed; a card without its twin's time compares nothing.
    """
    if (latency := model["latency"]) is None or (p90 := latency["p90_us"]) is None:
        raise DataError(
            f"zoo: expected a time of {model['name']}. Received: {model['error'] or 'none'}."
        )
    return latency["median_us"], p90


def _card(
    entry: Entry,
    line: result_lines.ResultLine,
    data: bytes,
    stored: expected.Expected,
    scores: Scores,
    latency: Latency,
    experiment: experiments.Experiment,
) -> Card:
    ranked = sorted(line["keras"]["per_class"].items(), key=lambda item: (-item[1], item[0]))
    file = next(file for file in line["files"] if file["to"] == entry.file)
    accuracy: Accuracy = {"keras": line["keras"]["score"], "file": file["score"]}
    if "coarse" in line:
        accuracy["coarse"] = line["coarse"]
    return {
        "format": "xncaps-card",
        "format_version": xncaps_zoo.FORMAT_VERSION,
        "name": entry.name,
        "title": entry.title,
        "description": entry.description,
        "data": {
            "name": line["data"]["name"],
            "title": line["data"]["title"],
            "split": "test",
            "licence": entry.licence,
            "source": entry.source,
        },
        "input": list(stored.inputs.shape[1:]),
        "classes": len(stored.class_names),
        "accuracy": accuracy,
        "best_classes": dict(ranked[:_SHOWN_CLASSES]),
        "worst_classes": dict(ranked[::-1][:_SHOWN_CLASSES]),
        "file": {
            "format": entry.file,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "model_sha256": stored.model_sha256,
        },
        "macs": line["macs"],
        "binary_macs": line["binary_macs"],
        "scores": scores,
        "latency": latency,
        "experiment": {
            "name": experiment.name,
            "config_hash": experiment.config_hash,
            "seed": entry.seed,
            "commands": [
                f"{_command(entry)} --data-dir DATA",
                f"xncaps zoo make {entry.name} --from experiments_out --data-dir DATA",
            ],
        },
        "not_for": list(entry.not_for),
    }


def _check(card: Card) -> None:
    import jsonschema

    text = resources.files("xncaps.zoo_making").joinpath("card.schema.json").read_text("utf-8")
    jsonschema.validate(card, json.loads(text))
