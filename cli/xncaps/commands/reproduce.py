"""`xncaps reproduce`: experiments by name, results as lines of JSON, tables made from them."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xncaps.reproduce.experiments import Experiment
    from xncaps.reproduce.result_lines import ResultLine


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--list", "is_list", is_flag=True, help="List the experiments and what is done.")
@click.option("--seeds", type=click.IntRange(1), help="How many seeds.  [default: each its own]")
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path, file_okay=False),
    default=pathlib.Path("experiments_out"),
    show_default=True,
    help="Folder of the runs and their files.",
)
@click.option(
    "--results",
    type=click.Path(path_type=pathlib.Path, dir_okay=False),
    help="The lines of results.  [default: OUT/results.jsonl]",
)
@click.option(
    "--data-dir",
    "data_dirs",
    multiple=True,
    metavar="[DATA=]DIR",
    help="Folder of all data sets, or of one; may be given several times.",
)
@click.option(
    "--ray",
    metavar="ADDRESS|local",
    help="Run on a Ray cluster: at an address, 'auto' the one that this machine is part of, "
    "'local' a new one of this machine alone.",
)
@click.option(
    "--page",
    type=click.Path(path_type=pathlib.Path, dir_okay=False),
    help="Write the tables of all results as Markdown; runs nothing if no NAME is given.",
)
@click.pass_context
def reproduce(
    ctx: click.Context,
    names: tuple[str, ...],
    is_list: bool,
    seeds: int | None,
    out: pathlib.Path,
    results: pathlib.Path | None,
    data_dirs: tuple[str, ...],
    ray: str | None,
    page: pathlib.Path | None,
) -> None:
    """Train, convert and score experiments by NAME, or `all` of them.

    A run that is finished is not repeated; one that was killed is taken up where it was. An
    experiment that starts from another's model brings that one along. Where one fails the others
    go on, and the exit code is 1 at the end.
    """
    from xncaps.reproduce import experiments, jobs, running
    from xncaps.reproduce import page as pages
    from xncaps.reproduce import result_lines as lines
    from xncaps_files import writing
    from xncaps_files.errors import XncapsError

    known = experiments.read_all()
    unknown = [name for name in names if name != "all" and name not in known]
    if unknown:
        raise click.BadParameter(
            f"expected names of experiments (--list shows them). Received: {', '.join(unknown)}.",
            param_hint="NAME",
        )
    if not names and not is_list and page is None:
        raise click.UsageError("Missing argument 'NAME' (--list shows the experiments).")
    where = folders(data_dirs)
    place = running.Place(out.resolve(), (results or out / "results.jsonl").resolve(), where)
    if page is not None:
        writing.check_place(page, "--page", "page", lambda head: head.startswith(b"# "))
    if is_list:
        found = lines.read(place.results)
        for experiment in known.values():
            click.echo(_listed(experiment, found))
        return
    failed: XncapsError | OSError | None = None
    if names:
        writing.check_place(
            place.results, "--results", "file of results", lambda head: head.startswith(b"{")
        )
        wanted = jobs.plan(experiments.choose(names, known), known, seeds)
        with place.locked():
            try:
                if ray is None:
                    jobs.run_here(wanted, place, click.echo)
                else:
                    jobs.run_on_cluster(wanted, place, click.echo, ray)
            except (XncapsError, OSError) as error:  # the page is of what the others have made
                failed = error
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        writing.write_text(page, pages.markdown(known, lines.read(place.results)))
        click.echo(str(page))
    if failed is not None:
        raise failed


def folders(given: tuple[str, ...]) -> dict[str, str]:
    """Name of a data set ('' for all others) -> absolute folder."""
    from xncaps_tf.data.catalogue import NAMES

    sets = list(dict.fromkeys(name.split("/")[0] for name in NAMES))
    found: dict[str, str] = {}
    for text in given:
        name, _, folder = text.rpartition("=")
        if name not in sets and pathlib.Path(text).is_dir():  # with a '=' in its own name
            name, folder = "", text
        if name and name not in sets:
            raise click.BadParameter(
                f"expected DIR or DATA=DIR with DATA one of {', '.join(sets)}. Received: {text}.",
                param_hint="--data-dir",
            )
        if not pathlib.Path(folder).is_dir():
            raise click.BadParameter(
                f"expected DIR or DATA=DIR with a folder. Received: {text}.",
                param_hint="--data-dir",
            )
        found[name] = str(pathlib.Path(folder).resolve())
    return found


def _listed(experiment: Experiment, found: list[ResultLine]) -> str:
    from xncaps.reproduce.running import files_to_come

    seeds: dict[str, list[int]] = {"done": [], "files to come": []}
    for line in found:
        key = line["experiment"], line["config_hash"]
        if key == (experiment.name, experiment.config_hash):
            is_done = not files_to_come(experiment, line)
            seeds["done" if is_done else "files to come"].append(line["seed"])
    state = "; ".join(
        f"{word}: seeds {', '.join(map(str, sorted(which)))}"
        for word, which in seeds.items()
        if which
    )
    return (
        f"{experiment.name:<28}{experiment.hours:>5.1f} h  {state or 'not run':<18}  "
        f"{experiment.title}"
    )
