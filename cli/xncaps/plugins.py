"""`--plugin MODULE`: what a person's own module registers, for the command that is asked for."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from xncaps_files.errors import XncapsError


def option(command: Any) -> Any:
    """Adds `--plugin` to a command; it is read before the other options, whose words it adds to."""
    return click.option(
        "--plugin",
        "plugins",
        multiple=True,
        metavar="MODULE",
        is_eager=True,
        expose_value=False,
        callback=_load,
        help="Import this module first: it registers backbones, heads or layers of your own.",
    )(command)


def _load(ctx: click.Context, parameter: click.Parameter, modules: tuple[str, ...]) -> None:
    if modules and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # last: a file there displaces no installed package
    for module in modules:
        _import(module)


def _import(module: str) -> None:
    importlib.import_module("xncaps_tf._keras")  # a plugin may import TensorFlow: ours first

    try:
        importlib.import_module(module)
    except Exception as error:  # whatever a person's own module raises
        raise XncapsError(
            f"--plugin: expected a module that can be imported, installed or in this folder. "
            f"Received: {module}: {type(error).__name__}: {error}."
        ) from error
