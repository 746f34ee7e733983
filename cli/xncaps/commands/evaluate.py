"""`xncaps evaluate`: a model's accuracy on a data set."""

from __future__ import annotations

import pathlib
from typing import Any

import click

from xncaps import plugins
from xncaps.output import show
from xncaps_tf.data.catalogue import NAMES, SPLITS, VALIDATION


@click.command()
@click.argument("model", type=click.Path(exists=True))
@click.option(
    "--data",
    type=click.Choice(NAMES),
    metavar="NAME",
    help=f"One of {', '.join(NAMES)}.  [default: that of the run]",
)
@click.option("--data-dir", type=click.Path(), help="Folder with the data set's files.")
@click.option("--download", is_flag=True, help="Download the data set if it is not there.")
@click.option(
    "--split", type=click.Choice((*SPLITS, VALIDATION)), default="test", show_default=True
)
@click.option("--batch-size", type=click.IntRange(1), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@plugins.option
def evaluate(
    model: str,
    data: str | None,
    data_dir: str | None,
    download: bool,
    split: str,
    batch_size: int,
    as_json: bool,
) -> None:
    """Score MODEL (a .keras or .h5 file, a SavedModel, or a run folder: its best.keras)."""
    name, folder = _data_of(pathlib.Path(model), data, data_dir)
    from xncaps_tf import data as datasets
    from xncaps_tf import load_model, training
    from xncaps_tf.saving import model_path
    from xncaps_tf.training import networks

    path = model_path(pathlib.Path(model))
    network = load_model(path, compile=False)
    shape = networks.input_shape(network, "evaluate")
    ds = datasets.load_for(shape, name, split, folder, download=download)
    result = training.evaluate(network, ds, batch_size=batch_size)
    about = {
        "model": str(path),
        "data": name,
        "title": ds.title,
        "split": split,
        "source": ds.source,
    }
    lines = [f"{path} on {ds.title} ({split}, {result.images} images): {result.accuracy:.4f}"]
    width = max((len(key) for key in result.per_class), default=0)
    lines += [f"  {key:<{width}}  {value:.4f}" for key, value in result.per_class.items()]
    if result.dead_classes:
        lines.append(f"the score is zero on all images for: {', '.join(result.dead_classes)}")
    show({**about, **result.to_dict()}, lines, as_json=as_json)


def _data_of(model: pathlib.Path, data: str | None, data_dir: str | None) -> tuple[str, Any]:
    """The data set to use: as told, else that of the run which the model lies in."""
    from xncaps_tf.training import TrainConfig
    from xncaps_tf.training.run_folder import RunFolder

    if data is not None:
        return data, data_dir
    folder = RunFolder(model if model.is_dir() else model.parent)
    if not folder.config.is_file():
        raise click.UsageError("Missing option '--data': the model does not lie in a run folder.")
    if folder.own_data.is_file():
        raise click.UsageError("Missing option '--data': the run was given data of its caller's.")
    run = TrainConfig.read(folder.config)
    return run.data, data_dir or run.data_dir
