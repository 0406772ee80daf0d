"""`smets1-bench capture`: what passed on a port, read, said again, compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bench.errors import ExitCode
from bench.plugins import DRIVERS, EMULATORS, load
from bench.units import Micros, parse_duration

_PROTOCOLS = ("dlms", "iec62056-21", "modbus", "console", "octets")
_FILE = click.Path(path_type=Path)
C = TypeVar("C", bound=Callable[..., Any])


def _duration(context: click.Context, option: click.Parameter, text: str) -> Micros:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"expected {error}, got {text!r}") from None


_protocol = click.option(
    "--protocol",
    type=click.Choice(_PROTOCOLS),
    help="What is spoken; without it, it is found out for each port.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")


def _comparing(command: C) -> C:
    """The options of whatever compares two sessions."""
    for option in (
        click.option("--ignore-values", is_flag=True, help="Compare kinds of message only."),
        click.option("--ignore-timing", is_flag=True, help="Compare content only."),
        click.option(
            "--slack",
            default="50ms",
            show_default=True,
            metavar="DURATION",
            callback=_duration,
            help="Waits no further apart than this are the same.",
        ),
        click.option(
            "--share",
            default=50,
            show_default=True,
            metavar="PERCENT",
            type=click.IntRange(0, 100),
            help="Nor are waits different that differ by less of the longer.",
        ),
    ):
        command = option(command)
    return command


@click.group()
def capture() -> None:
    """Reads, replays and compares captures: all octets that passed on a port, with their times.

    \b
    Examples:
      smets1-bench capture show runs/latest/captures/electricity.jsonl
      smets1-bench capture diff monday.jsonl tuesday.jsonl --ignore-values
      smets1-bench capture replay monday.jsonl --against emu:generic-console-hub
    """


@capture.command()
@click.argument("file", type=_FILE)
@_protocol
@click.option("--port", metavar="NAME", help="Only this port of the capture.")
@click.option("--scenario", metavar="NAME", help="Only what passed for this scenario of a run.")
@click.option("--octets/--no-octets", default=True, help="With the octets of each message.")
@_as_json
def show(
    file: Path,
    protocol: str | None,
    port: str | None,
    scenario: str | None,
    octets: bool,
    as_json: bool,
) -> None:
    """Shows a capture message by message: time, time since the one before, direction, meaning.

    Key material is shown as its length and the key's name, damaged octets with what is wrong.
    """
    tools = load(DRIVERS, "capture")
    records = tools.whole_capture(file)
    if port is not None:
        records = tools.only_port(records, port)
    if scenario is not None:
        records = tools.only_scenario(records, scenario)
    items = tools.messages(records, protocol)
    if as_json:
        click.echo(json.dumps({"file": str(file), "items": tools.as_json(items)}))
        return
    if not items:
        click.echo("nothing passed" + (" that was asked for" if port or scenario else ""))
    for line in tools.listing(items, octets=octets):
        click.echo(line)


@capture.command()
@click.argument("a", type=_FILE)
@click.argument("b", type=_FILE)
@_protocol
@_comparing
@_as_json
@click.pass_context
def diff(
    context: click.Context,
    a: Path,
    b: Path,
    protocol: str | None,
    ignore_values: bool,
    ignore_timing: bool,
    slack: Micros,
    share: int,
    as_json: bool,
) -> None:
    """Aligns two sessions in content and timing. Exits 0 if they are the same, 1 if they differ."""
    tools = load(DRIVERS, "capture")
    found = tools.differences(
        tools.messages(tools.whole_capture(a), protocol),
        tools.messages(tools.whole_capture(b), protocol),
        thresholds=None if ignore_timing else tools.Thresholds(slack, share / 100),
        values=not ignore_values,
    )
    if as_json:
        differing = tools.difference_json(found)
        click.echo(json.dumps({"a": str(a), "b": str(b), "differences": differing}))
    else:
        for line in tools.difference_lines(found):
            click.echo(line)
        click.echo(tools.count_text(found))
    context.exit(ExitCode.FAIL if found else ExitCode.PASS)


@capture.command()
@click.argument("file", type=_FILE)
@click.option(
    "--against",
    required=True,
    metavar="PORT",
    help="emu:PROFILE (an emulated device, in virtual time) or a port as in a station file.",
)
@click.option("--port", metavar="NAME", help="The port of the capture, if it has several.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME=FILE",
    help="A key the capture names, in hexadecimal in a file. Repeatable.",
)
@click.option("--save", type=_FILE, metavar="FILE", help="Store what passed as a capture.")
@_protocol
@_comparing
@_as_json
@click.pass_context
def replay(
    context: click.Context,
    file: Path,
    against: str,
    port: str | None,
    secrets: tuple[str, ...],
    save: Path | None,
    protocol: str | None,
    ignore_values: bool,
    ignore_timing: bool,
    slack: Micros,
    share: int,
    as_json: bool,
) -> None:
    """Says a capture's requests again to an emulator or to kit, and reports what differs.

    It sends whatever the capture holds, also what changes the device. Requests with key material
    are left out unless --secret gives the key. Exits 0 if the answers are the same, 1 if not.
    """
    tools = load(DRIVERS, "capture")
    records = tools.only_port(tools.whole_capture(file), port)
    keys = dict(tools.secret_from_file(given) for given in secrets)
    make_device = load(EMULATORS, "lone-device")
    replayed = tools.replay_against(records, against, keys, make_device)
    if save is not None:
        tools.save(replayed.records, save)
    found = tools.differences(
        tools.messages(records, protocol),
        tools.messages(replayed.renamed(records[0].port), protocol),
        thresholds=None if ignore_timing else tools.Thresholds(slack, share / 100),
        values=not ignore_values,
        answers_only=True,
    )
    if as_json:
        answer = {
            "file": str(file),
            "against": against,
            "withheld": replayed.withheld,
            "differences": tools.difference_json(found),
        }
        click.echo(json.dumps(answer))
    else:
        for name, count in replayed.withheld.items():
            click.echo(f"not sent: {count} with the secret {tools.fit(name)} (--secret)")
        for line in tools.difference_lines(found):
            click.echo(line)
        click.echo(tools.count_text(found))
    context.exit(ExitCode.FAIL if found or replayed.withheld else ExitCode.PASS)
