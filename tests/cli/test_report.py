"""`xncaps report` of runs: what was chosen, what came out and what was drawn, on one page."""

from __future__ import annotations

import base64
import json
import pathlib
from typing import Any

import pytest
from click.testing import CliRunner

from xncaps.main import cli
from xncaps_files.errors import XncapsError
from xncaps_tf import training
from xncaps_tf.training import RunFolder, TrainConfig


def report(*arguments: Any) -> str:
    """The page of `xncaps report`; its errors are raised."""
    out = pathlib.Path(arguments[0]).parent / "page.html"
    command = ["report", *map(str, arguments), "-o", str(out)]
    CliRunner().invoke(cli, command, catch_exceptions=False)
    return out.read_text("utf-8")


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> RunFolder:
    """A run that has not begun."""
    folder = RunFolder(tmp_path / "run")
    folder.create(TrainConfig(head="capsfc", data_dir=str(tmp_path), scales="channel", ema=0.9))
    return folder


def test_a_run_with_a_decoder_shows_what_it_drew(tmp_path: pathlib.Path) -> None:
    config = TrainConfig(epochs=1, limit=60, batch_size=20, validation=0.2, decoder=True)
    run = training.run(config, tmp_path / "<drawn>").folder
    page = report(run.path)
    for picture in (run.curves, run.reconstructions, run.poses):
        assert base64.b64encode(picture.read_bytes()).decode() in page
    assert "&lt;drawn&gt;" in page and "<drawn>" not in page
    for text in ("<dd>finished</dd>", "right in epoch 1, its best", "<dt>decoder</dt>"):
        assert text in page


def test_choices_are_shown_and_places_are_not(folder: RunFolder, tmp_path: pathlib.Path) -> None:
    page = report(folder.path)
    assert "<dt>ema</dt><dd>0.9</dd>" in page and "<dt>head</dt><dd>capsfc</dd>" in page
    assert "<dd>not finished</dd>" in page and "<dt>epochs so far</dt><dd>0</dd>" in page
    assert str(tmp_path) not in page and "<dt>scales</dt>" not in page


def test_of_two_epochs_alike_the_best_is_the_one_of_the_lower_loss(folder: RunFolder) -> None:
    rows = [{"epoch": n, "val_accuracy": 0.5, "val_loss": loss} for n, loss in ((1, 0.9), (2, 0.3))]
    folder.metrics_jsonl.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "50.00 % right in epoch 2, its best" in report(folder.path)


@pytest.mark.parametrize(
    "line",
    ["{", "[1]", '{"loss": NaN}', '{"loss": "x"}', '"words"', f'{{"loss": {"1" * 400}}}'],
    ids=["cut off", "list", "no number", "text", "word", "huge"],
)
def test_damaged_tables_are_named(folder: RunFolder, line: str) -> None:
    folder.metrics_jsonl.write_text(json.dumps({"loss": 1.0}) + f"\n{line}\n")
    with pytest.raises(XncapsError, match="metrics.jsonl: expected a line of JSON an epoch"):
        report(folder.path)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg onload=alert(1)>"])
def test_what_is_no_picture_is_refused(folder: RunFolder, content: bytes) -> None:
    folder.curves.write_bytes(content)
    with pytest.raises(XncapsError, match="expected PNG pictures of at most 8 MB of run"):
        report(folder.path)


def test_a_picture_that_would_not_fit_is_not_read(folder: RunFolder) -> None:
    with folder.curves.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(XncapsError, match=r"curves.png: expected at most 8 MB. Received: 1,099"):
        report(folder.path)


def test_a_folder_that_is_no_run_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(XncapsError, match="Received: .*empty, a folder without config.json"):
        report(tmp_path / "empty")
