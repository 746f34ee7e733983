"""`xncaps predict`: what a model sees in pictures or before a camera."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from xncaps import plugins
from xncaps.output import error_line, say
from xncaps_benchmark.modelfile import ModelFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xncaps_files.errors import DataError


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
    from xncaps_tf.training import predicting

    paths = predicting.expand(pictures) if pictures else []
    source = predicting.Camera(camera) if camera is not None else None
    broken: list[str] = []

    def refuse(error: DataError) -> None:
        broken.append(str(error))
        error_line(broken[-1])

    def read(shape: tuple[int, int, int]) -> Batches:
        return predicting.batches(paths, shape, batch_size, refuse)

    if model.name.endswith(".tflite"):
        results = _by_file(model, read if paths else _frames(source, frames), top, as_is)
    else:
        results = _by_keras(model, read, source, frames, top, as_is)
    for name, is_none, ranking in results:
        _show(name, is_none, ranking, as_json)
    if broken:
        error_line(
            f"predict: expected sound pictures. Received: {len(broken)} of {len(paths)} not."
        )
        click.get_current_context().exit(1)


Batches = Iterator[tuple[list[str], "NDArray[Any]"]]
Read = Callable[[tuple[int, int, int]], Batches]
Result = tuple[str, bool, list[tuple[str, float]]]


def _by_file(
    model: pathlib.Path,
    pictures: Read | Iterator[tuple[str, NDArray[Any]]],
    top: int,
    as_is: bool,
) -> Iterator[Result]:
    """(name, whether none of the classes, ranking) of each picture, by a .tflite file."""
    from xncaps_runtime import Classifier

    classifier = Classifier(model, invert=False if as_is else None)
    if not callable(pictures):
        for name, frame in pictures:
            ranking = classifier(frame, top=top)
            yield name, ranking.is_none, ranking
        return
    for names, pixels in pictures(classifier.shape):
        for name, ranking in zip(names, classifier(list(pixels), top=top), strict=True):
            yield name, ranking.is_none, ranking


def _frames(source: Any, count: int | None) -> Iterator[tuple[str, Any]]:
    with source:
        number = 0
        while count is None or number < count:
            number += 1
            yield f"frame {number}", source.read()


def _by_keras(
    model: pathlib.Path,
    read: Read,
    source: Any,
    frames: int | None,
    top: int,
    as_is: bool,
) -> Iterator[Result]:
    """The same by a Keras model."""
    from xncaps_converters.model_source import run_config
    from xncaps_tf import load_model
    from xncaps_tf.data.catalogue import is_light_on_dark
    from xncaps_tf.saving import model_path
    from xncaps_tf.training import predicting

    if not model.exists():
        raise click.BadParameter(f"expected a model. Received: {model}, which is not there.")
    file = model_path(model)
    data = run_config(file).get("data")
    invert = isinstance(data, str) and is_light_on_dark(data) and not as_is
    network = predicting.Classifier(load_model(file, compile=False), invert=invert)
    if source is None:
        found = network.files(read(network.shape))
    else:
        found = network.frames(source, frames)
    for name, shares in found:
        yield name, False, network.top(shares, top)


def _show(name: str, is_none: bool, ranking: list[tuple[str, float]], as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {
            "picture": name,
            "none_of_these": is_none,
            "top": [{"class": label, "score": score} for label, score in ranking],
        }
        click.echo(json.dumps(document))
    else:
        said = ", ".join(f"{label} {score:.3f}" for label, score in ranking)
        say(f"{name}: {'none of these; ' if is_none else ''}{said}")
