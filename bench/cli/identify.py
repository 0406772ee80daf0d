"""`smets1-bench identify`: what is at a port, asked without credentials, or only heard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bench.errors import BenchError, ExitCode, UsageError
from bench.plugins import DRIVERS, EMULATORS, load
from bench.printable import printable
from bench.units import Micros, parse_duration

_SPEECHES = ("optical", "dlms", "console", "modbus")
_ALLOWANCE = 1_000


def _duration(context: click.Context, option: click.Parameter, text: str | None) -> Micros | None:
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"expected {error}, got {text!r}") from None


@click.command(
    epilog="Exit codes: 0 found, 1 nothing answered, 2 usage, 3 something talks and is not "
    "understood, 4 the port is busy or gone, 130 interrupted (the line is left quiet)."
)
@click.argument("port")
@click.option(
    "--listen",
    "span",
    metavar="DURATION",
    callback=_duration,
    help="Send nothing: hear and decode what passes for so long.",
)
@click.option("--line", "lines", multiple=True, help="Only this line, as '9600 8N1'. Repeatable.")
@click.option(
    "--protocol",
    "speeches",
    multiple=True,
    type=click.Choice(_SPEECHES),
    help="Only this protocol. Repeatable.",
)
@click.option(
    "--server",
    "servers",
    multiple=True,
    metavar="LOGICAL[/PHYSICAL]",
    help="Try this HDLC address instead of the usual ones. Repeatable.",
)
@click.option("--units", default="", metavar="1-3,17", help="Modbus units to try.  [default: 1-3]")
@click.option(
    "--wait",
    default="600ms",
    show_default=True,
    metavar="DURATION",
    callback=_duration,
    help="How long to wait for the start of an answer.",
)
@click.option(
    "--frames",
    default=_ALLOWANCE,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Send no more frames than this.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the drafted device profile here; a file that exists is left alone.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.pass_context
def identify(
    context: click.Context,
    port: str,
    span: Micros | None,
    lines: tuple[str, ...],
    speeches: tuple[str, ...],
    servers: tuple[str, ...],
    units: str,
    wait: Micros,
    frames: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Finds out what is at PORT, without credentials and without changing anything.

    It tries line settings in a likely order: optical sign-on, DLMS as the public client, consoles,
    Modbus. No password, no key and no command that changes something is ever sent. The port is
    given as in a station file; emu:PROFILE is an emulated device to try it on.

    \b
    Examples:
      smets1-bench identify /dev/serial/by-id/usb-optical --out my-meter.yaml
      smets1-bench identify socket://10.0.0.7:4001 --line "9600 8N1" --protocol dlms
      smets1-bench identify /dev/ttyUSB0 --listen 60s
      smets1-bench identify emu:generic-dlms-electricity
    """
    if out is not None and span is not None:
        raise UsageError("--out: nothing is drafted while only listening")
    if out is not None and out.exists():
        raise UsageError(f"{out} exists already", hint="name a file that does not exist yet")
    tools = load(DRIVERS, "identification")
    make_device = load(EMULATORS, "lone-device")
    on = tools.lines(lines)
    if span is not None:
        heard = tools.listen(port, on, span, make_device, _progress)
        _print(as_json, tools.overheard_json(heard), tools.overheard_report(heard))
        context.exit(_heard_code(heard.line is not None, any(heard.octets.values())))
    plan = tools.plan(on, speeches, tools.servers(servers), tools.units(units), wait)
    findings, drafted = tools.identify(port, plan, frames, make_device, _progress)
    _print(as_json, tools.as_json(findings, drafted), tools.report(findings))
    if not as_json:
        _hand_over(drafted, out, findings.found is not None)
    elif out is not None and drafted is not None:
        _write(out, drafted)
    context.exit(_heard_code(findings.found is not None, findings.something_talks))


def _heard_code(understood: bool, talks: bool) -> ExitCode:
    if understood:
        return ExitCode.PASS
    return ExitCode.INCONCLUSIVE if talks else ExitCode.FAIL


def _progress(line: str) -> None:
    click.echo(printable(line), err=True)


def _print(as_json: bool, data: dict[str, Any], text: Any) -> None:
    if as_json:
        click.echo(json.dumps(data))
        return
    for line in text:
        click.echo(line)


def _hand_over(drafted: str | None, out: Path | None, found: bool) -> None:
    if drafted is None:
        if found:
            click.echo("no profile is drafted: no driver of the bench speaks what was found")
        return
    if out is None:
        click.echo("\n" + drafted, nl=False)
        return
    _write(out, drafted)
    click.echo(f"drafted: {out}")


def _write(out: Path, drafted: str) -> None:
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(drafted)
    except OSError as error:
        raise BenchError(
            f"{out}: cannot be written: {error.strerror}", hint="name another file with --out"
        ) from None
