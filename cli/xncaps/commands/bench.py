"""`xncaps bench`: the benchmark's own command; `--accuracy` takes data sets too."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Sequence
from typing import Any

import click

from xncaps_benchmark.cli import bench as _plain
from xncaps_tf.data.catalogue import NAMES, PICTURES, SPLITS


class DataOrPath(click.ParamType["pathlib.Path | str"]):
    """The name of a data set, or an .npz or a folder that is there."""

    name = "data"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> pathlib.Path | str:
        if str(value) in NAMES or pathlib.Path(value).exists():
            return str(value)
        self.fail(
            f"expected an .npz, a folder of pictures or one of {', '.join(NAMES)}. "
            f"Received: {value}.",
            param,
            ctx,
        )


_ACCURACY = click.Option(
    ["--accuracy"],
    metavar="DATA",
    type=DataOrPath(),
    help="Images to score the files on, here and there: an .npz, a folder of pictures with a "
    f"folder a class, or one of {', '.join(NAMES)}.",
)
_MORE = [
    click.Option(
        ["--data-dir"], type=click.Path(), help="Folder with the files of --accuracy's data set."
    ),
    click.Option(
        ["--split"],
        type=click.Choice(SPLITS),
        default="test",
        show_default=True,
        help="Of --accuracy's data set.",
    ),
]


def _bench(accuracy: str | None, data_dir: str | None, split: str, **options: Any) -> Any:
    named = accuracy in NAMES and (data_dir is not None or not pathlib.Path(accuracy).exists())
    if not named:
        if data_dir is not None:
            raise click.UsageError("--data-dir goes with --accuracy and the name of a data set")
        path = None if accuracy is None else pathlib.Path(accuracy)
        return _plain.callback(accuracy=path, **options)  # type: ignore[misc]
    with tempfile.TemporaryDirectory(prefix="xncaps-images-") as scratch:
        path = pathlib.Path(scratch, f"{accuracy}.npz")
        _store(str(accuracy), split, data_dir, options["files"], path)
        return _plain.callback(accuracy=path, **options)  # type: ignore[misc]


def _store(
    name: str, split: str, data_dir: str | None, files: Sequence[pathlib.Path], path: pathlib.Path
) -> None:
    """Writes a split as the .npz that the benchmark reads; it loads no TensorFlow itself.

    Photographs are decoded at the size of the files' input.
    """
    from xncaps_benchmark import images, measuring
    from xncaps_tf import data
    from xncaps_tf.errors import DataError

    shape = measuring.picture_shape(files) if name in PICTURES else ()
    ds = data.load_for(shape, name, split, data_dir)
    if ds.labels.ndim != 1:
        raise DataError(
            f"--accuracy: expected a data set of one label an image. Received: {name}, "
            f"{ds.num_labels} labels."
        )
    pixels, labels = ds.numpy()
    images.write(path, images.Images(pixels, labels, ds.class_names, f"{name} {split}"))


bench = click.Command(
    "bench",
    params=[_ACCURACY if p.name == "accuracy" else p for p in _plain.params] + _MORE,
    callback=_bench,
    help=_plain.help,
)
