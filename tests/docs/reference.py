"""Makes docs/reference/ from the code: commands, files, rules, faults, kit.

`python -m tests.docs.reference --write` writes it; a test checks that it is current.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import click

from bench.cli import COMMANDS, main
from bench.cli.list import KINDS
from bench.fault_catalogue import catalogue
from bench.mehrs.loader import load_document
from bench.mehrs.strategy import Parameter, Rule, section_order
from bench.mehrs.versions import papers, versions
from tests.docs.page import ROOT
from tests.docs.schema_tables import schema_page

FOLDER: Final = ROOT / "docs" / "reference"
MADE: Final = "Made by `make docs` from {}; a test fails when it is out of date."
_WIDTH: Final = 100


def head(*cells: str) -> Iterator[str]:
    yield row(cells)
    yield "|" + "---|" * len(cells)


def row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def cli_page() -> Iterator[str]:
    yield from ("# Commands", "", MADE.format("the commands' own help"), "")
    yield "Exit codes, of every command unless its help says otherwise: 0 pass · 1 fail · 2 usage ·"
    yield "3 inconclusive · 4 bench fault · 70 bug · 130 interrupted."
    context = click.Context(
        main, info_name="smets1-bench", terminal_width=_WIDTH, **main.context_settings
    )
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        yield from _help(command, name, context)


def _help(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=_WIDTH)
    heading = context.command_path.removeprefix("smets1-bench ")
    yield from ("", f"## {heading}", "", "```text")
    yield from (line.rstrip() for line in command.get_help(context).splitlines())
    yield "```"
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            found = command.get_command(context, sub)
            assert found is not None
            yield from _help(found, sub, context)


def rules_page() -> Iterator[str]:
    yield from ("# Rules and values, by version", "", MADE.format("`bench/mehrs/data/`"), "")
    yield "What letters and statuses mean: [the strategy](../strategy.md). The placeholder of an"
    yield "*unsourced* value lets an emulated run go on and never yields a pass."
    yield "`smets1-bench rules` prints the same with notes and with a lab's overlay. The papers:"
    yield ""
    for letter, paper in papers().items():
        yield f"- **{letter}**: {paper.title}, {paper.date}"
    for kind in ("MEHRS", "MAM"):
        held = {version: load_document(kind, version) for version in versions(kind)}
        yield from ("", f"## Values of the {kind}", "")
        yield from _by_version(
            "value", {v: document.parameters for v, document in held.items()}, _value_cell
        )
        yield from ("", f"## Rules of the {kind}", "")
        yield from _by_version(
            "rule", {v: document.rules for v, document in held.items()}, _rule_cell
        )
        yield from ("", f"### What the rules of the {kind} say", "")
        newest = {rule.id: rule for document in held.values() for rule in document.rules.values()}
        for rule in sorted(newest.values(), key=_in_order):
            groups = ", ".join(map(str, rule.groups))
            reading = f" {' '.join(rule.reading.split())}" if rule.reading else ""
            yield f"- **{rule.id}** ({groups}): {rule.title}.{reading}"


def _by_version(
    what: str, held: Mapping[str, Mapping[str, Any]], cell: Callable[[Any], str]
) -> Iterator[str]:
    """A row for each value or rule, a column for each version; `–` where it has none."""
    found = {each.id: each for entries in held.values() for each in entries.values()}
    yield from head(what, *held)
    for each in sorted(found.values(), key=_in_order):
        cells = (cell(by[each.id]) if each.id in by else "–" for by in held.values())
        yield row([f"`{each.id}`", *cells])


def _in_order(each: Parameter | Rule) -> tuple[object, ...]:
    return section_order(each.section), each.id


def _value_cell(parameter: Parameter) -> str:
    if parameter.value is None:
        placeholder = parameter.shown(parameter.placeholder)
        return f"unsourced (placeholder {placeholder}) {parameter.source}"
    return f"{parameter.shown()} · {parameter.status} {parameter.source}"


def _rule_cell(rule: Rule) -> str:
    return f"{rule.status or 'as its values'} {rule.source}"


def faults_page() -> Iterator[str]:
    yield from ("# Faults", "", MADE.format("the faults' own descriptions"), "")
    yield "How one is used: [suites](../suites.md#faults); more of those at the byte pipe:"
    yield "[faults.md](../faults.md). *Targets*: roles and parties, or protocols; empty: any."
    family = ""
    for fault in catalogue():
        if fault.family != family:
            family = fault.family
            yield from ("", f"## {family.capitalize()}", "")
            yield from head("fault", "what happens", "where", "targets", "options")
        where = str(fault.place) + ("" if fault.in_suites else "; from Python only")
        options = ", ".join(f"`{option}`" for option in fault.options)
        yield row((f"`{fault.name}`", fault.about, where, ", ".join(fault.targets), options))


def kit_page() -> Iterator[str]:
    yield from ("# Drivers, emulated kit, deviants", "", MADE.format("the code"), "")
    yield "What a package of yours adds through entry points is listed by `smets1-bench list`"
    yield "([a driver of your own](../third-party-driver.md))."
    for kind, title in _KIT.items():
        yield from ("", f"## {title}", "")
        yield from head(kind, "what it is")
        yield from (row((f"`{name}`", about)) for name, about in KINDS[kind]())


_KIT: Final = {
    "drivers": "Drivers",
    "emulators": "Emulated devices",
    "profiles": "Device profiles",
    "installations": "Installations",
    "suites": "Suites",
    "requests": "Requests that a fault can strike",
    "codes": "Codes of failures",
    "deviants": "Deviant devices",
    "s1sps": "Deviant S1SPs",
}

PAGES: Final[Mapping[str, Callable[[], Iterator[str]]]] = {
    "cli.md": cli_page,
    "files.md": schema_page,
    "rules.md": rules_page,
    "faults.md": faults_page,
    "kit.md": kit_page,
}


def make(name: str) -> str:
    return "\n".join(PAGES[name]()) + "\n"


if __name__ == "__main__":
    for page in PAGES:
        if sys.argv[1:] == ["--write"]:
            (FOLDER / page).write_text(make(page), encoding="utf-8")
        else:
            sys.stdout.write(make(page))
