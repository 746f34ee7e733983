"""`bench` and `report`: parse, call, print. Only click is imported until a command runs."""

from __future__ import annotations

import functools
import pathlib
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from xncaps_benchmark.limits import LIMITS, RUNTIMES
from xncaps_benchmark.modelfile import ModelFile

if TYPE_CHECKING:
    from xncaps_benchmark.report import Training

COMMAND = "xncaps-benchmark"
_FORMAT = b'"xncaps-benchmark"'  # of result files: the first of their fields


def _target(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"local|adb(:\S+)?|ssh:\S+", value):
        raise click.BadParameter(f"expected local, ssh:HOST, adb or adb:SERIAL. Received: {value}.")
    return value


def _limit(name: str) -> Callable[[Any], Any]:
    """The option of a number of `plan.Options`."""
    limit = LIMITS[name]
    kind = click.IntRange if limit.metavar == "N" else click.FloatRange
    return click.option(
        f"--{name.replace('_', '-')}",
        type=kind(limit.low, limit.high),  # type: ignore[arg-type]
        default=limit.default,
        show_default=limit.default is not None,
        metavar=limit.metavar,
        help=limit.help,
    )


@click.command()
@click.argument("files", nargs=-1, required=True, type=ModelFile())
@click.option(
    "--target",
    default="local",
    show_default=True,
    callback=_target,
    metavar="TARGET",
    help="Where to measure: local, ssh:HOST, adb or adb:SERIAL.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=pathlib.Path, dir_okay=False),
    help="Where to write the result, JSON.",
)
@_limit("runs")
@_limit("seconds")
@_limit("warm_up")
@_limit("minimum_runs")
@_limit("minimum_seconds")
@click.option(
    "--profile",
    is_flag=True,
    help="Also list each file's ops, where the runtime has a profiler (--benchmark-model).",
)
@_limit("cooldown")
@_limit("threads")
@click.option("--cpus", metavar="CPUS", help="Cores to run on: big, little or 0,2-3.")
@click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    help="Default: the one that the file's ops ask for.",
)
@click.option(
    "--baseline",
    metavar="NAME",
    help="File that ratios refer to. Default: the first without custom ops.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Of the order of turns."
)
@click.option(
    "--accuracy",
    metavar="DATA",
    type=click.Path(path_type=pathlib.Path, exists=True),
    help="Images to score the files on, here and there: an .npz, or a folder of pictures with a "
    "folder a class.",
)
@click.option(
    "--wheels",
    type=click.Path(path_type=pathlib.Path, file_okay=False),
    default=pathlib.Path("dist"),
    show_default=True,
    metavar="DIR",
    help="ssh: folder of our wheels, to push.",
)
@click.option(
    "--python",
    default="python3",
    show_default=True,
    metavar="PATH",
    help="ssh: the board's Python.",
)
@click.option(
    "--known-hosts",
    type=click.Path(exists=True),
    metavar="FILE",
    help="ssh: instead of ~/.ssh/known_hosts.",
)
@click.option("--identity", type=click.Path(exists=True), metavar="FILE", help="ssh: private key.")
@click.option(
    "--benchmark-model",
    type=click.Path(path_type=pathlib.Path, exists=True, dir_okay=False),
    help="adb: TFLite's binary of that name, to run instead of the app.",
)
@click.option(
    "--external-delegate",
    type=click.Path(path_type=pathlib.Path, exists=True, dir_okay=False),
    help="adb: a delegate's .so for --benchmark-model.",
)
@click.option("--app", metavar="ID", help="adb: the app's id, where it is not the demo's own.")
@click.option("--progress-file", type=click.Path(path_type=pathlib.Path), hidden=True)
@click.option("--checkpoint", is_flag=True, hidden=True)
def bench(
    files: tuple[pathlib.Path, ...],
    target: str,
    out: pathlib.Path | None,
    progress_file: pathlib.Path | None,
    checkpoint: bool,
    **options: Any,
) -> int:
    """Measure TFLite FILES: outputs checked first, then timed in turns.

    \b
    bench a.tflite b.tflite -o here.json
    bench a.tflite b.tflite -o pi.json --target ssh:pi@board
    bench a.tflite b.tflite -o phone.json --target adb

    What lies beside FILE is used: FILE.expected.npz (stored by `xncaps convert`) to check its
    outputs, FILE.summary.json for the report. A file that fails has no time, and the exit code is
    then 1. FILE may be zoo:NAME, a trained file of the package xncaps-zoo.
    """
    from xncaps_benchmark import measuring, results, terminal
    from xncaps_files import writing

    ssh = {name: options.pop(name) for name in ("wheels", "python", "known_hosts", "identity")}
    adb = {name: options.pop(name) for name in ("benchmark_model", "external_delegate", "app")}
    if out is not None:
        writing.check_place(out, "-o", "result of bench", lambda head: _FORMAT in head)
    keep = None
    if checkpoint and out is not None:
        keep = functools.partial(results.write_result, path=out)
    _end_on_sigterm()
    with terminal.Progress(progress_file) as progress:
        result = measuring.measure(
            files, target, progress=progress, checkpoint=keep, ssh=ssh, adb=adb, **options
        )
    if out is not None:
        results.write_result(result, out)
    click.echo(terminal.table(result))
    if out is not None:
        program = click.get_current_context().find_root().info_name
        click.echo(f"{out}  ({program} report {out} -o page.html)")
    good = result["complete"] and all(model["status"] == "ok" for model in result["models"])
    return 0 if good else 1


