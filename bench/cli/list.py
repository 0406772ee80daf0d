"""`smets1-bench list`: what there is to run, and what can go wrong on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import click

Rows = list[tuple[str, str]]


def _suites() -> Rows:
    from bench.shipped import find, names
    from bench.yaml_source import load

    return [
        (name, str(load(find("suites", name)).data.get("about", ""))) for name in names("suites")
    ]


def _scenarios() -> Rows:
    from bench.shipped import find, names
    from bench.yaml_source import load

    return [
        (str(scenario.get("scenario", "")), str(scenario.get("about", "")))
        for name in names("suites")
        for scenario in load(find("suites", name)).data.get("scenarios", [])
    ]


def _installations() -> Rows:
    from bench.shipped import find, names
    from bench.yaml_source import load

    return [
        (name, str(load(find("installations", name)).data.get("about", "")))
        for name in names("installations")
    ]


def _faults() -> Rows:
    from bench.plugins import DRIVERS, EMULATORS, load

    emulated, at_the_pipe = load(EMULATORS, "faults"), load(DRIVERS, "pipe-faults")
    return [
        (f"{prefix}{name}", f"({fault.family}) {' '.join(fault.description.split())}")
        for prefix, faults in (("", emulated), ("pipe:", at_the_pipe))
        for name, fault in sorted(faults.items())
    ]


def _defaults() -> Rows:
    from bench.migration.defaults import shipped
    from bench.units import format_duration

    return [
        (name, f"{format_duration(d.value) if d.is_duration else d.value}: {d.why}")
        for name, d in shipped().items()
    ]


KINDS: Mapping[str, Callable[[], Rows]] = {
    "suites": _suites,
    "scenarios": _scenarios,
    "installations": _installations,
    "faults": _faults,
    "defaults": _defaults,
}


@click.command(name="list")
@click.argument("kind", type=click.Choice(list(KINDS)), required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def list_(kind: str | None, as_json: bool) -> None:
    """Lists suites, their scenarios, installations, faults or named defaults.

    \b
    Examples:
      smets1-bench list
      smets1-bench list faults
    """
    listing = {name: rows() for name, rows in KINDS.items() if kind in (None, name)}
    if as_json:
        click.echo(json.dumps({name: dict(rows) for name, rows in listing.items()}, indent=1))
        return
    for name, rows in listing.items():
        if kind is None:
            click.echo(name)
        width = max((len(row) for row, _ in rows), default=0)
        for row, about in rows:
            click.echo(f"  {row:<{width}}  {about}")
