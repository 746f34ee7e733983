"""`xncaps fuse`: one op in the place of each capsule layer of a TFLite file that exists."""

from __future__ import annotations

import pathlib

import click

from xncaps.output import say
from xncaps.shared_options import Finite
from xncaps_benchmark.modelfile import ModelFile


@click.command()
@click.argument("file", type=ModelFile())
@click.option("-o", "--output", type=click.Path(dir_okay=False), required=True, help="The file.")
@click.option("--tolerance", type=Finite(0), help="In place of the bounds' own.")
def fuse(file: pathlib.Path, output: str, tolerance: float | None) -> None:
    """Fuses the capsule layers of FILE, which `xncaps convert --to float` or `--to lce` wrote.

    Both files are run on FILE.expected.npz, or else on random inputs, and compared.
    """
    from xncaps_converters.fuse_file import fuse_file

    say(*fuse_file(file, output, tolerance=tolerance).lines())
