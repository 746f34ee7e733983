"""`xncaps predict`: what a model sees in pictures or before a camera."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from xncaps import plugins
from xncaps.output import error_line, show
from xncaps_benchmark.modelfile import ModelFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from xncaps_files.errors import DataError
    from xncaps_files.ranking import Ranking


@click.command()
@click.argument("model", type=ModelFile())
@click.argument("pictures", nargs=-1)
@click.option("--camera", type=click.IntRange(0), help="Number of a camera, in place of pictures.")
@click.option(
    "--frames", type=click.IntRange(1), help="Frames to take from the camera.  [default: no end]"
)
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Classes shown.")
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    help="Pictures at a time.",
)
@click.option(
    "--as-is", is_flag=True, help="Never invert: the pictures are light on dark, as digits' data."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a picture, a line each.")
@plugins.option
def predict(
    model: pathlib.Path,
    pictures: tuple[str, ...],
    camera: int | None,
    frames: int | None,
    top: int,
    batch_size: int,
    as_is: bool,
    as_json: bool,
) -> None:
    """Classify PICTURES (files, folders, globs) with MODEL.

    MODEL is a run folder, a Keras model, a .tflite file or zoo:NAME. Models of light strokes on
    dark ground (mnist, digits) take every picture for ink on paper and see it inverted. A picture
    that cannot be read is named, the others are classified, and the exit code is then 1.
    """
    if bool(pictures) == (camera is not None):
        raise click.UsageError("Give pictures (files, folders, globs) or --camera, one of both.")
    from xncaps_files import camera as cameras
    from xncaps_files import pictures as files
    from xncaps_tf.training import predicting

    paths = files.expand(pictures) if pictures else []
    broken: list[str] = []

    def refuse(error: DataError) -> None:
        broken.append(str(error))
        error_line(broken[-1])

    def read(shape: tuple[int, int, int]) -> Batches:
        if camera is None:
            yield from predicting.batches(paths, shape, batch_size, refuse)
            return
        for name, frame in cameras.frames(camera, frames):
            yield [name], files.fit(frame, shape)[None]  # [1, H, W, C]

    by = _by_file if model.name.endswith(".tflite") else _by_keras
    for name, ranking in by(model, read, top, as_is):
        show(ranking.to_dict(name), [ranking.line(name)], as_json=as_json, indent=None)
    if broken:
        error_line(
            f"predict: expected sound pictures. Received: {len(broken)} of {len(paths)} not."
        )
        click.get_current_context().exit(1)


Batches = Iterator[tuple[list[str], "NDArray[np.uint8]"]]  # names, pixels [b, H, W, C]
Read = Callable[[tuple[int, int, int]], Batches]
Result = tuple[str, "Ranking"]  # of the picture of this name


def _by_file(model: pathlib.Path, read: Read, top: int, as_is: bool) -> Iterator[Result]:
    """By a .tflite file."""
    from xncaps_runtime import Classifier

    classifier = Classifier(model, invert=False if as_is else None)
    for names, pixels in read(classifier.shape):
        yield from zip(names, classifier(list(pixels), top=top), strict=True)


def _by_keras(model: pathlib.Path, read: Read, top: int, as_is: bool) -> Iterator[Result]:
    """By a Keras model."""
    from xncaps_converters.model_source import run_data
    from xncaps_files.ranking import Ranking
    from xncaps_tf import load_model
    from xncaps_tf.data.catalogue import is_light_on_dark
    from xncaps_tf.saving import model_path
    from xncaps_tf.training import predicting

    if not model.exists():
        raise click.BadParameter(f"expected a model. Received: {model}, which is not there.")
    file = model_path(model)
    data = run_data(file).name
    invert = data is not None and is_light_on_dark(data) and not as_is
    network = predicting.Classifier(load_model(file, compile=False), invert=invert)
    for names, pixels in read(network.shape):
        for name, shares in zip(names, network.shares(pixels), strict=True):
            yield name, Ranking.of(shares, network.names, network.scale, top)
