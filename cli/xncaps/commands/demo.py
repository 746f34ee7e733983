"""`xncaps demo`: train, convert, verify and measure; one page."""

from __future__ import annotations

import pathlib
import time

import click

from xncaps.shared_options import Finite


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path, file_okay=False),
    default=pathlib.Path("demo_out"),
    show_default=True,
    help="Folder of the page, the models and the runs.",
)
@click.option("--data", default="digits", show_default=True, help="Data set.")
@click.option("--data-dir", help="Folder with the data set's files.")
@click.option("--epochs", type=click.IntRange(1), help="Default: what suits the data set.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option(
    "--bench-seconds",
    type=Finite(0.1, 3600),
    default=5.0,
    show_default=True,
    help="Each file is timed for at most that long.",
)
def demo(
    out: pathlib.Path,
    data: str,
    data_dir: str | None,
    epochs: int | None,
    seed: int,
    bench_seconds: float,
) -> None:
    """Compare a float capsule network with XnODR and XnIDR, from pictures to a page.

    Trains CapsFC, XnODR and XnIDR on one small backbone and XnODR on a fully binary one, converts
    each to TFLite, verifies each file against Keras, measures all of them in turns, and writes
    OUT/index.html.
    """
    from xncaps import demo as job
    from xncaps_benchmark import terminal

    start = time.monotonic()
    result = job.run(
        out,
        data=data,
        data_dir=data_dir,
        seed=seed,
        epochs=epochs,
        bench_seconds=bench_seconds,
        say=click.echo,
    )
    click.echo(terminal.table(result))
    click.echo(f"{time.monotonic() - start:.0f} s; page: {(out / 'index.html').resolve()}")
