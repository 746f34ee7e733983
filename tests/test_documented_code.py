"""The Python that the documentation shows runs, a page from top to bottom, with stand-ins for the
files and models that a reader has. The README's is run by test_readme.py."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
from PIL import Image

import pages
import shown_commands

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Blocks that are not run here: the first words -> the file of the test that runs the same.
ELSEWHERE = {"import xncaps_tf.data.multi_mnist": "tests/data/test_multi_mnist.py"}


def _blocks(page: str) -> list[str]:
    """The blocks of a page that are Python."""
    text = (ROOT / page).read_text("utf-8")
    code = [part for part in pages.parts(text) if part.is_code]
    return [part.text for part in code if shown_commands.kind(part) == "python"]


PAGES = [name for name in shown_commands.page_names() if name != "README.md" and _blocks(name)]


def _small_model() -> Any:
    from xncaps_tf import models

    return models.build("small_cnn", "xnodr", (8, 8, 1), 10, seed=1)


def _names(page: str) -> dict[str, Any]:
    """What a page takes for granted."""
    from xncaps_tf import data, training
    from xncaps_tf._keras import keras

    if page == "docs/guide.md":
        return {"features": keras.Input((4, 4, 64))}
    if page == "docs/converting.md":
        return {"model": _small_model()}
    if page == "docs/errors.md":
        return {"numpy": np, "net": _small_model()}
    if page == "docs/native.md":
        return {"frame": np.zeros((10, 12, 3), np.uint8)}
    if page == "docs/litert2.md":
        return {"image": np.zeros((1, 8, 8, 1), np.float32)}
    if page == "docs/training.md":
        digits = data.load("digits", "train")
        train, held_out = data.split_validation(digits.subset(np.arange(100)), 0.2, 0)
        return {
            "net": _small_model(),
            "train": train,
            "held_out": held_out,
            "mine": keras.callbacks.Callback(),
            "training": training,
        }
    return {}


def _files(folder: pathlib.Path, page: str) -> None:
    digits = ROOT / "android_demo" / "models" / "digits.tflite"
    for name in ("model", "capsfc", "xnodr"):
        shutil.copy(digits, folder / f"{name}.tflite")
    for name in ("photo.jpg", "a.jpg", "b.png"):
        Image.new("L", (20, 20), 200).save(folder / name)
    if page == "docs/converting.md":
        (folder / "RUN").mkdir()
        _small_model().save(folder / "RUN" / "best.keras")


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(
    page: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xncaps_tf.models import registration

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registration, "BACKBONES", dict(registration.BACKBONES))
    monkeypatch.setattr(registration, "HEADS", dict(registration.HEADS))
    _files(tmp_path, page)
    names = _names(page)
    for number, code in enumerate(_blocks(page)):
        where = next((file for words, file in ELSEWHERE.items() if code.startswith(words)), None)
        if where is not None:
            assert (ROOT / where).is_file()
            continue
        if page == "docs/training.md":  # a run a block: less of it, and each in its own folder
            code = code.replace("epochs=6", "epochs=1, limit=60").replace('"RUN"', f'"RUN{number}"')
        exec(compile(code, f"{page}, block {number}", "exec"), names)


def test_pages_with_code_are_found() -> None:
    named = {"docs/guide.md", "docs/converting.md", "docs/native.md", "native/README.md"}
    assert named <= set(PAGES)
    assert len(_blocks("docs/native.md")) >= 2


def test_every_make_target_that_a_page_names_exists() -> None:
    makefiles = [ROOT / "Makefile", ROOT / "native" / "native.mk", ROOT / "android_demo/android.mk"]
    rules = "\n".join(file.read_text(encoding="utf-8") for file in makefiles)
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", rules, re.M))
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")]
    pages += (ROOT / ".github").rglob("*.yml")
    for page in pages:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"(?:^|`|run: |\$ |    )make ((?:[a-z][a-z-]*[a-z]\b ?)+)", text, re.M)
        for words in named:
            missing = set(words.split()) - targets
            assert not missing, f"{page.name}: make {words}"


def test_no_target_is_made_in_two_ways(root: pathlib.Path) -> None:
    done = subprocess.run(["make", "-n", "help"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


def test_places_that_the_contributors_page_names_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(
        re.findall(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|md|inc|json|jsonl)|(?:[\w.-]+/)+)`", text)
    )
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = "\n".join(f"/{line}" for line in done.stdout.splitlines())
    lost = {path for path in named if "NAME" not in path and f"/{path}" not in files}
    assert len(named) > 15 and not lost
    kinds = (
        "layer",
        "backbone",
        "data set",
        "pass",
        "op",
        "kernel",
        "bench row",
        "target",
        "screen",
    )
    for kind in (*kinds, "release"):
        assert re.search(rf"^\| (?:a|an) [^|]*{kind}", text, re.M), kind


def _python_calls() -> list[tuple[str, str, list[str]]]:
    """(page, module or script, options) of each `python ...` that a page shows."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "native" / "README.md"]
    found = []
    for page in pages:
        text = re.sub(r"\s+#.*", "", page.read_text(encoding="utf-8"))
        for line in re.findall(r"python3? ((?:-m )?[\w./]+(?: [^\n`|&]+)?)", text):
            what, *rest = line.removeprefix("-m ").split()
            if line.startswith("-m ") or what.endswith(".py"):
                options = [word.partition("=")[0] for word in rest if word.startswith("--")]
                found.append((page.name, what, options))
    return found


def test_every_python_program_that_a_page_shows_exists_with_its_options() -> None:
    calls = _python_calls()
    assert len(calls) >= 10
    for page, what, options in calls:
        path = ROOT / what
        if not what.endswith(".py"):
            spec = importlib.util.find_spec(what)
            assert spec is not None and spec.origin is not None, f"{page}: python -m {what}"
            path = pathlib.Path(spec.origin)
            path = path.parent if path.name == "__init__.py" else path
        assert path.exists(), f"{page}: python {what}"
        sources = [path] if path.is_file() else list(path.rglob("*.py"))
        source = "\n".join(file.read_text(encoding="utf-8") for file in sources)
        for option in options:
            assert option in source or option[2:].replace("-", "_") in source, f"{page}: {option}"
