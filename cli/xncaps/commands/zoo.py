"""`xncaps zoo`: the trained files, what their cards say, a copy of one."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import click

from xncaps.output import error_line
from xncaps_files.errors import DataError

if TYPE_CHECKING:
    from xncaps_zoo import Card


def _checked(name: str) -> str:
    import xncaps_zoo

    if name not in xncaps_zoo.names():
        raise click.BadParameter(
            f"expected one of {', '.join(xncaps_zoo.names()) or 'no files'}. Received: {name}.",
            param_hint="NAME",
        )
    return name


def _card(name: str) -> Card:
    """Raises DataError where the card is damaged or of another version."""
    import xncaps_zoo

    try:
        return xncaps_zoo.card(name)
    except ValueError as error:
        raise DataError(f"zoo: {error}") from error


@click.group()
def zoo() -> None:
    """Trained files that come with the toolkit; other commands take them as zoo:NAME."""


@zoo.command("list")
def list_files() -> None:
    """A line a file: classes, size, accuracy on the test images of which data."""
    import xncaps_zoo

    names, unread = xncaps_zoo.names(), 0
    for name in names:
        try:
            card = _card(name)
        except DataError as error:
            error_line(str(error))
            unread += 1
            continue
        score = card["accuracy"]["file"]
        click.echo(
            f"{name:<28}{card['classes']:>4} classes{card['file']['bytes'] / 1000:>8,.0f} KB  "
            f"{100 * score['accuracy']:.2f} % of {score['images']:,}, {card['data']['title']}"
        )
    if unread:
        raise DataError(
            f"zoo: expected cards that can be read. Received: {unread} of {len(names)} not."
        )


@zoo.command()
@click.argument("name")
def show(name: str) -> None:
    """The card of NAME as Markdown."""
    from xncaps.zoo_making import card_page

    click.echo(card_page.markdown(_card(_checked(name))))


@zoo.command(short_help="Copy a file with what lies beside it.")
@click.argument("name")
@click.argument(
    "out", type=click.Path(path_type=pathlib.Path, file_okay=False), default=pathlib.Path(".")
)
def copy(name: str, out: pathlib.Path) -> None:
    """Copy the file NAME, its stored check, labels and card into the folder OUT: all or none."""
    import xncaps_zoo
    from xncaps_files.writing import write_all

    source = xncaps_zoo.path(_checked(name)).parent
    is_new = not out.exists()
    taken = [file for file in sorted(source.iterdir()) if file.is_file()]
    there = [file.name for file in taken if (out / file.name).exists()]
    if there:
        raise click.ClickException(
            f"zoo: expected a folder without these files. Received: {', '.join(there)} in {out}."
        )
    out.mkdir(parents=True, exist_ok=True)
    try:
        write_all({out / file.name: file.read_bytes() for file in taken})
    except OSError:
        if is_new:
            out.rmdir()
        raise
    for file in taken:
        click.echo(out / file.name)


@zoo.command(short_help="Make a file and its card from runs of `reproduce`.")
@click.argument("name")
@click.option(
    "--from",
    "runs",
    type=click.Path(path_type=pathlib.Path, exists=True, file_okay=False),
    required=True,
)
@click.option(
    "--out", type=click.Path(path_type=pathlib.Path, file_okay=False), default=pathlib.Path("zoo")
)
@click.option("--data-dir", "data_dirs", multiple=True, metavar="[DATA=]DIR")
def make(name: str, runs: pathlib.Path, out: pathlib.Path, data_dirs: tuple[str, ...]) -> None:
    """Make the file NAME and its card from the runs of `reproduce`, in the folder --from.

    Converts the model, fits temperature and threshold on the hold-out, verifies and scores the
    file on the whole test split, times it beside its twins, and writes OUT/NAME.
    """
    from xncaps.commands.reproduce import folders
    from xncaps.zoo_making import building

    entries = building.read_entries()
    if name not in entries:
        raise click.BadParameter(
            f"expected one of {', '.join(entries)}. Received: {name}.", param_hint="NAME"
        )
    folder = building.make(entries[name], runs, out, folders(data_dirs), click.echo)
    click.echo(str(folder))
