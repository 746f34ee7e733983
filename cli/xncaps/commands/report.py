"""`xncaps report`: the benchmark's own command; folders of runs are shown, too."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import TYPE_CHECKING, Any

import click

from xncaps.runs import PLACES
from xncaps_benchmark.cli import report as _plain
from xncaps_benchmark.cli import write_page
from xncaps_files import strict_json
from xncaps_files.errors import XncapsError

if TYPE_CHECKING:
    from xncaps_benchmark.report import Training
    from xncaps_tf.training import RunFolder, TrainConfig
    from xncaps_tf.training.state import Row


def _report(results: tuple[pathlib.Path, ...], out: pathlib.Path, title: str | None) -> None:
    """Make one self-contained HTML page of RESULTS: the JSON files of `bench` or of the app, and
    folders of `train`.

    Several files (other machines, other days) are compared on it. Of a folder it shows what was
    chosen, the curves and, where it was trained with --decoder, what was drawn.
    """
    runs = [_training(path) for path in results if path.is_dir()]
    write_page([path for path in results if not path.is_dir()], out, title, runs)


report = click.Command(
    "report",
    callback=_report,
    params=_plain.params,
    help=_report.__doc__,
    short_help="Make one HTML page of measurements and runs.",
)


def _training(path: pathlib.Path) -> Training:
    """A run as the page shows it.

    Raises:
        XncapsError: the folder holds no run, or its records are damaged.
    """
    from xncaps_benchmark.report import Training
    from xncaps_tf.training import RunFolder

    folder = RunFolder(path)
    if not folder.config.is_file():
        raise XncapsError(
            f"report: expected JSON files of `bench` or folders of `train`. Received: {path}, a "
            "folder without config.json."
        )
    captions = {
        folder.curves: "The course of the training.",
        folder.reconstructions: "Images of the hold-out, above what the decoder draws of them.",
        folder.poses: "A row a dimension of the pose, moved from -0.25 to 0.25.",
    }
    pictures = [(text, _read(file)) for file, text in captions.items() if file.is_file()]
    config = folder.read_config()
    return Training(path.resolve().name, [*_choices(config), *_outcome(folder)], pictures)


def _choices(config: TrainConfig) -> list[tuple[str, str]]:
    """Backbone, head and data, and every other choice that is not the default."""
    defaults = dataclasses.asdict(type(config)())
    shown = {"backbone", "head", "data", "epochs", "seed"}
    return [
        (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value))
        for name, value in dataclasses.asdict(config).items()
        if name in shown or (value != defaults[name] and name not in PLACES)
    ]


def _outcome(folder: RunFolder) -> list[tuple[str, str]]:
    """How far it came and how right it was."""
    from xncaps_tf.training.state import columns, merit

    rows = _rows(folder.metrics_jsonl) if folder.metrics_jsonl.is_file() else []
    state = "finished" if folder.is_finished else "not finished"
    told = [("state", state), ("epochs so far", str(len(rows)))]
    held_out = [row for row in rows if row.keys() >= {"epoch", "val_accuracy", "val_loss"}]
    if held_out:
        best = columns(max(held_out, key=merit))
        accuracy, epoch = 100 * best["val_accuracy"], best["epoch"]
        told.append(("hold-out", f"{accuracy:.2f} % right in epoch {epoch:g}, its best"))
    return told


def _rows(path: pathlib.Path) -> list[Row]:
    """metrics.jsonl; XncapsError for what is no table of numbers."""
    try:
        rows: list[Any] = [strict_json.loads(line) for line in _read(path).decode().splitlines()]
        for row in rows:
            if not all(isinstance(value, (int, float)) for value in row.values()):
                raise ValueError("what is no number")
    except (ValueError, AttributeError) as error:
        raise XncapsError(
            f"{path}: expected a line of JSON an epoch, numbers by name. Received: {error}."
        ) from error
    return rows


def _read(path: pathlib.Path) -> bytes:
    from xncaps_benchmark.report import MAX_PNG_BYTES

    if path.stat().st_size > MAX_PNG_BYTES:  # which is enough for a table, too
        raise XncapsError(
            f"{path}: expected at most {MAX_PNG_BYTES >> 20} MB. "
            f"Received: {path.stat().st_size:,} bytes."
        )
    return path.read_bytes()
