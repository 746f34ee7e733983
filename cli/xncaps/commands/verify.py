"""`xncaps verify`: does a TFLite file compute what its Keras model does?"""

from __future__ import annotations

import pathlib

import click

from xncaps import plugins
from xncaps.output import say, show
from xncaps.shared_options import Finite, verified_on
from xncaps_benchmark.modelfile import ModelFile


@click.command()
@click.argument("model", type=click.Path())
@click.argument("file", type=ModelFile())
@verified_on
@click.option("--data-dir", type=click.Path(file_okay=False), help="Where the data set lies.")
@click.option("--samples", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--all", "everything", is_flag=True, help="The whole test split.")
@click.option("--tolerance", type=Finite(0), help="In place of the bounds' own.")
@click.option("--store", is_flag=True, help="Write FILE.expected.npz where the file passes.")
@click.option("--layers", is_flag=True, help="Show which layer is the first that differs.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
@plugins.option
def verify(
    model: str,
    file: pathlib.Path,
    data: str | None,
    data_dir: str | None,
    samples: int,
    everything: bool,
    tolerance: float | None,
    store: bool,
    layers: bool,
    as_json: bool,
) -> None:
    """Runs FILE and its Keras MODEL on the same inputs and compares what comes out."""
    from xncaps.step_display import steps, verification_shares
    from xncaps_converters import conversion

    check = conversion.Check(data, data_dir, None if everything else samples, tolerance)
    if layers and as_json:
        raise click.UsageError("--layers and --json exclude each other.")
    if layers:
        say(*conversion.diff_file(model, file, check).lines())
    with steps("verify", verification_shares(samples)) as report:
        result = conversion.verify_file(model, file, check, store=store, report=report)
    show(result.to_dict(), result.lines(), as_json=as_json)
    result.check()
