"""`xncaps info`: versions, devices and runtimes, to put into a bug report."""

from __future__ import annotations

import click

from xncaps.output import show


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def info(as_json: bool) -> None:
    """Print versions, devices and the TFLite runtimes that are found."""
    from xncaps.environment import describe

    facts = describe()
    lines: list[str] = []
    for section, values in facts.items():
        lines.append(f"{section}:")
        lines += [f"  {name:<22} {value}" for name, value in values.items()]
    show(facts, lines, as_json=as_json)
