"""`xncaps zoo`: what there is, what a card says, a copy that overwrites nothing."""

from __future__ import annotations

import hashlib
import json
import pathlib
import re
import resource
from importlib import resources
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

import xncaps_zoo
from xncaps.main import cli
from xncaps.reproduce import experiments
from xncaps.zoo_making import building, card_page
from xncaps_benchmark import measure
from xncaps_files.errors import DataError
from xncaps_tf import models


def card_of(name: str, data: bytes) -> dict[str, Any]:
    score = {"correct": 90, "images": 100, "accuracy": 0.9, "interval": [0.82, 0.94]}
    return {
        "format": "xncaps-card",
        "format_version": 1,
        "name": name,
        "title": "Two kinds of thing",
        "description": "For this test.",
        "data": {
            "name": "digits",
            "title": "digits (drawn)",
            "split": "test",
            "licence": "CC0",
            "source": "drawn",
        },
        "input": [8, 8, 1],
        "classes": 2,
        "accuracy": {"keras": score, "file": score, "coarse": score},
        "best_classes": {"this": 1.0},
        "worst_classes": {"that": 0.8},
        "file": {
            "format": "fused",
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "model_sha256": "0" * 64,
        },
        "macs": 1_000_000,
        "binary_macs": 20_000,
        "scores": {
            "kind": "lengths",
            "temperature": 0.1,
            "threshold": 0.5,
            "right_kept": 0.95,
            "foreign_accepted": 0.2,
            "foreign": "mnist",
        },
        "latency": {
            "machine": "a processor",
            "threads": 1,
            "rows": [{"what": "this file", "median_us": 100.0, "p90_us": 110.0, "bytes": 4}],
        },
        "experiment": {
            "name": "tiny",
            "config_hash": "0" * 16,
            "seed": 0,
            "commands": ["xncaps reproduce tiny"],
        },
        "not_for": ["anything else"],
    }


@pytest.fixture
def shelf(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    folder = tmp_path / "zoo" / "tiny-file"
    folder.mkdir(parents=True)
    (folder / "tiny-file.tflite").write_bytes(b"TFL3")
    (folder / "card.json").write_text(json.dumps(card_of("tiny-file", b"TFL3")))
    monkeypatch.setattr(xncaps_zoo, "_PLACES", (folder.parent,))
    return folder


def invoke(*arguments: Any) -> Any:
    return CliRunner().invoke(cli, ["zoo", *map(str, arguments)])


def test_the_schema_takes_the_card() -> None:
    schema = json.loads(
        resources.files("xncaps.zoo_making").joinpath("card.schema.json").read_text()
    )
    jsonschema.validate(card_of("x", b"1"), schema)
    with pytest.raises(jsonschema.ValidationError, match="not_for"):
        jsonschema.validate({**card_of("x", b"1"), "not_for": []}, schema)


def test_list_and_show(shelf: pathlib.Path) -> None:
    listed = invoke("list")
    assert listed.exit_code == 0 and "90.00 % of 100, digits (drawn)\n" in listed.output
    shown = invoke("show", "tiny-file").output
    for words in ("Two kinds of thing", "a share below 0.5", "95.0%", "0.10 ms", "anything else"):
        assert words in shown


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"format_version": 2}', r"expected format_version 1\. Received: 2; .*--upgrade"),
        ("[]", "expected a card. Received: TypeError"),
        ('{"format', "expected a card. Received: JSONDecodeError"),
        ("{}", "expected a card. Received: KeyError: 'format_version'"),
    ],
    ids=["newer", "list", "cut off", "empty"],
)
def test_a_card_that_cannot_be_read_hides_no_other(
    shelf: pathlib.Path, text: str, told: str
) -> None:
    (shelf.parent / "another").mkdir()
    (shelf.parent / "another" / "card.json").write_text(text)
    listed = invoke("list")
    assert listed.exit_code == 1 and "90.00 % of 100" in listed.output
    assert re.search(f"xncaps: zoo: .*another/card.json: {told}", listed.output)
    assert isinstance(listed.exception, DataError) and "1 of 2 not" in str(listed.exception)
    assert isinstance(invoke("show", "another").exception, DataError)
    with pytest.raises(DataError, match=f"pretrained: .*{told}"):
        models.pretrained("another")


def test_an_unknown_name_is_a_usage_error(shelf: pathlib.Path) -> None:
    for arguments in (("show", "nothing"), ("copy", "../tiny-file"), ("make", "x", "--from", ".")):
        done = invoke(*arguments)
        assert done.exit_code == 2 and "expected one of" in done.output


def test_copy_takes_all_and_overwrites_nothing(shelf: pathlib.Path, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "mine"
    done = invoke("copy", "tiny-file", out)
    assert done.exit_code == 0
    assert (out / "tiny-file.tflite").read_bytes() == b"TFL3"
    assert (out / "card.json").is_file()
    again = invoke("copy", "tiny-file", out)
    assert again.exit_code == 1 and "card.json, tiny-file.tflite" in again.output


@pytest.mark.parametrize("is_there", [True, False])
def test_copy_on_a_full_disk_leaves_nothing(
    shelf: pathlib.Path, tmp_path: pathlib.Path, is_there: bool
) -> None:
    out = tmp_path / "mine"
    if is_there:
        out.mkdir()
    (shelf / "a.json").write_text("{}")  # comes first, and would fit
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        done = invoke("copy", "tiny-file", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(done.exception, OSError) and str(out / "card.json") in str(done.exception)
    assert out.exists() == is_there and not list(out.glob("*"))


def test_every_file_that_can_be_made_is_of_an_experiment() -> None:
    known = experiments.read_all()
    for entry in building.read_entries().values():
        assert entry.file in known[entry.experiment].files
        for _, twin, word in entry.twins:
            assert word in known[twin].files


def test_a_card_is_a_page() -> None:
    text = card_page.markdown(card_of("tiny-file", b"TFL3"))
    assert text.startswith("# tiny-file\n") and text.endswith("`\n")


def test_a_twin_without_a_time_is_said(tmp_path: pathlib.Path) -> None:
    broken = tmp_path / "twin.tflite"
    broken.write_bytes(b"no model")
    [model] = measure([broken])["models"]
    with pytest.raises(DataError, match=r"zoo: expected a time of twin\. Received: .*twin"):
        building.times(model)
