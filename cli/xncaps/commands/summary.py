"""`xncaps summary`: what a model costs, by the method of `xncaps_tf.accounting`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xncaps import plugins
from xncaps.output import show

if TYPE_CHECKING:
    from xncaps_tf.accounting import Account, LayerAccount

_ROW = "{:<25} {:>11} {:>7} {:>7} {:>7} {:>7} {:>9}"


@click.command()
@click.argument("model", type=click.Path(exists=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, exact and with every layer.")
@click.option("--all", "show_all", is_flag=True, help="Also layers with neither weights nor MACs.")
@plugins.option
def summary(model: str, as_json: bool, show_all: bool) -> None:
    """Print parameters, MACs and bytes of MODEL (.keras, .h5, SavedModel, run folder), by layer.

    Counts are of one example; 'bits' are one-bit parameters and MACs of one-bit operands.
    """
    from xncaps_tf.accounting import account
    from xncaps_tf.errors import DataError
    from xncaps_tf.saving import load_model

    network = load_model(model)
    try:
        result = account(network)
    except ValueError as error:
        raise DataError(str(error)) from error
    show(result.to_dict(), table(result, show_all), as_json=as_json)


def table(result: Account, show_all: bool = False) -> list[str]:
    """The lines of the table, none longer than 80 characters; the totals are exact."""
    shown = [layer for layer in result.layers if show_all or layer.parameters or layer.macs != 0]
    lines = [
        f"{result.name}: {len(result.layers)} layers"
        + ("" if len(shown) == len(result.layers) else f", {len(shown)} shown (--all shows all)"),
        "",
        _ROW.format("layer", "output", "params", "bits", "MACs", "bits", "packed B"),
        "-" * 79,
        *(_row(layer) for layer in shown),
        "-" * 79,
        *_totals(result),
    ]
    if result.uncounted:
        lines += ["", f"MACs not known, left out: {', '.join(result.uncounted)}"]
    return lines


def _row(layer: LayerAccount) -> str:
    shape = (
        "?" if layer.output_shape is None else "x".join(str(n or "?") for n in layer.output_shape)
    )
    return _ROW.format(
        _shortened(layer.name, 25),
        _shortened(shape, 11),
        _short(layer.parameters),
        _short(layer.binary),
        _short(layer.macs),
        _short(layer.binary_macs),
        _short(layer.bytes_packed),
    )


def _totals(result: Account) -> list[str]:
    total = result.total
    macs, parameters = result.binary_share, result.binary_parameter_share
    return [
        f"parameters       {total('parameters'):>15,}   trainable {total('trainable'):,}",
        f"  binary         {total('binary'):>15,}   {parameters:.1%}",
        f"MACs             {total('macs'):>15,}",
        f"  binary         {total('binary_macs'):>15,}   {macs:.1%}",
        f"bytes as trained {total('bytes_trained'):>15,}",
        f"bytes as packed  {total('bytes_packed'):>15,}   multipliers "
        f"{total('bytes_multipliers'):,} of them",
    ]


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 2] + ".."


def _short(number: int | None) -> str:
    """At most seven characters: 512, 9.22k, 1.02M; '?' for unknown and '-' for none."""
    if number is None:
        return "?"
    if number == 0:
        return "-"
    scaled = float(number)
    for unit in ("", "k", "M", "G", "T"):
        if scaled < 999.5 or unit == "T":
            break
        scaled /= 1000
    return f"{number}" if unit == "" else f"{scaled:.3g}{unit}"
