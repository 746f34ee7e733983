"""Options of several commands, and kinds of values that they take."""

from __future__ import annotations

import math
from typing import Any

import click

from xncaps_tf.data.catalogue import NAMES

verified_on = click.option(
    "--data",
    type=click.Choice(NAMES),
    metavar="NAME",
    help=f"Data set to verify on, one of {', '.join(NAMES)}.  [default: that of the model's run]",
)


class Finite(click.FloatRange):
    """A number of a range; neither infinite nor 'nan', which click's own lets through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"expected a finite number. Received: {value}.", param, ctx)
        return number
