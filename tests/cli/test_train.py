"""`xncaps train`: options, errors, and a real run by the real command."""

from __future__ import annotations

import json
import os
import pathlib
import pty
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from xncaps.commands.train import train
from xncaps_tf.training import RunFolder, TrainConfig

XNCAPS = [sys.executable, "-m", "xncaps"]
SMALL = "--head=dense --limit=100 --batch-size=25 --epochs=2 --threads=2".split()


def _usage_error(*args: str) -> str:
    result = CliRunner().invoke(train, list(args))
    assert result.exit_code == 2, result.output
    return " ".join(result.output.split())


def test_out_or_resume_is_asked_for() -> None:
    assert "Missing option '--out'" in _usage_error()


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--head=conv", "'conv' is not one of 'capsfc'"),
        ("--epochs=0", "x>=1"),
        ("--learning-rate=-1", "expected learning_rate to be a number above 0"),
        ("--validation=1.5", "expected validation to be a number with 0 <= number < 1"),
        ("--seed=-1", "0<=x<=2147483647"),
    ],
)
def test_wrong_options_are_named(option: str, text: str, tmp_path: pathlib.Path) -> None:
    assert text in _usage_error(option, "--out", str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_options_that_clash_with_resume(tmp_path: pathlib.Path) -> None:
    RunFolder(tmp_path / "run").create(TrainConfig())
    output = _usage_error("--resume", str(tmp_path / "run"), "--epochs", "9", "--out", "x")
    assert "Received also: --epochs, --out" in output


def _real(*args: str, cwd: pathlib.Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "XNCAPS_LOG_DIR": str(cwd / "logs"), "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.run(
        [*XNCAPS, *args], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("--resume", "none"), "none: expected the folder of a run"),
        (("--resume", "broken"), "config.json: expected a JSON object"),
        (("--out", "full"), "expected a new or an empty folder"),
        (("--out", "full/thesis.tex/run"), "expected a new folder. Received: one in /"),
        (("--out", "new", "--init", "no.keras"), "--init: expected a model file"),
        (("--out", "new", "--strategy", "multi_worker"), "expected TF_CONFIG to be like"),
    ],
)
def test_errors_before_tensorflow_are_one_line(
    args: tuple[str, ...], text: str, tmp_path: pathlib.Path
) -> None:
    for name, file in (("broken", "config.json"), ("full", "thesis.tex")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("{")
    done = _real("train", *args, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == "" and done.stderr.count("\n") == 1
    assert done.stderr.startswith("xncaps: ") and text in done.stderr


def test_a_command_that_failed_at_once_can_be_given_again(tmp_path: pathlib.Path) -> None:
    """A misspelt folder left a run behind, which neither a new one nor --resume could use."""
    command = ["train", *SMALL, "--data=folder", "--data-dir=photoz", "--out=run"]
    for _ in range(2):
        done = _real(*command, cwd=tmp_path)
        assert done.returncode == 1
        assert (
            "photoz: expected a folder with a folder a class. Received: no folder." in done.stderr
        )
    assert not (tmp_path / "run").exists()


def test_a_run_with_something_to_go_on_from_is_not_discarded(tmp_path: pathlib.Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create(TrainConfig())
    run.features.mkdir()
    run.discard_unbegun()
    assert run.config.is_file()
    run.features.rmdir()
    with run.locked():  # another process is in it
        run.discard_unbegun()
        assert run.config.is_file()
    run.discard_unbegun()
    assert not run.path.exists()
    run.path.mkdir()
    (run.path / "thesis.tex").touch()
    run.discard_unbegun()
    assert [path.name for path in run.path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("option", ["--init", "--teacher"])
def test_a_damaged_start_is_named_as_it_was_given(option: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "cut.keras").write_bytes(b"PK")
    done = _real("train", *SMALL[1:], option, "cut.keras", "--out=run", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"xncaps: {option}") and "/cut.keras" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_real_run_then_its_config_again(tmp_path: pathlib.Path) -> None:
    done = _real("train", *SMALL, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == ["1/2", "2/2"]
    assert lines[-1].startswith("run/best.keras: hold-out accuracy ")
    assert "\x1b" not in done.stdout  # no bars where nobody looks
    again = _real("train", "--config", "run/config.json", "--seed", "9", "--epochs", "1",
                  "--out", "again", cwd=tmp_path)  # fmt: skip
    assert again.returncode == 0, again.stderr
    one, other = (json.loads((tmp_path / n / "config.json").read_text()) for n in ("run", "again"))
    assert other == {**one, "seed": 9, "epochs": 1}


def test_a_config_may_be_an_experiments_name() -> None:
    from xncaps.commands.train import _config
    from xncaps.reproduce import experiments

    known = experiments.read_all()
    assert _config("mnist-cnn-xnodr", {}) == known["mnist-cnn-xnodr"].config
    given = {"epochs": 2, "init": "trunk.keras"}
    config = _config("grocery-tuned-capsfc", given)
    assert (config.epochs, config.init, config.head) == (2, "trunk.keras", "capsfc")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mnist-cnn", "the name of an experiment, .*Received: mnist-cnn"),
        ("grocery-tuned-capsfc", "starts from the model of grocery-tuned-xnodr: expected --init"),
    ],
)
def test_a_config_that_is_none_or_starts_from_another_is_usage(
    name: str, text: str, tmp_path: pathlib.Path
) -> None:
    assert re.search(text, _usage_error("--config", name, "--out", str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()


def test_bars_where_a_person_looks(tmp_path: pathlib.Path) -> None:
    master, slave = pty.openpty()
    env = {**os.environ, "XNCAPS_LOG_DIR": str(tmp_path), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        [*XNCAPS, "train", *SMALL, "--out", str(tmp_path / "run")],
        stdin=slave, stdout=slave, stderr=slave, env=env, close_fds=True,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    assert process.wait(60) == 0, shown.decode(errors="replace")
    text = shown.decode()
    assert "epoch 2/2" in text and "━" in text and "left" in text and "6/6" in text
    assert "hold-out accuracy" in text
