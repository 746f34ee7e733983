"""`xncaps info`: versions, devices and runtimes, to put into a bug report."""

from __future__ import annotations

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def info(as_json: bool) -> None:
    """Print versions, devices and the TFLite runtimes that are found."""
    from xncaps.environment import describe

    facts = describe()
    if as_json:
        import json

        click.echo(json.dumps(facts, indent=2))
        return
    for section, values in facts.items():
        click.echo(f"{section}:")
        for name, value in values.items():
            click.echo(f"  {name:<22} {value}")
