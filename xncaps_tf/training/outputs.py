"""The files that a run shows: models, tables, curves. All made from the state, again after a kill.

Models of megabytes are not written after every epoch of seconds: `best.keras` and `last.keras` come
at the latest `_MODELS_SECONDS` after the epoch they show, and at the end of a phase at once.
"""

from __future__ import annotations

import time

from xncaps_files import writing
from xncaps_tf.data import Dataset
from xncaps_tf.saving import load_model
from xncaps_tf.training import reconstructions, records
from xncaps_tf.training.phase import Phase
from xncaps_tf.training.run_folder import RunFolder
from xncaps_tf.training.state import State, assign, values

_MODELS_SECONDS = 20.0
_CURVES_SECONDS = 30.0


class Outputs:
    """Keeps the files of a run at the state.

    Args:
        folder: the run.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._models_at = self._curves_at = -1e9
        self._best_written = 0

    def epoch(self, state: State, phase: Phase, *, is_last: bool) -> None:
        """After an epoch that is in the state; `is_last` of its phase."""
        self._tables(state, is_all=False)
        if is_last or time.monotonic() - self._models_at > _MODELS_SECONDS:
            self._models(state, phase)
        if time.monotonic() - self._curves_at > _CURVES_SECONDS:
            self._curves(state)

    def everything(self, state: State, phase: Phase) -> None:
        """After a resume: what is there may lag behind the state."""
        self._tables(state, is_all=True)
        self._models(state, phase)
        self._curves(state)

    def end(self, state: State, drawn: Dataset | None) -> None:
        """After the last epoch; `drawn`: what a decoder shall draw again."""
        self._curves(state)
        if drawn is not None:
            best = load_model(self._folder.best, compile=False, decoder=True)
            reconstructions.write(self._folder, best, drawn)
        self._folder.mark_finished()

    def _tables(self, state: State, *, is_all: bool) -> None:
        records.write_tables(self._folder, state.rows)
        records.write_tensorboard(self._folder, state.rows, rewrite=is_all)

    def _curves(self, state: State) -> None:
        self._curves_at = time.monotonic()
        records.write_curves(self._folder, state.rows)

    def _models(self, state: State, phase: Phase) -> None:
        folder, model = self._folder, phase.saved
        writing.write_atomically(folder.last, model.save)
        if state.best_epoch == state.epoch:
            writing.link(folder.last, folder.best)
        elif state.best_epoch > state.epoch - state.phase_epoch:  # an earlier phase's is written
            if state.best_epoch != self._best_written and state.arrays["best"]:
                now = values(model.variables)
                assign(model.variables, state.arrays["best"], "best model")
                writing.write_atomically(folder.best, model.save)
                assign(model.variables, now, "model")
        self._best_written = state.best_epoch
        self._models_at = time.monotonic()
