"""A run in a folder: begun where there is none, else taken up."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING

from xncaps_files.errors import XncapsError

if TYPE_CHECKING:
    from xncaps_tf.training import TrainConfig, TrainResult
    from xncaps_tf.training.progress import Reporter


# Where and with what a run is made; none of it bears on what it computes.
_PLACES = ("data_dir", "feature_cache", "save_steps", "threads")


def run_or_resume(
    config: TrainConfig, folder: pathlib.Path, reporter: Reporter | None = None
) -> TrainResult:
    """Trains in `folder`, or goes on with the same training there.

    Raises:
        XncapsError: the folder holds a run of another config.
    """
    from xncaps_tf import training

    run = training.RunFolder(folder)
    if not run.config.is_file():
        return training.run(config, folder, reporter=reporter)
    found = run.read_config()
    if _choices(found) != _choices(config.resolved()):
        raise XncapsError(
            f"{folder}: expected a run of this config. Received: a run of another one; choose "
            "another --out or remove it."
        )
    return training.resume(folder, reporter=reporter)


def _choices(config: TrainConfig) -> dict[str, object]:
    fields = dataclasses.asdict(config)
    return {name: value for name, value in fields.items() if name not in _PLACES}
