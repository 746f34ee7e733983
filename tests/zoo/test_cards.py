"""Every statement of a card is one of its file, of what lies beside it, or of the results."""

from __future__ import annotations

import functools
import hashlib
import pathlib
from typing import Any

import pytest

import xncaps_zoo
from xncaps.reproduce import experiments, result_lines
from xncaps.zoo_making import building
from xncaps_files import expected, metadata
from xncaps_zoo.card_types import Card

NAMES = xncaps_zoo.names()
FOR_THE_SCALE = 100  # bytes of a file at most that its temperature and threshold take


def folder(name: str) -> pathlib.Path:
    return xncaps_zoo.path(name).parent


def told(name: str) -> metadata.Metadata:
    found = metadata.read(xncaps_zoo.path(name).read_bytes())
    assert found is not None
    return found


@functools.cache
def lines() -> dict[tuple[str, str, int], result_lines.ResultLine]:
    path = experiments.folder() / "results.jsonl"
    return {result_lines.key(line): line for line in result_lines.read(path)}


def line_of(card: Card) -> result_lines.ResultLine:
    """Of the very config and seed that the card names."""
    origin = card["experiment"]
    return lines()[origin["name"], origin["config_hash"], origin["seed"]]


def data_of(name: str) -> result_lines.Data:
    """A data set's whole test split, by what is told of it in any line."""
    return next(
        line["data"]
        for line in lines().values()
        if (line["data"]["name"], line["data"]["split"]) == (name, "test")
    )