def _end_on_sigterm() -> None:
    """SIGTERM ends a run like Ctrl-C: children end, and what was measured is kept."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, interrupt)


@click.command(short_help="Make one HTML page of results.")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=pathlib.Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=pathlib.Path, dir_okay=False),
    default=pathlib.Path("report.html"),
    show_default=True,
    help="The page.",
)
@click.option("--title", metavar="TEXT", help="The page's title.")
def report(results: tuple[pathlib.Path, ...], out: pathlib.Path, title: str | None) -> None:
    """Make one self-contained HTML page of RESULTS, the JSON files of `bench` or of the app.

    Several (other machines, other days) are compared on it.
    """
    write_page(results, out, title)


def write_page(
    paths: Sequence[pathlib.Path],
    out: pathlib.Path,
    title: str | None,
    trainings: Sequence[Training] = (),
) -> None:
    """Reads results, writes their page with sections of trainings, says where it is."""
    from xncaps_benchmark import report as pages
    from xncaps_benchmark.measuring import judged
    from xncaps_benchmark.results import read_result
    from xncaps_files import writing

    writing.check_place(out, "-o", "page", lambda head: head.lower().startswith(b"<!doctype html"))
    results = [judged(read_result(path)) for path in paths]
    pages.write_report(results, out, title=title, trainings=trainings)
    click.echo(f"{out}")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def _both() -> None:
    """Measure TFLite models; without a command: bench."""


_both.add_command(bench)
_both.add_command(report)


def main(args: list[str] | None = None) -> None:
    """`python -m xncaps_benchmark [bench|report] ...`: a failure is one line and an exit code."""
    from xncaps_files import streams

    streams.open_closed()
    arguments = list(sys.argv[1:] if args is None else args)
    if arguments and arguments[0] not in ("bench", "report", "-h", "--help"):
        arguments.insert(0, "bench")
    sys.exit(_run(arguments or ["--help"]))


def _program() -> str:
    """How this was called, for help that can be typed again."""
    called = pathlib.Path(sys.argv[0]).name
    return called if called == COMMAND else "python -m xncaps_benchmark"


def _run(arguments: list[str]) -> int:
    from xncaps_files import releases
    from xncaps_files.errors import XncapsError, error_text
    from xncaps_files.printable import printable

    try:
        releases.check(COMMAND)
        code = _both.main(args=arguments, prog_name=_program(), standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(f"{COMMAND}: interrupted", err=True)
        return 130
    except (XncapsError, OSError) as error:
        click.echo(f"{COMMAND}: " + printable(" ".join(error_text(error).split())), err=True)
        return 1
    return code if isinstance(code, int) else 0
