"""`xncaps convert`: a saved model -> a TFLite file that is checked."""

from __future__ import annotations

import click

from xncaps_converters.formats import FORMATS


class BatchSize(click.ParamType):
    """A positive int, or the word 'dynamic' (None)."""

    name = "int|dynamic"

    def convert(self, value: object, param: object, ctx: object) -> int | None:
        if value is None or value == "dynamic":
            return None
        if str(value).isdigit() and int(str(value)) > 0:
            return int(str(value))
        self.fail(f"expected a positive number or 'dynamic'. Received: {value!r}.")


@click.command()
@click.argument("model", type=click.Path())
@click.option("--to", "form", type=click.Choice(list(FORMATS)), required=True, help="Format.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), required=True, help="The file.")
@click.option("--batch", type=BatchSize(), default="1", show_default=True, help="Of the inputs.")
@click.option("--allow-float", is_flag=True, help="Keep binary weights as float32 where need be.")
@click.option("--no-verify", is_flag=True, help="Do not run the file and compare it with Keras.")
@click.option("--data", help="Data set to verify on; that of the model's run by default.")
@click.option("--data-dir", type=click.Path(file_okay=False), help="Where the data set lies.")
@click.option("--samples", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--tolerance", type=click.FloatRange(0), help="In place of the bounds' own.")
@click.option("--no-passes", is_flag=True, help="Make no exact rewrites before (fused formats).")
@click.option(
    "--scales",
    type=click.Choice(["channel", "capsule", "none"]),
    default="channel",
    show_default=True,
    help="Of fused XnODR bits; all but 'channel' change the model.",
)
@click.option(
    "--scale-type",
    type=click.Choice(["float32", "float16"]),
    default="float32",
    show_default=True,
    help="Of fused XnODR bits; float16 changes the model.",
)
@click.option("--int8", is_flag=True, help="Fused: int8 backbone, calibrated on the data set.")
@click.option("--dynamic-range", is_flag=True, help="Fused: int8 weights in the backbone.")
def convert(
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
    """Turns MODEL (.keras, .h5 or SavedModel) into a TFLite file, and runs it against Keras.

    \b
    --to lce        binary weights as bits, by larq-compute-engine's ops
    --to float      float32, by TFLite's own ops
    --to fused      a capsule layer as one op of xncaps-runtime
    --to composite  fused, with a float version inside
    """
    if int8 and dynamic_range:
        raise click.UsageError("--int8 and --dynamic-range exclude each other.")
    coarser = int8 or dynamic_range or (scales, scale_type) != ("channel", "float32")
    if form not in ("fused", "composite") and coarser:
        raise click.UsageError(
            "--int8, --dynamic-range, --scales and --scale-type go with --to fused."
        )
    from xncaps_converters import pipeline

    options = pipeline.Options(
        batch_size=batch,
        allow_float=allow_float,
        scales=scales,
        scale_type=scale_type,
        backbone="int8" if int8 else "dynamic" if dynamic_range else "float32",
    )
    check = None if no_verify else pipeline.Check(data, data_dir, samples, tolerance)
    done = pipeline.convert_file(model, output, form, options, check, passes=not no_passes)
    click.echo(f"{done.path}  {done.size:,} bytes")
    for note in done.notes:
        click.echo(note)
    for line in done.verification.lines() if done.verification else ["not verified"]:
        click.echo(line)
