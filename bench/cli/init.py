"""`smets1-bench init`: a station, a suite and a profile to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Writes a commented station, suite and device profile into DIR; they run at once.

    What is there already is never written over. Editors that know YAML schemas complete and check
    the files while they are written.

    \b
    Example:
      smets1-bench init my-bench
    """
    from bench.starting import start

    for path in start(folder):
        click.echo(f"written: {path}")
    suite, station = (shlex.quote(str(folder / name)) for name in ("suite.yaml", "station.yaml"))
    click.echo(f"next:    smets1-bench run {suite} --station {station}")
