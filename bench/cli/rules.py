"""`smets1-bench rules`: what the bench holds of the MEHRS and the MAM, and how it is known."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from bench.cli.strategy_options import chosen_strategy, strategy_options
from bench.errors import UsageError
from bench.mehrs.strategy import Document, Parameter, Rule, Status, Strategy, section_order
from bench.parties import Group

WIDTH: Final = 100


@click.command()
@strategy_options
@click.option(
    "--group",
    type=click.Choice([group.value for group in Group]),
    help="Only what concerns installations of this group.",
)
@click.option(
    "--diff",
    nargs=2,
    metavar="A B",
    help="What changed from version A to version B, of the MEHRS or of the MAM.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def rules(
    mehrs: str | None,
    as_of: str | None,
    mam: str | None,
    overlay: Path | None,
    group: str | None,
    diff: tuple[str, str] | None,
    as_json: bool,
) -> None:
    """Prints the parameters and rules of a strategy, each with its value, status and source.

    \b
    Examples:
      smets1-bench rules --group EA
      smets1-bench rules --diff 5.0-draft 5.0
    """
    only = None if group is None else Group(group)
    if diff:
        if mehrs or as_of or mam or overlay:
            raise UsageError(
                "--diff names its versions itself: leave --mehrs, --as-of, --mam and --overlay out"
            )
        change = _compare(*diff, only)
        click.echo(json.dumps(change.as_json(), indent=2) if as_json else change.as_text())
        return
    view = _View(chosen_strategy(mehrs, as_of, mam, overlay), only)
    if as_json:
        click.echo(json.dumps(view.as_json(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(view.as_text()))


def _for_group(
    parameters: Mapping[str, Parameter], rules: Mapping[str, Rule], group: Group | None
) -> tuple[dict[str, Parameter], dict[str, Rule]]:
    """The rules of a group, with the parameters they use and those of their sections."""
    if group is None:
        return dict(parameters), dict(rules)
    mine = {key: rule for key, rule in rules.items() if group in rule.groups}
    used = {parameter for rule in mine.values() for parameter in rule.parameters}
    sections = {rule.section for rule in mine.values()}
    return {
        key: parameter
        for key, parameter in parameters.items()
        if key in used or parameter.section in sections
    }, mine


class _View:
    """A strategy, or the part of it that concerns one group."""

    def __init__(self, strategy: Strategy, group: Group | None) -> None:
        self._strategy = strategy
        self._group = group
        self._parameters, self._rules = _for_group(strategy.parameters, strategy.rules, group)

    def as_text(self) -> Iterator[str]:
        yield from self._head()
        sections = {entry.section for entry in self._parameters.values()}
        sections |= {rule.section for rule in self._rules.values()}
        for section in sorted(sections, key=section_order):
            yield ""
            yield section if section in ("MAM", "BENCH") else f"Section {section}"
            for parameter in self._parameters.values():
                if parameter.section == section:
                    yield from _parameter_text(parameter)
            for rule in self._rules.values():
                if rule.section == section:
                    yield from _rule_text(rule)
        yield ""
        yield from self._tail()

    def _head(self) -> Iterator[str]:
        for document in (self._strategy.mehrs, self._strategy.mam):
            yield document.title
            yield f"  {document.digest}"
        overlay = self._strategy.overlay
        if overlay is None:
            yield "No overlay"
        else:
            yield f"Overlay {overlay.name}"
            yield f"  {overlay.digest}"
        if self._group is not None:
            yield f"Only what concerns group {self._group}"
        unsourced = [
            key for key, entry in self._parameters.items() if entry.status is Status.UNSOURCED
        ]
        if unsourced:
            yield ""
            yield from _wrapped(
                f"UNSOURCED: {', '.join(unsourced)}. The papers say that these exist, not what "
                "they are. Runs go by placeholders, and nothing that rests on them can pass. "
                "Supply them with --overlay, each with the citation of a document you hold.",
                "",
            )

    def _tail(self) -> Iterator[str]:
        from bench.mehrs.versions import papers

        for paper in papers().values():
            yield from _wrapped(f"[{paper.letter}] {paper.title}, {paper.date} ({paper.file})", "")
        yield "The text of the MEHRS and of the MAM is not held here; these papers are about them."

    def as_json(self) -> dict[str, Any]:
        from bench.mehrs.versions import papers

        strategy = self._strategy
        return {
            "format": 1,
            "mehrs": _document_json(strategy.mehrs),
            "mam": _document_json(strategy.mam),
            "overlay": None
            if strategy.overlay is None
            else {"name": strategy.overlay.name, "hash": strategy.overlay.digest},
            "group": self._group,
            "sources": {
                paper.letter: {"title": paper.title, "date": paper.date, "file": paper.file}
                for paper in papers().values()
            },
            "parameters": {key: _parameter_json(entry) for key, entry in self._parameters.items()},
            "rules": {key: _rule_json(rule) for key, rule in self._rules.items()},
        }


def _parameter_text(parameter: Parameter) -> Iterator[str]:
    unsourced = parameter.status is Status.UNSOURCED
    value = f"({parameter.shown(parameter.placeholder)})" if unsourced else parameter.shown()
    status = "UNSOURCED" if unsourced else parameter.status.value
    overlaid = parameter.status is Status.OVERLAY
    line = f"  {parameter.id:<25} {value:<15} {status:<10} {'' if overlaid else parameter.source}"
    yield line.rstrip()
    yield from _wrapped(parameter.title, "      ")
    if overlaid:
        yield from _wrapped(f"source: {parameter.source.document}", "      ")
    elif parameter.choices:
        yield from _wrapped(f"read as {parameter.value}: {_meaning(parameter)}", "      ")
        for other in parameter.other_readings:
            yield from _wrapped(f"not read as {other}: {parameter.meanings[other]}", "      ")
    if parameter.note:
        yield from _wrapped(f"note: {parameter.note}", "      ")


def _meaning(parameter: Parameter) -> str:
    return parameter.meanings[str(parameter.value)]


def _rule_text(rule: Rule) -> Iterator[str]:
    status = rule.status.value if rule.status is not None else "as parameters"
    heading = f"rule {rule.id}"
    yield f"  {heading:<33} {_groups(rule):<15} {status:<14} {rule.source}"
    yield from _wrapped(rule.title, "      ")
    if rule.parameters:
        yield from _wrapped(f"by {', '.join(rule.parameters)}", "      ")
    if rule.reading:
        yield from _wrapped(f"note: {rule.reading}", "      ")


def _groups(rule: Rule) -> str:
    return "all groups" if len(rule.groups) == len(Group) else ", ".join(rule.groups)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _document_json(document: Document) -> dict[str, Any]:
    return {
        "version": document.version,
        "title": document.title,
        "date": document.date,
        "hash": document.digest,
    }


def _parameter_json(parameter: Parameter) -> dict[str, Any]:
    return {
        "section": parameter.section,
        "title": parameter.title,
        "kind": parameter.kind,
        "value": parameter.value,
        "shown": parameter.shown(),
        "status": parameter.status,
        "source": str(parameter.source),
        "placeholder": parameter.placeholder,
        "readings": dict(parameter.meanings),
        "other_readings": list(parameter.other_readings),
        "note": parameter.note,
    }


def _rule_json(rule: Rule) -> dict[str, Any]:
    return {
        "section": rule.section,
        "title": rule.title,
        "groups": list(rule.groups),
        "status": rule.status,
        "parameters": list(rule.parameters),
        "source": str(rule.source),
        "reading": rule.reading,
    }


@dataclass(frozen=True, slots=True)
class _Change:
    """What became of one parameter or rule; None where it does not exist."""

    id: str
    what: str  # "parameter" or "rule"
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class _Comparison:
    before: Document
    after: Document
    changes: tuple[_Change, ...]
    unchanged: int

    def as_json(self) -> dict[str, Any]:
        return {
            "format": 1,
            "kind": self.before.kind,
            "from": _document_json(self.before),
            "to": _document_json(self.after),
            "changes": [
                {"id": entry.id, "what": entry.what, "from": entry.before, "to": entry.after}
                for entry in self.changes
            ],
            "unchanged": self.unchanged,
        }

    def as_text(self) -> str:
        lines = [
            f"from  {self.before.title}",
            f"      {self.before.digest}",
            f"to    {self.after.title}",
            f"      {self.after.digest}",
            "",
        ]
        for entry in self.changes:
            if entry.before is None:
                lines += [f"new      {entry.what} {entry.id}", f"           {entry.after}"]
            elif entry.after is None:
                lines += [f"gone     {entry.what} {entry.id}", f"           {entry.before}"]
            else:
                lines += [
                    f"changed  {entry.what} {entry.id}",
                    f"      from {entry.before}",
                    f"      to   {entry.after}",
                ]
        lines += [""] if self.changes else []
        lines.append(f"{len(self.changes)} changed, {self.unchanged} unchanged")
        return "\n".join(lines)


def _compare(first: str, second: str, group: Group | None) -> _Comparison:
    from bench.mehrs.loader import load_document
    from bench.mehrs.versions import require, versions

    kind = "MAM" if {first, second} <= set(versions("MAM")) else "MEHRS"
    if kind == "MEHRS" and {first, second} & set(versions("MAM")):
        raise UsageError(
            f"expected two versions of the MEHRS or two of the MAM, got '{first}' and "
            f"'{second}'; MEHRS: {', '.join(versions('MEHRS'))}; "
            f"MAM: {', '.join(versions('MAM'))}"
        )
    require(kind, first)
    require(kind, second)
    before, after = load_document(kind, first), load_document(kind, second)
    held = [_for_group(part.parameters, part.rules, group) for part in (before, after)]
    told = [
        {("parameter", key): _parameter_state(entry) for key, entry in parameters.items()}
        | {("rule", key): _rule_state(rule) for key, rule in rules.items()}
        for parameters, rules in held
    ]
    order = {
        key: entry.section for part in held for entries in part for key, entry in entries.items()
    }
    names = sorted(told[0] | told[1], key=lambda name: (section_order(order[name[1]]), name))
    changes = tuple(
        _Change(key, what, told[0].get((what, key)), told[1].get((what, key)))
        for what, key in names
        if told[0].get((what, key)) != told[1].get((what, key))
    )
    return _Comparison(before, after, changes, len(names) - len(changes))


def _parameter_state(parameter: Parameter) -> str:
    if parameter.status is Status.UNSOURCED:
        return f"unsourced, placeholder {parameter.shown(parameter.placeholder)} {parameter.source}"
    return f"{parameter.shown()}, {parameter.status} {parameter.source}"


def _rule_state(rule: Rule) -> str:
    status = rule.status if rule.status is not None else "as its parameters"
    return f"{_groups(rule)}, {status} {rule.source}"
