"""A run in a folder: begun where there is none, else taken up."""

from __future__ import annotations

import pathlib
from dataclasses import replace
from typing import TYPE_CHECKING

from xncaps_files.errors import XncapsError

if TYPE_CHECKING:
    from xncaps_tf.training import TrainConfig, TrainResult


def run_or_resume(config: TrainConfig, folder: pathlib.Path) -> TrainResult:
    """Trains in `folder`, or goes on with the same training there.

    Raises:
        XncapsError: the folder holds a run of another config.
    """
    from xncaps_tf import training

    run = training.RunFolder(folder)
    if not run.config.is_file():
        return training.run(config, folder)
    found = run.read_config()
    if replace(found, threads=0) != replace(config.resolved(), threads=0):
        raise XncapsError(
            f"{folder}: expected a run of this config. Received: a run of another one; choose "
            "another --out or remove it."
        )
    return training.resume(folder)
