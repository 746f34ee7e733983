"""`xncaps train`: options to a config, a config to a run."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import click

from xncaps_tf.data.names import NAMES
from xncaps_tf.models.names import BACKBONES, HEADS, SCALES, UPSAMPLING
from xncaps_tf.training import config as choices

# Parameters that are no fields of a config.
_ALONE = ("resume", "config_file", "out", "wait_for_workers")


@click.command(context_settings={"show_default": True})
@click.option("--out", type=click.Path(), help="Folder of the run, new or empty.")
@click.option("--resume", type=click.Path(), help="Continue the run in this folder.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False),
    help="Take every choice from a run's config.json; options given here override it.",
)
@click.option(
    "--backbone",
    type=click.Choice(BACKBONES),
    default="small_cnn",
    metavar="NAME",
    help=f"One of {', '.join(BACKBONES)}.",
)
@click.option("--head", type=click.Choice(HEADS), default="xnodr")
@click.option(
    "--data",
    type=click.Choice(NAMES),
    default="digits",
    metavar="NAME",
    help=f"One of {', '.join(NAMES)}.",
)
@click.option("--data-dir", type=click.Path(), help="Folder with the data set's files.")
@click.option(
    "--image-size",
    type=click.IntRange(8),
    help="Side that photographs are scaled to.  [default: the model's or the pictures', else 224]",
)
@click.option("--download", is_flag=True, help="Download the data set if it is not there.")
@click.option("--init", type=click.Path(), help="Fine-tune this model (.keras or .h5).")
@click.option("--weights", help="Of the backbone: 'imagenet' or a file.  [default: random]")
@click.option("--freeze-tail", type=click.IntRange(0), help="Last backbone layers not trained.")
@click.option("--upsampling", type=click.Choice(UPSAMPLING), default="nearest")
@click.option("--dropout", type=float, help="Rate in the head.  [default: as published]")
@click.option(
    "--scales",
    type=click.Choice(SCALES),
    default="channel",
    help="Magnitudes beside xnodr's bits: one an output value (as published), a pair of capsules, "
    "or one in all.",
)
@click.option("--epochs", type=click.IntRange(1), default=6)
@click.option("--batch-size", type=click.IntRange(1), default=100, help="Of all replicas together.")
@click.option("--optimizer", type=click.Choice(choices.OPTIMIZERS), default="adam")
@click.option("--momentum", type=float, default=0.9, help="Of sgd.")
@click.option("--learning-rate", type=float, default=2e-3, help="The highest of the schedule.")
@click.option("--loss", type=click.Choice(choices.LOSSES), default="margin")
@click.option("--schedule", type=click.Choice(choices.SCHEDULES), default="cosine")
@click.option(
    "--warmup-steps",
    type=click.IntRange(0),
    help="Linear warm-up.  [default: cosine: 150 or a tenth of all steps; else 0]",
)
@click.option(
    "--cycle-steps",
    type=click.IntRange(1),
    help="Half a cycle of triangular2.  [default: two epochs]",
)
@click.option(
    "--base-learning-rate",
    type=float,
    help="The lowest of triangular2.  [default: a tenth of --learning-rate]",
)
@click.option(
    "--augment",
    type=click.Choice(choices.AUGMENTATIONS),
    help="[default: shift for mnist and fashion_mnist, affine_flip for cifar10, else none]",
)
@click.option(
    "--validation",
    type=float,
    default=0.1,
    help="Share of the training split held out: for best.keras and --patience. Where the data set "
    "has a validation split, that is used for any share above 0.",
)
@click.option("--patience", type=click.IntRange(1), help="Epochs without a new best to stop after.")
@click.option("--limit", type=click.IntRange(1), help="Use so many training images only.")
@click.option(
    "--drop-remainder/--keep-remainder",
    default=True,
    help="Leave out an epoch's last, smaller batch (other images each epoch).",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0)
@click.option(
    "--save-steps", type=click.IntRange(0), default=0, help="Save inside epochs, too; 0: never."
)
@click.option("--strategy", type=click.Choice(choices.STRATEGIES), default="none")
@click.option(
    "--wait-for-workers",
    type=click.FloatRange(1),
    default=45,
    metavar="SECONDS",
    help="For the other workers to appear, before this one ends.",
)
@click.option("--threads", type=click.IntRange(0), default=0, help="0: one a core.")
@click.pass_context
def train(ctx: click.Context, out: str | None, resume: str | None, **values: Any) -> None:
    """Train a model, or continue a run.

    \b
    xncaps train --head xnodr --data digits --out RUN
    xncaps train --resume RUN

    RUN gets config.json, metrics.csv, metrics.jsonl, tensorboard/, curves.png, best.keras and
    last.keras. A run may be killed at any moment; --resume ends with the weights that an
    undisturbed run would have had.
    """
    from xncaps_tf.training import RunFolder
    from xncaps_tf.training.task import Task

    given = _given(ctx, values)
    if resume is not None:
        folder = _resumed(ctx, resume, given)
        if folder.is_finished:
            click.echo(f"{folder.path}: finished already; best model: {folder.best}")
            return
        config = folder.read_config()
    elif out is None:
        raise click.UsageError("Missing option '--out' (a new run) or '--resume' (an old one).")
    else:
        folder = RunFolder(out)
        config = _config(values.pop("config_file"), given)
        # Before TensorFlow is there, so that a run can be resumed from its first second on.
        task = Task.from_environment(config.strategy)
        folder.start(config, task, values["wait_for_workers"])
    _run(folder, config.strategy == "multi_worker", values["wait_for_workers"])


def _given(ctx: click.Context, values: dict[str, Any]) -> dict[str, Any]:
    """The options that stand on the command line, but for those that are no part of a config."""
    return {
        name: value
        for name, value in values.items()
        if name not in _ALONE
        and ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }


def _resumed(ctx: click.Context, path: str, given: dict[str, Any]) -> Any:
    from xncaps_tf.training import RunFolder

    sources = {name: ctx.get_parameter_source(name) for name in ("out", "config_file")}
    also = sorted(given) + [
        name for name, source in sources.items() if source is click.core.ParameterSource.COMMANDLINE
    ]
    if also:
        options = ", ".join(f"--{name.removesuffix('_file').replace('_', '-')}" for name in also)
        raise click.BadParameter(
            f"a run goes on with its own config.json. Received also: {options}; for a new run with "
            f"other choices use --config {path}/config.json --out NEW.",
            param_hint="--resume",
        )
    folder = RunFolder(path)
    folder.read_config()
    return folder


def _config(file: str | None, given: dict[str, Any]) -> Any:
    import dataclasses

    from xncaps_tf.errors import TrainingError
    from xncaps_tf.training import TrainConfig

    base = TrainConfig.read(file) if file else TrainConfig()
    try:
        return dataclasses.replace(base, **given)
    except TrainingError as error:
        raise click.BadParameter(str(error).removeprefix("TrainConfig: ")) from None


def _run(folder: Any, is_multi_worker: bool, arrival: float) -> None:
    from xncaps_tf import training
    from xncaps_tf.training import progress

    if sys.stdout.isatty():
        from rich.console import Console

        reporter: progress.Reporter = progress.Bars(Console(file=sys.stdout))
    else:
        reporter = progress.Lines(click.echo)
    try:
        result = training.resume(folder.path, reporter=reporter, arrival=arrival)
    except BaseException as error:  # Ctrl-C too
        if is_multi_worker:
            _exit_at_once(error)
        raise
    if result.rows:
        _summarise(result)
    if is_multi_worker:  # nothing is left to do, and the shut-down would wait for the others
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _exit_at_once(error: BaseException) -> NoReturn:
    """Prints the line and ends: an orderly end would wait for the lost worker, in native code."""
    import traceback

    from xncaps import output
    from xncaps_tf.errors import XncapsError

    os.write(2, "".join(traceback.format_exception(error)).encode())  # to the log
    is_interrupted = isinstance(error, KeyboardInterrupt)
    if is_interrupted:
        text = "interrupted"
    elif isinstance(error, (XncapsError, OSError)):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}"
    output.error_line(text)
    sys.stderr.flush()
    os._exit(130 if is_interrupted else 1)


def _summarise(result: Any) -> None:
    row = result.rows[result.best_epoch - 1]
    where = "hold-out" if "val_accuracy" in row else "training"
    accuracy = row.get("val_accuracy", row["accuracy"])
    click.echo(
        f"{result.folder.best}: {where} accuracy {accuracy:.4f} (epoch {result.best_epoch} of "
        f"{len(result.rows)})"
    )
