"""`xncaps summary`: the table and the JSON of a saved model."""

from __future__ import annotations

import json
import pathlib

import pytest
from click.testing import CliRunner

from xncaps.main import cli
from xncaps_tf import models
from xncaps_tf.accounting import account


@pytest.fixture(scope="module")
def model():
    return models.build("quicknet", "xnodr", (28, 28, 1), 10)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("summary") / "model.keras"
    model.save(path)
    return path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["summary", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_table_fits_a_terminal_and_ends_with_exact_totals(model, saved: pathlib.Path) -> None:
    output = run(str(saved))
    assert max(map(len, output.splitlines())) <= 80
    totals = account(model)
    for figure in ("parameters", "trainable", "binary", "macs", "binary_macs", "bytes_packed"):
        assert f"{totals.total(figure):,}" in output
    assert "section4_block1" in output and "primary_relu" not in output
    assert "primary_relu" in run(str(saved), "--all")


def test_json_is_the_account(model, saved: pathlib.Path) -> None:
    assert json.loads(run(str(saved), "--json")) == json.loads(json.dumps(account(model).to_dict()))


def test_unknown_macs_are_said(tmp_path: pathlib.Path) -> None:
    from xncaps_tf._keras import keras

    path = tmp_path / "lstm.keras"
    keras.Sequential([keras.Input((4, 3)), keras.layers.LSTM(5, name="lstm")]).save(path)
    output = run(str(path))
    assert "MACs not known, left out: lstm" in output


def test_a_missing_file_is_a_usage_error(tmp_path: pathlib.Path) -> None:
    result = CliRunner().invoke(cli, ["summary", str(tmp_path / "none.keras")])
    assert result.exit_code == 2 and "none.keras" in result.output
