"""`smets1-bench scan`: the serial adapters of this machine, and lines for a station file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import click

from bench.plugins import DRIVERS, load
from bench.printable import printable


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def scan(as_json: bool) -> None:
    """Lists the serial adapters of this machine by their ids, and proposes lines for a station.

    Nothing is opened and nothing is sent; `smets1-bench identify PORT` finds out what is behind an
    adapter.

    \b
    Example:
      smets1-bench scan
    """
    found = load(DRIVERS, "serial-adapters")()
    if as_json:
        click.echo(json.dumps({"adapters": [asdict(each) for each in found]}))
        return
    for line in _text(found):
        click.echo(printable(line))


def _text(found: Sequence[Any]) -> Iterator[str]:
    if not found:
        yield "no serial adapter is plugged in, or this user may not see it"
        return
    for each in found:
        about = ", ".join(
            said
            for said in (
                each.description,
                each.manufacturer,
                f"serial number {each.serial_number}" if each.serial_number else "",
                f"USB {each.usb}" if each.usb else "",
                f"now {each.device}" if each.by_id else "its name changes with the plugging",
            )
            if said
        )
        yield f"{each.port}: {about}"
    yield ""
    yield "# For a station file; `smets1-bench identify PORT` says what is behind each."
    yield "installation:"
    yield "  group: DA"
    yield "  devices:"
    for number, each in enumerate(found, 1):
        yield (
            f'    device-{number}: {{role: electricity-meter, eui64: "", model: "", '
            f"port: {json.dumps(each.port)}, profile: generic-dlms-electricity}}"
        )
