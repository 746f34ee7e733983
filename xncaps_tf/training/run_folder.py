"""The folder of a run: its names, who may write in it, whether it is finished. No TensorFlow.

docs/training.md describes every file for those who read them with other tools.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import shutil
import time
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

from xncaps_files import writing
from xncaps_tf.errors import TrainingError
from xncaps_tf.model_files import BEST, CONFIG
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.task import Task


def weights_copy(weights: pathlib.Path) -> pathlib.Path:
    """Where a run keeps a file of weights, within its folder; the name says what it is."""
    return pathlib.Path("weights") / weights.name


class RunFolder:
    """Paths in the folder of a run.

    Args:
        path: of the folder, which need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(path)
        self.config = self.path / CONFIG
        self.metrics_csv = self.path / "metrics.csv"
        self.metrics_jsonl = self.path / "metrics.jsonl"
        self.tensorboard = self.path / "tensorboard"
        self.best = self.path / BEST
        self.last = self.path / "last.keras"
        self.curves = self.path / "curves.png"
        self.reconstructions = self.path / "reconstructions.png"
        self.poses = self.path / "poses.png"
        self.features = self.path / "features"
        self.own_data = self.path / "own_data.json"
        self.state = self.path / "state"
        self.teacher = self.path / "teacher.npz"
        self.checkpoint = self.state / "checkpoint.npz"
        self.finished = self.state / "finished"
        self.lock = self.state / "lock"

    @property
    def is_finished(self) -> bool:
        """Whether the run has come to its end and every file of it is written."""
        return self.finished.is_file()

    def create(
        self, config: TrainConfig, *, model: Any = None, files: Mapping[str, str] | None = None
    ) -> TrainConfig:
        """Makes the folder with its config, all or nothing; returns the config as written.

        A model to fine-tune and a file of weights are copied into it, so that resuming does not
        depend on those files.

        Raises:
            TrainingError: the folder holds something already, or the model to fine-tune or the
                teacher is no file.
        """
        config = config.resolved()
        if self.config.is_file():
            raise TrainingError(
                f"{self.path}: expected a new folder. Received: one that holds a run already; "
                f"continue it with --resume {self.path}, or choose another --out."
            )
        if self.path.exists() and not self.path.is_dir():
            raise TrainingError(f"{self.path}: expected a new folder. Received: a file.")
        place = writing.nearest_parent(self.path)
        if not place.is_dir():
            raise TrainingError(
                f"{self.path}: expected a new folder. Received: one in {place}, which is a file."
            )
        if self.path.is_dir() and any(self.path.iterdir()):
            raise TrainingError(
                f"{self.path}: expected a new or an empty folder. Received: one with other files "
                "in it."
            )
        init = config.init if model is None else None
        for option, file in (("--init", init), ("--teacher", config.teacher)):
            if file is not None and not os.path.isfile(file):
                raise TrainingError(
                    f"{option}: expected a model file (.keras or .h5) or the folder of a run that "
                    f"has one. Received: {file}, which is "
                    + ("another folder." if os.path.isdir(file) else "not there.")
                )
        writing.make_folder(
            self.path, lambda folder: self._fill(folder, config, model, files or {})
        )
        return config

    def _fill(
        self, folder: pathlib.Path, config: TrainConfig, model: Any, files: Mapping[str, str]
    ) -> None:
        writing.write_text(folder / self.config.name, config.to_json())
        for name, text in files.items():
            writing.write_text(folder / name, text)
        weights = self._weights_file(config)
        if weights is not None and weights.is_file():
            (folder / weights_copy(weights)).parent.mkdir()
            shutil.copyfile(weights, folder / weights_copy(weights))
        if model is not None:
            model.save(folder / "init.keras")
        elif config.init is not None:
            source = pathlib.Path(config.init)
            copy = folder / f"init{source.suffix}"
            writing.write_atomically(copy, lambda beside: shutil.copyfile(source, beside))

    def start(
        self,
        config: TrainConfig,
        task: Task,
        timeout: float = 45.0,
        *,
        model: Any = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        """Makes the folder (the chief) or waits until it is there (every other worker).

        Args:
            config: of the run.
            task: this process's.
            timeout: seconds to wait.
            model: a Keras model that the folder keeps as the one to train.
            files: further texts that it keeps, by name.
        """
        if task.is_chief:
            self.create(config, model=model, files=files)
        else:
            self.wait(config, timeout)

    def wait(self, config: TrainConfig, timeout: float) -> None:
        """Waits until the chief has made the folder.

        Raises:
            TrainingError: it does not come in time, or holds another config than this worker's.
        """
        until = time.monotonic() + timeout
        while not self.config.is_file():
            if time.monotonic() > until:
                raise TrainingError(
                    f"{self.path}: expected the chief to make this folder within {timeout:.0f} s. "
                    "Received: none; RUN must lie on a file system that all workers share."
                )
            time.sleep(0.1)
        if self.is_finished or self.read_config() != config.resolved():
            raise TrainingError(
                f"{self.path}: expected the run that this worker was told to train. Received: "
                "another one; give every worker the same options, or continue with --resume."
            )

    def init_model(self, config: TrainConfig) -> pathlib.Path | None:
        """The run's own copy of the model to fine-tune."""
        if config.init is None:
            return None
        return self.path / f"init{pathlib.Path(config.init).suffix}"

    def kept(self, config: TrainConfig) -> TrainConfig:
        """The config with the run's own copy of the backbone's weights, where they are a file."""
        weights = self._weights_file(config)
        copy = None if weights is None else self.path / weights_copy(weights)
        if copy is None or not copy.is_file():
            return config
        return replace(config, weights=str(copy.absolute()))

    @staticmethod
    def _weights_file(config: TrainConfig) -> pathlib.Path | None:
        is_file = config.weights is not None and config.weights != "imagenet"
        return pathlib.Path(str(config.weights)) if is_file else None

    def feature_cache(self, config: TrainConfig) -> pathlib.Path:
        """Where the features of frozen backbones are kept."""
        return pathlib.Path(config.feature_cache) if config.feature_cache else self.features

    def read_config(self) -> TrainConfig:
        """The config of the run.

        Raises:
            TrainingError: there is no run in the folder, or its config is damaged.
        """
        if not self.config.is_file():
            raise TrainingError(
                f"{self.path}: expected the folder of a run. Received: no config.json in it."
            )
        return TrainConfig.read(self.config)

    @contextlib.contextmanager
    def locked(self) -> Generator[None, None, None]:
        """Holds the run for one writer; clears away what a killed one left.

        Raises:
            TrainingError: another process, perhaps a stopped one, trains in this folder.
        """
        self.state.mkdir(exist_ok=True)
        with open(self.lock, "a+", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise TrainingError(
                    f"{self.path}: expected no other process in this run. Received: process "
                    f"{file.read().strip() or '?'} is training in it; end it first."
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            writing.remove_temporary(self.path)
            yield

    def discard_unbegun(self) -> None:
        """Removes a run that ended before its first state or feature, as with a wrong data folder.

        So the same command can be given again, mended. Where another process is in the run, or
        there is something to go on from, all stays; and so does a folder that is no run.
        """
        if not self.config.is_file() or self.checkpoint.exists() or self.features.exists():
            return
        with contextlib.suppress(TrainingError), self.locked():
            shutil.rmtree(self.path)

    def mark_finished(self) -> None:
        """The last thing that a run writes."""
        writing.write_text(self.finished, "finished\n")
