"""`--plugin`: own names on the command line, from the option alone."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from click.testing import CliRunner
from PIL import Image

from xncaps.commands.train import train
from xncaps.main import cli
from xncaps_files import zoo
from xncaps_files.errors import XncapsError

PLUGIN = """
from xncaps_tf import models
from xncaps_tf._keras import keras


@keras.saving.register_keras_serializable("mine")
class Twice(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs


def stripes(image):
    return Twice()(keras.layers.Conv2D(16, 3, name="stripes")(image))


def peak(features, options):
    x = keras.layers.GlobalMaxPooling2D(name="peak")(features)
    return keras.layers.Dense(options.num_classes, name="classes")(x)


models.register_backbone("stripes", stripes)
models.register_head("peak", peak)
"""
OWN = "--backbone stripes --head peak --data digits --limit 100 --epochs 1 --threads 1".split()


def _xncaps(folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # -I: the folder is not on Python's path, as it is not for the installed script.
    command = [sys.executable, "-I", "-m", "xncaps", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with a plugin and a finished run of its names."""
    path = tmp_path_factory.mktemp("plugin")
    (path / "mine.py").write_text(PLUGIN)
    made = _xncaps(path, "train", *OWN, "--out", "run", "--plugin", "mine")
    assert made.returncode == 0, made.stderr
    return path


def test_a_run_names_its_parts_and_no_module(folder: pathlib.Path) -> None:
    config = json.loads((folder / "run" / "config.json").read_text())
    assert (config["backbone"], config["head"]) == ("stripes", "peak")
    assert "mine" not in config.values()


def test_the_model_goes_through_the_other_commands(folder: pathlib.Path) -> None:
    scored = _xncaps(folder, "evaluate", "run/best.keras", "--plugin", "mine", "--json")
    assert scored.returncode == 0, scored.stderr
    made = _xncaps(
        folder, "convert", "run/best.keras", "--to", "float", "-o", "o.tflite", "--plugin", "mine"
    )
    assert made.returncode == 0, made.stderr
    assert (folder / "o.tflite").is_file()


@pytest.mark.parametrize(
    "command",
    [
        "evaluate run",
        "evaluate run/best.keras",
        "predict run/best.keras one.png",
        "summary run/best.keras",
        "convert run/best.keras --to float -o no.tflite",
        "verify run/best.keras sound.tflite",
        "train --init run/best.keras --new-head --data digits --limit 100 --out other",
        "train --teacher run/best.keras --data digits --limit 100 --out taught",
    ],
)
def test_what_a_file_names_is_not_imported_but_asked_for(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """The module lies on Python's path, and the model's config names it."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    with zipfile.ZipFile("run/best.keras") as model:
        assert '"module": "mine"' in model.read("config.json").decode()
    Image.new("L", (8, 8)).save("one.png")
    shutil.copy(zoo.resolve("zoo:mnist-cnn-xnodr"), "sound.tflite")
    name, *arguments = command.split()
    found = CliRunner().invoke(cli, [name, *arguments], standalone_mode=False)
    assert isinstance(found.exception, XncapsError)
    assert re.search("(Twice|'stripes'); .*--plugin MODULE", str(found.exception))
    assert "mine" not in sys.modules
    given = CliRunner().invoke(cli, [name, "--help"], standalone_mode=False)
    assert "--plugin MODULE" in given.output
    assert not (folder / "no.tflite").exists()


def test_the_name_of_a_module_in_a_runs_config_is_no_plugin(folder: pathlib.Path) -> None:
    """Nor does any word in a run folder make Python import it."""
    shutil.copytree(folder / "run", folder / "theirs")
    path = folder / "theirs" / "config.json"
    config = json.loads(path.read_text())
    for key in ("plugin", "plugins"):
        path.write_text(json.dumps({**config, key: ["mine"]}))
        found = _xncaps(folder, "train", "--resume", "theirs")
        assert found.returncode == 1 and f"Received: '{key}'" in found.stderr
        assert len(found.stderr.splitlines()) == 1


def test_resuming_without_it_says_what_is_missing(folder: pathlib.Path) -> None:
    found = _xncaps(folder, "train", "--resume", "run")
    assert found.returncode == 1
    assert len(found.stderr.splitlines()) == 1
    assert "backbone='stripes'; --plugin MODULE" in found.stderr
    again = _xncaps(folder, "train", "--resume", "run", "--plugin", "mine")
    assert again.returncode == 0 and "finished already" in again.stdout


def test_a_name_without_its_plugin_is_a_usage_error(tmp_path: pathlib.Path) -> None:
    found = CliRunner().invoke(train, ["--head", "peak", "--out", str(tmp_path / "run")])
    assert found.exit_code == 2
    assert "--plugin MODULE imports a module" in " ".join(found.output.split())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "ModuleNotFoundError: No module named 'mine'"),
        ("import nothing_here", "ModuleNotFoundError: No module named 'nothing_here'"),
        ("1 +", "SyntaxError"),
        ("from xncaps_tf import models; models.register_head('xnodr', print)", "not taken"),
    ],
)
def test_a_module_that_cannot_be_imported(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, text: str | None, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    found = CliRunner().invoke(train, ["--plugin", "mine", "--out", "run"])
    assert isinstance(found.exception, XncapsError)
    assert re.match("--plugin: expected a module that can be imported", str(found.exception))
    assert reason in str(found.exception)
    assert not (tmp_path / "run").exists()
