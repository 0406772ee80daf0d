"""`smets1-bench list`: what there is to run, and what can go wrong on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

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


def _mixes() -> Rows:
    from bench.shipped import find, names
    from bench.yaml_source import load

    return [(name, str(load(find("mixes", name)).data.get("about", ""))) for name in names("mixes")]


def _installations() -> Rows:
    from bench.shipped import find, names
    from bench.yaml_source import load

    return [
        (name, str(load(find("installations", name)).data.get("about", "")))
        for name in names("installations")
    ]


def _faults() -> Rows:
    from bench.fault_catalogue import catalogue

    return [(fault.name, f"({fault.family}) {fault.about}") for fault in catalogue()]


def _deviants() -> Rows:
    from bench.plugins import EMULATORS, load

    return [
        (name, f"({each.role}) {each.description}")
        for name, each in sorted(load(EMULATORS, "deviants").items())
    ]


def _s1sps() -> Rows:
    from bench.deviant_s1sps import DEVIANT_S1SPS

    return [(name, f"({each.rule}) {each.description}") for name, each in DEVIANT_S1SPS.items()]


def _defaults() -> Rows:
    from bench.migration.defaults import shipped
    from bench.units import format_duration

    return [
        (name, f"{format_duration(d.value) if d.is_duration else d.value}: {d.why}")
        for name, d in shipped().items()
    ]


def _codes() -> Rows:
    from bench.migration.codes import Code
    from bench.report.causes import meaning

    return [(str(code), meaning(code)) for code in Code]


def _requests() -> Rows:
    from bench.plugins import EMULATORS, load

    return [
        (target, ", ".join(sorted(operations)))
        for target, operations in load(EMULATORS, "requests").items()
    ]


def _profiles() -> Rows:
    from bench.shipped import find, names
    from bench.yaml_source import load

    return [
        (name, _first(str(load(find("devices", name)).data["about"]))) for name in names("devices")
    ]


def _drivers() -> Rows:
    from bench.plugins import DRIVERS

    return _classes(DRIVERS)


def _emulators() -> Rows:
    from bench.plugins import MODELS

    return _classes(MODELS)


def _classes(group: str) -> Rows:
    """The classes of a group, not imported: some bring large libraries with them."""
    from importlib.metadata import entry_points

    found = sorted(entry_points(group=group), key=lambda each: each.name)
    return [(each.name, _module_about(each.module)) for each in found if _is_class(each.attr)]


def _is_class(attribute: str | None) -> bool:
    """By its spelling: `DlmsMeter`, not `FAULTS` nor `connect`."""
    return attribute is not None and attribute[:1].isupper() and not attribute.isupper()


def _module_about(module: str) -> str:
    """The first sentence of its docstring."""
    import ast
    from importlib.util import find_spec

    try:
        spec = find_spec(module)
        source = Path(spec.origin or "").read_text(encoding="utf-8") if spec is not None else ""
        return _first(ast.get_docstring(ast.parse(source)))
    except (ImportError, OSError, SyntaxError, UnicodeDecodeError):
        return "(cannot be read)"


def _first(text: str | None) -> str:
    """The first sentence."""
    joined = " ".join((text or "").split())
    return joined.partition(". ")[0].rstrip(".")


KINDS: Mapping[str, Callable[[], Rows]] = {
    "suites": _suites,
    "scenarios": _scenarios,
    "installations": _installations,
    "mixes": _mixes,
    "profiles": _profiles,
    "drivers": _drivers,
    "emulators": _emulators,
    "faults": _faults,
    "deviants": _deviants,
    "s1sps": _s1sps,
    "requests": _requests,
    "codes": _codes,
    "defaults": _defaults,
}


def _scenarios_of(suite: str) -> Rows:
    from bench.errors import UsageError
    from bench.shipped import find, names
    from bench.spelling import did_you_mean
    from bench.suite_reading import read_suite

    known = [*KINDS, *names("suites")]
    if suite not in known and not suite.endswith((".yaml", ".yml")):
        near = did_you_mean(suite, known) or f"; known: {', '.join(known)}"
        raise UsageError(f"nothing to list is called '{suite}'{near}")
    _, scenarios = read_suite(find("suites", suite))
    return [(each.scenario.scenario, each.scenario.about) for each in scenarios]


@click.command(name="list")
@click.argument("what", required=False, metavar=f"[{'|'.join(KINDS)}|SUITE]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def list_(what: str | None, as_json: bool) -> None:
    """Lists what there is to run and to write into a suite, or the scenarios of one SUITE.

    \b
    Examples:
      smets1-bench list
      smets1-bench list faults
      smets1-bench list key-rotation
    """
    if what is None or what in KINDS:
        listing = {name: rows() for name, rows in KINDS.items() if what in (None, name)}
    else:
        listing = {what: _scenarios_of(what)}
    if as_json:
        click.echo(json.dumps({name: dict(rows) for name, rows in listing.items()}, indent=1))
        return
    for name, rows in listing.items():
        if what is None:
            click.echo(name)
        width = max((len(row) for row, _ in rows), default=0)
        for row, about in rows:
            click.echo(f"  {row:<{width}}  {about}")
