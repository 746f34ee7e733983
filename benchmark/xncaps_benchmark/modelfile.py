"""A TFLite file as an argument: a path, or zoo:NAME."""

from __future__ import annotations

import pathlib
from typing import Any

import click


class ModelFile(click.Path):
    """A path; `zoo:NAME` is that of a trained file that comes along."""

    name = "file"

    def __init__(self, *, exists: bool = False) -> None:
        super().__init__(exists=exists, path_type=pathlib.Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and value.startswith("zoo:"):
            from xncaps_files import zoo
            from xncaps_files.errors import DataError

            try:
                return zoo.resolve(value)
            except DataError as error:
                self.fail(str(error), param, ctx)
        return super().convert(value, param, ctx)
