"""What a run shows of its past: tables, TensorBoard's logs, curves. All made from the rows alone.

So after a kill they are written again from the state: no row is lost and none is doubled.
"""

from __future__ import annotations

import csv
import io
import json
import os
import pathlib
import time
from typing import Any

from xncaps_files import writing
from xncaps_tf.training.run_folder import RunFolder
from xncaps_tf.training.state import Row, columns

_TRAIN, _VALIDATION = "train", "validation"


def write_tables(folder: RunFolder, rows: list[Row]) -> None:
    """metrics.csv and metrics.jsonl, one row an epoch."""
    names = list(rows[0]) if rows else []
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    writing.write_text(folder.metrics_csv, text.getvalue())
    writing.write_text(folder.metrics_jsonl, _json_lines(rows))


def _json_lines(rows: list[Row]) -> str:
    """Every line is JSON: 'NaN', which Python would write, is none, and no row has one."""
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)


def write_tensorboard(folder: RunFolder, rows: list[Row], *, rewrite: bool) -> None:
    """One event file an epoch in tensorboard/train and tensorboard/validation.

    TensorBoard follows new files of a folder but not a file that is replaced, so an epoch gets a
    file of its own, which appears whole.

    Args:
        folder: the run.
        rows: of every epoch.
        rewrite: check every epoch (after a resume), not the last one alone.
    """
    splits = (_TRAIN, _VALIDATION) if rows and "val_loss" in rows[0] else (_TRAIN,)
    for split in splits:
        (folder.tensorboard / split).mkdir(parents=True, exist_ok=True)
        for row in rows if rewrite else rows[-1:]:
            path = folder.tensorboard / split / f"events.out.tfevents.{row['epoch']:010d}.xncaps"
            if not path.is_file():
                writing.write_atomically(path, _event_writer(row, _scalars(row, split)))


def _scalars(row: Row, split: str) -> dict[str, float]:
    """Keras's own names of the scalars of an epoch: epoch_loss and so on."""
    prefix = "val_" if split == _VALIDATION else ""
    scalars: dict[str, float] = {}
    for name, value in columns(row).items():
        is_validation = name.startswith("val_")
        if name in ("epoch", "step", "phase") or is_validation != (split == _VALIDATION):
            continue
        scalars[f"epoch_{name.removeprefix(prefix)}"] = float(value)
    return scalars


def _event_writer(row: Row, scalars: dict[str, float]) -> Any:
    from xncaps_tf._keras import tf

    def write(beside: pathlib.Path) -> None:
        event, summary = tf.compat.v1.Event, tf.compat.v1.Summary
        now = time.time()
        with tf.io.TFRecordWriter(os.fsencode(beside)) as file:
            file.write(event(wall_time=now, file_version="brain.Event:2").SerializeToString())
            for tag, value in scalars.items():
                entry = summary(value=[summary.Value(tag=tag, simple_value=value)])
                # Keras counts epochs from 0 in TensorBoard.
                record = event(wall_time=now, step=row["epoch"] - 1, summary=entry)
                file.write(record.SerializeToString())

    return write


def write_curves(folder: RunFolder, rows: list[Row]) -> None:
    """curves.png: loss, accuracy and learning rate over the epochs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(12, 3.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    epochs = [row["epoch"] for row in rows]
    panels = zip(figure.subplots(1, 3), ("loss", "accuracy", "learning_rate"), strict=True)
    for axes, name in panels:
        for key, label in ((name, "training"), (f"val_{name}", "hold-out")):
            if rows and key in rows[0]:
                axes.plot(epochs, [columns(row)[key] for row in rows], marker=".", label=label)
        axes.set_xlabel("epoch")
        axes.set_title(name.replace("_", " "))
        axes.grid(alpha=0.3)
        if name != "learning_rate":
            axes.legend()
    writing.write_atomically(folder.curves, lambda beside: figure.savefig(beside, format="png"))
