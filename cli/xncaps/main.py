"""Entry point: a click group that imports a command's module only when that command runs."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from xncaps import output
from xncaps_files import releases, streams
from xncaps_tf import __version__

# name: (module:attribute, the line shown in --help). Kept here so that --help imports no command.
COMMANDS: dict[str, tuple[str, str]] = {
    "train": ("xncaps.commands.train:train", "Train a model, or resume a run."),
    "evaluate": ("xncaps.commands.evaluate:evaluate", "Score a model on a data set."),
    "predict": ("xncaps.commands.predict:predict", "Classify pictures with a model."),
    "summary": ("xncaps.commands.summary:summary", "Parameters, MACs and bytes of a model."),
    "convert": ("xncaps.commands.convert:command", "Turn a model into a TFLite file."),
    "fuse": ("xncaps.commands.fuse:fuse", "Make one op of each capsule layer of a TFLite file."),
    "verify": ("xncaps.commands.verify:verify", "Check a TFLite file against its model."),
    "inspect": ("xncaps.commands.inspect:inspect", "List the ops and bytes of a TFLite file."),
    "bench": ("xncaps.commands.bench:bench", "Measure TFLite files on this or another machine."),
    "report": ("xncaps.commands.report:report", "Make one HTML page of measurements and runs."),
    "android": ("xncaps.commands.android:android", "Pack a model into the camera app."),
    "reproduce": (
        "xncaps.commands.reproduce:reproduce",
        "Run experiments by name; results as JSON lines.",
    ),
    "zoo": ("xncaps.commands.zoo:zoo", "List, show or copy the trained files that come along."),
    "demo": ("xncaps.commands.demo:demo", "Train, convert, verify, measure: one page."),
    "info": ("xncaps.commands.info:info", "Versions, devices and runtimes found."),
}


class LazyGroup(click.Group):
    """Loads a command's module when it is asked for by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        return getattr(importlib.import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="xncaps")
@click.option("-v", "--verbose", is_flag=True, help="Show TensorFlow's own output and tracebacks.")
@click.pass_context
def cli(ctx: click.Context, verbose: bool) -> None:
    """Capsule networks with one-bit layers, from Keras to a checked and timed TFLite file."""
    ctx.obj = {"verbose": verbose}
    if ctx.invoked_subcommand != "info":  # which shows what is wrong with an installation
        releases.check("xncaps-tf")


def main(args: list[str] | None = None) -> None:
    """Runs the command line; every failure is one line on stderr and an exit code."""
    arguments = list(sys.argv[1:] if args is None else args)
    streams.open_closed()
    with output.native_output_to_log(arguments) as log:
        code = _run(arguments, log)
    sys.exit(code)


def _run(arguments: list[str], log: output.Log) -> int:
    try:
        result: Any = cli.main(args=arguments, prog_name="xncaps", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        output.error_line("interrupted")
        return 130
    except BrokenPipeError:
        return output.broken_pipe()
    except Exception as error:  # the last stop: a line for the user, the traceback for the log
        return output.failure(error, log)
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()
