"""`smets1-bench doctor`: whether a station is ready, and the next step where it is not."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench.errors import ExitCode
from bench.printable import printable


@click.command(
    epilog="Exit codes: 0 the station can be run on (attention and not checked included), 2 the "
    "station file is wrong, 4 something is missing, busy, faulty or the wrong device."
)
@click.argument("station")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.pass_context
def doctor(context: click.Context, station: str, as_json: bool) -> None:
    """Looks at the ports, devices, relays, keys, clock and disk of STATION, and switches nothing.

    Each device is asked who it is and compared with the file. Each line says ok, missing, wrong
    device, busy, faulty, attention or not checked, and what to do next.

    \b
    Examples:
      smets1-bench doctor my-station.yaml
      smets1-bench doctor emulated-emu
    """
    from bench.clock import WallClock
    from bench.doctor.examining import examine
    from bench.place_lending import lent
    from bench.shipped import find
    from bench.station import read_station

    held = read_station(find("stations", station))
    found = []
    with TemporaryDirectory() as folder, lent(held, Path(folder)) as reached:
        for finding in examine(reached, station, Path("runs"), WallClock()):
            found.append(finding)
            if not as_json:
                condition = f"{finding.condition:<12}"
                click.echo(printable(f"{condition}  {finding.subject}: {finding.detail}"))
                if finding.next_step:
                    click.echo(printable(f"{'':<12}  next: {finding.next_step}"))
    ready = not any(finding.condition.stops for finding in found)
    if as_json:
        listed = [finding.as_json() for finding in found]
        click.echo(json.dumps({"station": held.station, "ready": ready, "findings": listed}))
    else:
        click.echo("ready" if ready else "not ready")
    context.exit(ExitCode.PASS if ready else ExitCode.BENCH)
