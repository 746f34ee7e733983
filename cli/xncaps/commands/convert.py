"""`xncaps convert`: a saved model -> a TFLite file that is checked."""

from __future__ import annotations

import os
import re

import click

from xncaps import plugins
from xncaps.output import say
from xncaps.shared_options import Finite, verified_on
from xncaps_converters.output_formats import BACKBONES, FORMATS, SCALE_TYPES, SCALES

_LARGEST_BATCH = 1 << 16  # tensors of many times as much no file can describe


class BatchSize(click.ParamType["int | None"]):
    """A number of 1 to 65,536, or the word 'dynamic' (None)."""

    name = "int|dynamic"

    def convert(self, value: object, param: object, ctx: object) -> int | None:
        if value is None or value == "dynamic":
            return None
        if re.fullmatch("[1-9][0-9]{0,4}", str(value)) and int(str(value)) <= _LARGEST_BATCH:
            return int(str(value))
        self.fail(f"expected 1 to {_LARGEST_BATCH} or 'dynamic'. Received: {value!r}.")


def _fusing() -> str:
    return " and ".join(f"--to {word}" for word, entry in FORMATS.items() if entry.fuses)


def _help() -> str:
    width = max(map(len, FORMATS)) + 2
    rows = [f"--to {word:<{width}}{entry.summary}" for word, entry in FORMATS.items()]
    return (
        "Turns MODEL (.keras, .h5, SavedModel, run folder) into a TFLite file that is checked.\n\n"
        "\b\n" + "\n".join(rows)
    )


@click.command("convert", help=_help())
@click.argument("model", type=click.Path())
@click.option("--to", "form", type=click.Choice(list(FORMATS)), required=True, help="Format.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), required=True, help="The file.")
@click.option("--batch", type=BatchSize(), default="1", show_default=True, help="Of the inputs.")
@click.option("--allow-float", is_flag=True, help="Keep binary weights as float32 where need be.")
@click.option("--no-verify", is_flag=True, help="Do not run the file and compare it with Keras.")
@verified_on
@click.option("--data-dir", type=click.Path(file_okay=False), help="Where the data set lies.")
@click.option("--samples", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--tolerance", type=Finite(0), help="In place of the bounds' own.")
@click.option("--no-passes", is_flag=True, help="Make no exact rewrites before (fused formats).")
@click.option(
    "--scales",
    type=click.Choice(SCALES),
    default=SCALES[0],
    show_default=True,
    help=f"Of fused XnODR bits; all but '{SCALES[0]}' change the model.",
)
@click.option(
    "--scale-type",
    type=click.Choice(SCALE_TYPES),
    default=SCALE_TYPES[0],
    show_default=True,
    help="Of fused XnODR bits, and of CapsFC's weights; float16 changes the model.",
)
@click.option(
    "--int8",
    is_flag=True,
    help="Fused: int8 in front of the capsules, or throughout where there are none; calibrated on "
    "the data set.",
)
@click.option("--dynamic-range", is_flag=True, help="Fused: int8 weights in the backbone.")
@plugins.option
def command(
    model: str,
    form: str,
    output: str,
    batch: int | None,
    allow_float: bool,
    no_verify: bool,
    data: str | None,
    data_dir: str | None,
    samples: int,
    tolerance: float | None,
    no_passes: bool,
    scales: str,
    scale_type: str,
    int8: bool,
    dynamic_range: bool,
) -> None:
    """The command; its help is `_help()`."""
    if int8 and dynamic_range:
        raise click.UsageError("--int8 and --dynamic-range exclude each other.")
    coarser = int8 or dynamic_range or (scales, scale_type) != (SCALES[0], SCALE_TYPES[0])
    if coarser and not FORMATS[form].fuses:
        raise click.UsageError(
            f"--int8, --dynamic-range, --scales and --scale-type go with {_fusing()}."
        )
    from xncaps.api import convert
    from xncaps.step_display import conversion_shares, steps

    is_replaced = os.path.isfile(output) and os.path.getsize(output) > 0
    shares = conversion_shares(samples=samples, int8=int8, verified=not no_verify)
    with steps(f"convert to {form}", shares) as report:
        done = convert(
            model,
            form,
            out=output,
            batch_size=batch,
            allow_float=allow_float,
            verify=not no_verify,
            data=data,
            data_dir=data_dir,
            samples=samples,
            tolerance=tolerance,
            passes=not no_passes,
            scales=scales,
            scale_type=scale_type,
            backbone="int8" if int8 else "dynamic" if dynamic_range else BACKBONES[0],
            report=report,
        )
    instead = ", in the place of an older file" if is_replaced else ""
    say(f"{done.path}  {done.size:,} bytes{instead}", *done.notes)
    say(*(done.verification.lines() if done.verification else ["not verified"]))
