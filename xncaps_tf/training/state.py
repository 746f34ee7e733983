"""The state of a run: one file, replaced as a whole, from which everything else can be made again.

A zip of arrays (`numpy.savez`, no pickle): `model_i`, `optimizer_i`, `metric_i` and `best_i`, and
`about`, a JSON text in bytes. Reading checks the zip's CRCs.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from xncaps_files import npz, versions, writing
from xncaps_tf.errors import DataError, TrainingError

FORMAT_VERSION = 1
_UPGRADES: tuple[Callable[[dict[str, object]], dict[str, object]], ...] = ()  # of `about`
GROUPS = ("model", "optimizer", "metric", "best")
_NUMBERS = ("fiub", None)  # arrays of any shape, see `npz.read`
_MOST_BYTES = 1 << 40  # a run's own file holds a network several times
_MOST_ARRAYS = 100_000  # of a group
# What reading a damaged file raises.
_WRONG = (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)


_MEASURED = ("loss", "accuracy", "dead_classes", "reconstruction")  # where they are there


class _Measured(TypedDict, total=False):
    phase: int
    loss: float
    accuracy: float
    dead_classes: int
    reconstruction: float
    val_loss: float
    val_accuracy: float
    val_dead_classes: int
    val_reconstruction: float


class Row(_Measured):
    """An epoch (from 1): its last step, the rate of that step, and what was measured.

    `phase` (from 1) is there in runs of several, `val_...` with a hold-out, `reconstruction` with a
    decoder.
    """

    epoch: int
    step: int
    learning_rate: float


def columns(row: Row) -> dict[str, float]:
    """The numbers of a row by the names of their columns; what is set here is set in the row."""
    return cast("dict[str, float]", row)


def merit(row: Row) -> tuple[float, float]:
    """What makes an epoch with a hold-out the best: its accuracy there, then its lower loss."""
    return columns(row)["val_accuracy"], -columns(row)["val_loss"]


def add_measured(row: Row, prefix: str, numbers: Mapping[str, float]) -> None:
    """Puts what was measured into a row: of images seen in training, or 'val_' of a hold-out."""
    for name in _MEASURED:
        if name in numbers:
            kind = int if name == "dead_classes" else float
            columns(row)[prefix + name] = kind(numbers[name])


@dataclass
class State:
    """Where a run stands.

    Attributes:
        epoch: complete epochs, of all phases together.
        batch: batches done of the epoch after them.
        phase: the phase (from 0) that this state is in, or has just ended.
        phase_epoch: complete epochs of that phase.
        rows: one row of metrics for each complete epoch.
        best_epoch: the epoch (from 1) whose model is the best, 0 for none yet.
        arrays: values of the model's and the optimizer's variables, the metrics' sums, and the
            best model's weights.
    """

    epoch: int = 0
    batch: int = 0
    phase: int = 0
    phase_epoch: int = 0
    rows: list[Row] = field(default_factory=list[Row])
    best_epoch: int = 0
    arrays: dict[str, list[NDArray[Any]]] = field(
        default_factory=lambda: {group: [] for group in GROUPS}
    )

    def write(self, path: pathlib.Path) -> None:
        """Replaces the file at `path`, as a whole or not at all."""
        about = {
            "format_version": FORMAT_VERSION,
            "epoch": self.epoch,
            "batch": self.batch,
            "phase": self.phase,
            "phase_epoch": self.phase_epoch,
            "best_epoch": self.best_epoch,
            "rows": self.rows,
            "counts": {group: len(self.arrays[group]) for group in GROUPS},
        }
        arrays = {
            f"{group}_{index}": array
            for group in GROUPS
            for index, array in enumerate(self.arrays[group])
        }
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)

        writing.write_atomically(path, lambda beside: npz.write(beside, {"about": text, **arrays}))

    @classmethod
    def read(cls, path: pathlib.Path) -> State:
        """Reads a state.

        Raises:
            TrainingError: the file is damaged or of another version.
        """
        with _damage(path):
            about: Any = json.loads(npz.read(path, {"about": ("u1", 1)})["about"].tobytes())
            found = about["format_version"]
        try:
            about = versions.upgrade(about, found, _UPGRADES, str(path))
        except DataError as error:
            raise TrainingError(str(error)) from error
        with _damage(path):
            names = {group: _names(group, about["counts"].get(group, 0)) for group in GROUPS}
            every = dict.fromkeys((name for group in names.values() for name in group), _NUMBERS)
            stored = npz.read(path, every, max_bytes=_MOST_BYTES)
            return cls(
                int(about["epoch"]),
                int(about["batch"]),
                int(about.get("phase", 0)),
                int(about.get("phase_epoch", about["epoch"])),
                list(about["rows"]),
                int(about["best_epoch"]),
                {group: [stored[name] for name in found] for group, found in names.items()},
            )


def _names(group: str, count: object) -> list[str]:
    if not isinstance(count, int) or not 0 <= count <= _MOST_ARRAYS:
        raise ValueError(f"{count!r} arrays of {group}")
    return [f"{group}_{index}" for index in range(count)]


@contextlib.contextmanager
def _damage(path: pathlib.Path) -> Generator[None]:
    """Around what reads the file: whatever is wrong with it is one TrainingError."""
    try:
        yield
    except _WRONG as error:
        raise TrainingError(
            f"{path}: expected the state of a run. Received: a damaged file ({error}); "
            f"without it (rm {path}) the run starts anew."
        ) from error


def values(variables: list[Any]) -> list[NDArray[Any]]:
    """The variables' values; under a strategy every worker has to call this (it is collective)."""
    return [np.asarray(variable.numpy()) for variable in variables]


def assign(variables: list[Any], arrays: list[NDArray[Any]], what: str) -> None:
    """Gives the variables these values.

    Raises:
        TrainingError: their number or a shape differs: the config or the library was changed.
    """
    shapes = [tuple(variable.shape) for variable in variables]
    stored = [array.shape for array in arrays]
    if shapes != stored:
        raise TrainingError(
            f"resume: expected the {what}'s variables of the run's state. Received: "
            f"{_first_difference(shapes, stored)}; was the run made with another version?"
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _first_difference(shapes: list[Any], stored: list[Any]) -> str:
    if len(shapes) != len(stored):
        return f"{len(stored)} in the state, {len(shapes)} in the model built now"
    index = next(i for i, pair in enumerate(zip(shapes, stored, strict=True)) if pair[0] != pair[1])
    return f"number {index} of shape {stored[index]} in the state, {shapes[index]} now"
