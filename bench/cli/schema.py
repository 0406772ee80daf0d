"""`smets1-bench schema`: the JSON Schema of a kind of file, for editors."""

from __future__ import annotations

import json

import click

from bench.schemas import KINDS


@click.command()
@click.argument("kind", metavar="[" + "|".join(KINDS) + "]")
def schema(kind: str) -> None:
    """Prints the JSON Schema of a KIND of file, for editors that check YAML while it is written.

    An editor finds it by a first line such as
    `# yaml-language-server: $schema=station.schema.json` (`smets1-bench init` writes both).

    \b
    Example:
      smets1-bench schema station > station.schema.json
    """
    from bench.schemas.forms import schema as schema_of

    click.echo(json.dumps(schema_of(kind), indent=1, ensure_ascii=False))
