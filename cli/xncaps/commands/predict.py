"""`xncaps predict`: what a model sees in pictures or before a camera."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import click


@click.command()
@click.argument("model", type=click.Path(exists=True))
@click.argument("pictures", nargs=-1)
@click.option("--camera", type=click.IntRange(0), help="Number of a camera, in place of pictures.")
@click.option(
    "--frames", type=click.IntRange(1), help="Frames to take from the camera.  [default: no end]"
)
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Classes shown.")
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a picture, a line each.")
def predict(
    model: str,
    pictures: tuple[str, ...],
    camera: int | None,
    frames: int | None,
    top: int,
    batch_size: int,
    as_json: bool,
) -> None:
    """Classify PICTURES (files, folders, globs) with MODEL (a file or a run folder)."""
    if bool(pictures) == (camera is not None):
        raise click.UsageError("Give pictures (files, folders, globs) or --camera, one of both.")
    from xncaps_tf import load_model
    from xncaps_tf.training import predicting
    from xncaps_tf.training.scoring import run_model

    paths = predicting.expand(pictures) if pictures else []
    source = predicting.Camera(camera) if camera is not None else None
    network = predicting.Classifier(load_model(run_model(pathlib.Path(model)), compile=False))
    if source is None:
        results = network.files(paths, batch_size)
    else:
        results = network.frames(source, frames)
    for name, scores in results:
        _show(name, network.top(scores, top), as_json)


def _show(name: str, ranking: list[tuple[str, float]], as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {
            "picture": name,
            "top": [{"class": label, "score": score} for label, score in ranking],
        }
        click.echo(json.dumps(document))
    else:
        click.echo(f"{name}: " + ", ".join(f"{label} {score:.3f}" for label, score in ranking))
