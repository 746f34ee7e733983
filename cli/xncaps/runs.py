"""A run in a folder: begun where there is none, else taken up."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from typing import TYPE_CHECKING

from xncaps_files.errors import XncapsError
from xncaps_files.writing import write_text

if TYPE_CHECKING:
    from xncaps_tf.training import RunFolder, TrainConfig, TrainResult
    from xncaps_tf.training.progress import Reporter


# Where and with what a run is made; none of it bears on what it computes.
PLACES = ("data_dir", "feature_cache", "save_steps", "threads")
# Files that it starts from: what counts is what is in them.
_STARTS = ("init", "teacher")
# What a run that goes on takes from the config of now.
_MOVED = ("data_dir", "feature_cache", *_STARTS)


def run_or_resume(
    config: TrainConfig, folder: pathlib.Path, reporter: Reporter | None = None
) -> TrainResult:
    """Trains in `folder`, or goes on with the same training there.

    The data and the models that it starts from may have been moved meanwhile, and the folder, too.

    Raises:
        XncapsError: the folder holds a run of another config, or what it shall have started from
            is not there.
    """
    from xncaps_tf import training

    run = training.RunFolder(folder)
    if not run.config.is_file():
        try:
            return training.run(config, folder, reporter=reporter)
        except XncapsError:  # such as of data that are not found: the command can be given again
            run.discard_unbegun()
            raise
    found, wanted = run.read_config(), config.resolved()
    if _choices(found) != _choices(wanted) or not _starts_alike(run, found, wanted):
        raise XncapsError(
            f"{folder}: expected a run of this config. Received: a run of another one; choose "
            "another --out or remove it."
        )
    moved = {name: getattr(wanted, name) for name in _MOVED}
    if not run.is_finished and moved != {name: getattr(found, name) for name in _MOVED}:
        with run.locked():
            write_text(run.config, dataclasses.replace(found, **moved).to_json())
    return training.resume(folder, reporter=reporter)


def _choices(config: TrainConfig) -> dict[str, object]:
    fields = dataclasses.asdict(config) | {name: bool(getattr(config, name)) for name in _STARTS}
    return {name: value for name, value in fields.items() if name not in PLACES}


def _starts_alike(run: RunFolder, found: TrainConfig, wanted: TrainConfig) -> bool:
    """Whether what a run has started from is what lies at other places now."""
    if found.init != wanted.init:
        copy = run.init_model(found)
        if copy is None or not copy.is_file() or wanted.init is None:
            return False
        if _sha256(copy, "init", run) != _sha256(pathlib.Path(wanted.init), "init", run):
            return False
    if found.teacher != wanted.teacher and wanted.teacher is not None and run.teacher.is_file():
        from xncaps_tf.training import distillation

        kept = distillation.kept_teacher(run.teacher)
        return kept == _sha256(pathlib.Path(wanted.teacher), "teacher", run)
    return True


def _sha256(path: pathlib.Path, option: str, run: RunFolder) -> str:
    if not path.is_file():
        raise XncapsError(
            f"--{option}: expected the model that the run in {run.path} has started from. "
            f"Received: {path}, which is no file; `xncaps train --resume {run.path}` goes on "
            "without it, by what the run keeps."
        )
    return hashlib.sha256(path.read_bytes()).hexdigest()
