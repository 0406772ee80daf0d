"""`smets1-bench profile`: device profiles held against devices."""

from __future__ import annotations

import json

import click

from bench.errors import ExitCode
from bench.plugins import DRIVERS, EMULATORS, load


@click.group()
def profile() -> None:
    """Holds device profiles against devices.

    \b
    Example:
      smets1-bench profile check my-meter.yaml --port /dev/serial/by-id/usb-optical
    """


@profile.command(
    epilog="Exit codes: 0 nothing is contradicted, 1 something is, or nobody answers, 2 the file "
    "is wrong by itself, 3 nothing could be confirmed, 4 the port is busy or gone."
)
@click.argument("file")
@click.option("--port", required=True, help="As in a station file; emu:PROFILE to try it out.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.pass_context
def check(context: click.Context, file: str, port: str, as_json: bool) -> None:
    """Says which lines of the profile FILE the device at PORT confirms or contradicts.

    Read-only and without credentials: what only a password or a key would show is not checked,
    and said so. FILE may also be the name of a shipped profile.

    \b
    Example:
      smets1-bench profile check generic-console-hub --port emu:generic-console-hub
    """
    tools = load(DRIVERS, "confirmation")
    checked = tools.check(file, port, load(EMULATORS, "lone-device"))
    if as_json:
        click.echo(json.dumps(tools.as_json(checked)))
    else:
        for line in tools.report(checked):
            click.echo(line)
    if checked.contradicted:
        context.exit(ExitCode.FAIL)
    context.exit(ExitCode.PASS if checked.confirmed else ExitCode.INCONCLUSIVE)
