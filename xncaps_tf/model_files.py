"""Which file is meant by the path of a model. Loads no TensorFlow."""

from __future__ import annotations

import pathlib

CONFIG = "config.json"  # makes a folder that of a run
BEST = "best.keras"


def model_of(path: pathlib.Path) -> pathlib.Path:
    """What lies at a path; of a run's folder its best model, which may not be there yet.

    A SavedModel, which is a folder too, may have a config.json of another program beside it.
    """
    is_run = (path / CONFIG).is_file() and not (path / "saved_model.pb").exists()
    return path / BEST if is_run else path