def file_of(line: result_lines.ResultLine, word: str) -> result_lines.FileResult:
    (found,) = (file for file in line["files"] if file["to"] == word)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_input_and_classes_are_those_of_the_file(name: str) -> None:
    from xncaps_runtime import Interpreter

    card = xncaps_zoo.card(name)
    interpreter = Interpreter(xncaps_zoo.path(name))
    (takes,), (gives,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert takes["shape"].tolist() == [1, *card["input"]]
    assert gives["shape"].tolist() == [1, card["classes"]]
    about = told(name)
    height, width, channels = card["input"]
    assert about.input.size == (width, height)
    assert about.input.color_space == {1: "GRAYSCALE", 3: "RGB"}[channels]
    stored = expected.read(folder(name) / f"{name}.expected.npz")
    labels = (folder(name) / "labels.txt").read_text(encoding="utf-8").splitlines()
    assert len(labels) == card["classes"]
    assert about.class_names == stored.class_names == tuple(labels)
    assert set(card["best_classes"]) | set(card["worst_classes"]) <= set(labels)


@pytest.mark.parametrize("name", NAMES)
def test_its_words_are_those_of_the_file(name: str) -> None:
    card, about = xncaps_zoo.card(name), told(name)
    changes = [word for word in ("int8", "float16") if word in about.changes]
    assert card["file"]["format"] == "-".join([str(about.origin["format"]), *changes])
    assert card["data"]["name"] == about.origin["data"]
    assert card["scores"]["kind"] == about.scores.kind
    assert card["scores"]["temperature"] == about.scores.temperature
    assert card["scores"]["threshold"] == about.scores.threshold


@pytest.mark.parametrize("name", NAMES)
def test_its_hashes_are_those_of_one_model(name: str) -> None:
    hashes, model = xncaps_zoo.card(name)["file"], folder(name) / f"{name}.keras"
    stored = expected.read(folder(name) / f"{name}.expected.npz")
    assert hashes["model_sha256"] == stored.model_sha256
    assert hashes["model_sha256"] == told(name).object("model")["sha256"]
    # The model beside the file is packed anew, so that its bytes are others: a hash of their own.
    beside = hashlib.sha256(model.read_bytes()).hexdigest() if model.is_file() else None
    assert hashes.get("keras_sha256") == beside


@pytest.mark.parametrize("name", NAMES)
def test_its_figures_are_those_of_the_results(name: str) -> None:
    card = xncaps_zoo.card(name)
    line = line_of(card)
    file = file_of(line, card["file"]["format"])
    assert card["accuracy"]["keras"] == line["keras"]["score"]
    assert card["accuracy"]["file"] == file["score"]
    assert card["accuracy"].get("coarse") == line.get("coarse")
    assert (card["macs"], card["binary_macs"]) == (line["macs"], line["binary_macs"])
    assert card["data"]["name"] == line["data"]["name"]
    assert card["data"]["title"] == line["data"]["title"]
    assert card["data"]["split"] == line["data"]["split"]
    assert 0 <= card["file"]["bytes"] - file["bytes"] <= FOR_THE_SCALE
    for score in (card["accuracy"]["keras"], card["accuracy"]["file"]):
        assert score == result_lines.score(score["correct"], score["images"])
    shares = line["keras"]["per_class"]
    others = [shares[each] for each in shares if each not in card["best_classes"]]
    assert all(shares[each] == share for each, share in card["best_classes"].items())
    assert min(card["best_classes"].values()) >= max(others)
    others = [shares[each] for each in shares if each not in card["worst_classes"]]
    assert all(shares[each] == share for each, share in card["worst_classes"].items())
    assert max(card["worst_classes"].values()) <= min(others)


@pytest.mark.parametrize("name", NAMES)
def test_its_experiment_is_the_one_that_there_is(name: str) -> None:
    """Neither the config nor the list of what is made has changed since."""
    card, known = xncaps_zoo.card(name), experiments.read_all()
    entry = building.read_entries()[name]
    origin = card["experiment"]
    assert (origin["name"], origin["seed"]) == (entry.experiment, entry.seed)
    assert origin["config_hash"] == known[entry.experiment].config_hash
    assert card["file"]["format"] == entry.file
    assert card["scores"]["foreign"] == data_of(entry.foreign)["title"]
    assert card["data"]["licence"] == entry.licence
    assert card["data"]["source"] == entry.source
    assert (card["title"], card["description"]) == (entry.title, entry.description)
    assert tuple(card["not_for"]) == entry.not_for
    names = dict.fromkeys([entry.experiment, *(twin for _, twin, _ in entry.twins)])
    assert origin["commands"] == [
        f"xncaps reproduce {' '.join(names)} --data-dir DATA",
        f"xncaps zoo make {name} --from experiments_out --data-dir DATA",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_its_shares_of_none_of_these_are_of_whole_splits(name: str) -> None:
    card = xncaps_zoo.card(name)
    right = card["accuracy"]["file"]["correct"]
    foreign = data_of(building.read_entries()[name].foreign)["images"]
    for share, of in (("right_kept", right), ("foreign_accepted", foreign)):
        count = card["scores"][share] * of
        assert 0 < count < of
        assert count == pytest.approx(round(count), abs=1e-6), share


@pytest.mark.parametrize("name", NAMES)
def test_what_was_timed_are_files_of_the_results(name: str) -> None:
    card, known = xncaps_zoo.card(name), experiments.read_all()
    entry = building.read_entries()[name]
    wanted = [("this file", card["file"]["bytes"])]
    for what, twin, word in entry.twins:
        line = lines()[twin, known[twin].config_hash, known[twin].seeds[0]]
        wanted.append((what, file_of(line, word)["bytes"]))
    assert [(row["what"], row["bytes"]) for row in card["latency"]["rows"]] == wanted


@pytest.mark.parametrize(
    "name", [name for name in NAMES if (folder(name) / f"{name}.keras").is_file()]
)
def test_the_model_beside_it_costs_what_it_says(name: str) -> None:
    from xncaps_tf import accounting, models

    card: Any = xncaps_zoo.card(name)
    line: Any = line_of(card)
    counted = accounting.account(models.pretrained(name))
    for key in ("parameters", "trainable", "macs", "binary_macs", "bytes_packed"):
        assert counted.total(key) == line[key], key
    assert counted.total("binary") == line["binary_parameters"]
    assert counted.total("macs") == card["macs"]
    assert counted.total("binary_macs") == card["binary_macs"]
