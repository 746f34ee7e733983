"""`xncaps inspect`: the ops and bytes of a TFLite file."""

from __future__ import annotations

import pathlib

import click

from xncaps.output import show
from xncaps_benchmark.modelfile import ModelFile


@click.command()
@click.argument("file", type=ModelFile())
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
def inspect(file: pathlib.Path, as_json: bool) -> None:
    """Lists the ops of FILE with their shapes and the bytes of their constants.

    FILE is a path or zoo:NAME. An asterisk marks an op that a stock TFLite or LiteRT interpreter
    lacks.
    """
    from xncaps_converters.inspect import inspect_file

    found = inspect_file(file)
    show(found.to_dict(), found.lines(), as_json=as_json)
