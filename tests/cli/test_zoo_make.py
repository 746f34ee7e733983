"""`xncaps zoo make`: a run of an experiment becomes a file with a card that holds."""

from __future__ import annotations

import json
import pathlib

import pytest
from click.testing import CliRunner

import tiny_experiments
import xncaps_zoo
from xncaps.main import cli
from xncaps.reproduce import experiments
from xncaps.zoo_making import building
from xncaps_files import expected, metadata
from xncaps_tf import models

DATA = {"digits": {"licence": "CC BY 4.0", "source": "UCI", "not_for": []}}
ENTRY = {
    "name": "tiny-digits",
    "title": "Digits",
    "description": "Of a test.",
    "experiment": "tiny-xnodr",
    "file": "fused",
    "seed": 0,
    "foreign": "digits",
    "data": "digits",
    "twins": [],
    "not_for": ["anything"],
}


@pytest.fixture
def runs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    root = tiny_experiments.write(
        tmp_path / "experiments",
        [{"name": f"tiny-{head}", "files": ["fused"]} for head in ("xnodr", "capsfc", "dense")],
        epochs=8,
        limit=400,
    )
    (root / "zoo.json").write_text(json.dumps({"data": DATA, "files": [ENTRY]}))
    monkeypatch.setattr(experiments, "folder", lambda: root)
    return tmp_path / "out"


def test_a_model_that_has_grown_large_leaves_no_older_one(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "zoo" / "net"
    for model, names in (
        (b"old", {"net.keras", "card.json"}),
        (b"new", {"net.keras", "card.json"}),
        (None, {"card.json"}),
    ):
        building.write_folder(folder, model, {"card.json": b"{}"})
        assert {path.name for path in folder.iterdir()} == names
        assert model is None or (folder / "net.keras").read_bytes() == model


def test_a_run_becomes_a_file_of_the_zoo(
    runs: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["zoo", "make", "tiny-digits", "--from", str(runs), "--out", str(tmp_path / "zoo")]
    runs.mkdir()
    early = CliRunner().invoke(cli, arguments)
    assert early.exit_code == 1 and "xncaps reproduce tiny-xnodr makes it" in str(early.exception)

    trained = CliRunner().invoke(cli, ["reproduce", "tiny-xnodr", "--out", str(runs)])
    assert trained.exit_code == 0, trained.output
    made = CliRunner().invoke(cli, arguments)
    assert made.exit_code == 0, made.output + repr(made.exception)

    monkeypatch.setattr(xncaps_zoo, "_PLACES", (tmp_path / "zoo",))
    assert xncaps_zoo.names() == ("tiny-digits",)
    card = xncaps_zoo.card("tiny-digits")
    told = metadata.read(xncaps_zoo.path("tiny-digits").read_bytes())
    assert told is not None
    assert told.origin["output"]["temperature"] == card["scores"]["temperature"] > 0
    assert told.origin["output"]["threshold"] == card["scores"]["threshold"]
    # Foreign pictures that are no foreign ones: those kept and those taken are nearly the same.
    assert card["scores"]["right_kept"] > 0.8 and card["scores"]["foreign_accepted"] > 0.8
    stored = expected.read(expected.path_beside(xncaps_zoo.path("tiny-digits")) or "")
    assert len(stored.inputs) == 16 and set(stored.labels.tolist()) == set(range(10))
    assert (tmp_path / "zoo" / "tiny-digits" / "labels.txt").read_text().split() == list(
        stored.class_names
    )
    assert models.pretrained("tiny-digits").output_shape == (None, 10)

    (runs / "tiny-xnodr" / "seed-0" / "run" / "best.keras").write_bytes(b"another")
    other = CliRunner().invoke(cli, arguments)
    assert "the model that the file was converted from" in str(other.exception)

    twins = [["CapsFC", "tiny-capsfc", "fused"], ["dense", "tiny-dense", "fused"]]
    (tmp_path / "experiments" / "zoo.json").write_text(
        json.dumps({"data": DATA, "files": [{**ENTRY, "twins": twins}]})
    )
    lacking = CliRunner().invoke(cli, arguments)
    assert "xncaps reproduce tiny-xnodr tiny-capsfc tiny-dense makes" in str(lacking.exception)
    assert not lacking.output, "what takes long begins when everything is there"
