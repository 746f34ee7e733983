"""`xncaps train`: options to a config, a config to a run."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import Any, NoReturn

import click

from xncaps import plugins
from xncaps.shared_options import Finite
from xncaps_tf.training import TrainConfig, options

_MANY = 4  # words of an option that are told in its help, not in the column before it
# Parameters that are no fields of a config.
_ALONE = ("resume", "config_file", "out", "wait_for_workers")


class Words(click.Choice[str]):
    """The words of an option, and those that a plugin has added to them by now."""

    def __init__(self, option: options.Option) -> None:
        super().__init__(option.choices)
        self._option = option

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if self._option.check(value):
            return value
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            if not self._option.hint:
                raise
            self.fail(f"{error.message.removesuffix('.')}; {self._option.hint}.", param, ctx)


def _options(command: Any) -> Any:
    """An option for each field of a config, in their order."""
    defaults = {field.name: field.default for field in dataclasses.fields(TrainConfig)}
    for name, option in reversed(options.of(TrainConfig).items()):
        command = _click_option(name, option, defaults[name])(command)
    return command


def _click_option(name: str, option: options.Option, default: Any) -> Any:
    word = f"--{name.replace('_', '-')}"
    help = option.help + (f"  [default: {option.empty}]" if option.empty else "")
    if option.kind == "phases":
        return click.option("--phase", name, multiple=True, callback=_phases, help=help)
    if option.kind == "flag":
        off = f"/--{option.off}" if option.off else f"/--no-{word[2:]}"
        return click.option(word + off, default=default, help=help)
    metavar: str | None = None
    if option.kind == "choice":
        kind: Any = Words(option)
        if len(option.choices) > _MANY:
            metavar = "NAME"
            help = f"{option.help} One of {', '.join(option.choices)}." + help[len(option.help) :]
    else:
        kind = {
            "int": click.IntRange(option.least, option.most),
            "float": float,
            "path": click.Path(),
            "text": str,
        }[option.kind]
    return click.option(word, name, type=kind, default=default, help=help, metavar=metavar)


def _phases(ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> Any:
    try:
        return tuple(options.parse_phase(text) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(context_settings={"show_default": True})
@click.option("--out", type=click.Path(), help="Folder of the run, new or empty.")
@click.option("--resume", type=click.Path(), help="Continue the run in this folder.")
@click.option(
    "--config",
    "config_file",
    metavar="FILE|NAME",
    help="Take every choice from a run's config.json, or from an experiment of `xncaps reproduce` "
    "by its name; options given here override it.",
)
@plugins.option
@_options
@click.option(
    "--wait-for-workers",
    type=Finite(1),
    default=45,
    metavar="SECONDS",
    help="For the other workers to appear, before this one ends.",
)
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
    from xncaps_tf.errors import XncapsError
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
    try:
        _run(folder, config.strategy == "multi_worker", values["wait_for_workers"])
    except XncapsError:
        if resume is None:
            folder.discard_unbegun()
        raise


def _given(ctx: click.Context, values: dict[str, object]) -> dict[str, object]:
    """The options that stand on the command line, but for those that are no part of a config."""
    return {
        name: value
        for name, value in values.items()
        if name not in _ALONE
        and ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }


def _resumed(ctx: click.Context, path: str, given: dict[str, object]) -> Any:
    from xncaps_tf.training import RunFolder

    sources = {name: ctx.get_parameter_source(name) for name in ("out", "config_file")}
    also = sorted(given) + [
        name for name, source in sources.items() if source is click.core.ParameterSource.COMMANDLINE
    ]
    if also:
        words = {parameter.name: parameter.opts[0] for parameter in ctx.command.params}
        options = ", ".join(words[name] for name in also)
        raise click.BadParameter(
            f"a run goes on with its own config.json. Received also: {options}; for a new run with "
            f"other choices use --config {path}/config.json --out NEW.",
            param_hint="--resume",
        )
    folder = RunFolder(path)
    folder.read_config()
    return folder


def _config(file: str | None, given: dict[str, object]) -> Any:
    from xncaps_tf.errors import TrainingError
    from xncaps_tf.training.unused import unused

    base = TrainConfig() if file is None else _named(file, given)
    try:
        config = dataclasses.replace(base, **given)
    except TrainingError as error:
        raise click.BadParameter(str(error).removeprefix("TrainConfig: ")) from None
    for reason in unused(config, given):
        raise click.BadParameter(reason)
    return config


def _named(name: str, given: dict[str, object]) -> TrainConfig:
    """The config in a file, or of an experiment."""
    from xncaps.reproduce import experiments

    if os.path.isfile(name):
        return TrainConfig.read(name)
    experiment = experiments.read_all().get(name)
    if experiment is None:
        raise click.BadParameter(
            "expected a run's config.json or the name of an experiment, which "
            f"`xncaps reproduce --list` lists. Received: {name}.",
            param_hint="--config",
        )
    for option, start in (("init", experiment.init), ("teacher", experiment.teacher)):
        if start is not None and option not in given:
            raise click.BadParameter(
                f"{name} starts from the model of {start}: expected --{option} MODEL with it, or "
                f"`xncaps reproduce {name}`, which trains both.",
                param_hint="--config",
            )
    return experiment.config


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
    from xncaps_files.errors import XncapsError, error_text

    os.write(2, "".join(traceback.format_exception(error)).encode())  # to the log
    is_interrupted = isinstance(error, KeyboardInterrupt)
    if is_interrupted:
        text = "interrupted"
    elif isinstance(error, (XncapsError, OSError)):
        text = error_text(error)
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
    if result.folder.reconstructions.is_file():
        click.echo(f"drawn by the decoder: {result.folder.reconstructions}, {result.folder.poses}")
