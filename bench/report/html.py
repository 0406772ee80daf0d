"""`report.html`: one file that needs nothing else, neither network nor JavaScript, to be read.

Its policy (Content-Security-Policy) allows this file's own style and script by their hashes and
nothing besides, so that a name in a trace can neither load nor run anything. In a report of more
than `EAGER` scenarios the drawings wait in `<template>` elements until a scenario is opened.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.printable import printable
from bench.report import TEMPLATES
from bench.report.certificate import as_expected, blocks, certified, rests_on
from bench.report.details import Details
from bench.report.exchanges import Passed
from bench.report.heat_map import FaultGrid, grid_fragment, grid_style
from bench.report.limits import permitted_by
from bench.report.marks import SEVERITY, SYMBOLS, verdict_of
from bench.report.particulars import particulars
from bench.report.requirements import Requirement, requirements
from bench.report.spoken import day, length_of, rough, to_the_millisecond
from bench.report.timeline import draw
from bench.report.timeline_lanes import Permitted
from bench.report.timeline_signs import legend
from bench.report.trace_lines import Line, TraceLines, by_installation
from bench.result import RULE_VERDICTS, Certificate, RuleRecord, RunRecord, ScenarioRecord
from bench.trace import Attempt
from bench.units import Micros

EAGER: Final = 100
"""Up to so many scenarios the drawings stand in the page itself, and need no JavaScript."""

PLAIN_STATUSES: Final = ("concluded", "carried")
"""Statuses that a passed rule need not be qualified with; the others are named beside it."""

NAMED: Final = 6
"""So many scenarios are named for a verdict in a row of the requirement matrix."""

NOTHING_PASSED: Final = Passed()


@dataclass(frozen=True, slots=True)
class _Drawn:
    installation: str
    svg: Markup
    cut: Markup | None


@dataclass(frozen=True, slots=True)
class _Finding:
    """A finding's fields as text; a field that the checker did not give is empty."""

    rule: str
    section: str
    verdict: str
    title: str
    message: str
    expected: str
    observed: str
    where: str
    source: str
    status: str
    sensitive: bool


@dataclass(frozen=True, slots=True)
class _Scenario:
    record: ScenarioRecord
    ident: str
    verdict: str
    attempts: str
    length: str
    words: str
    findings: tuple[_Finding, ...]
    judged: tuple[tuple[str, list[str]], ...]
    drawings: tuple[_Drawn, ...]
    passed: Passed


def report_html(
    record: RunRecord,
    trace: TraceLines,
    details: Details | None = None,
    exchanges: Mapping[str, Passed] | None = None,
    grid: FaultGrid | None = None,
    uncertainties: Mapping[str, Micros] | None = None,
) -> str:
    """`exchanges`: what passed on the lines, by scenario (`bench.report.exchanges`).

    `grid`: what a grid of faults came to that was run beside it. `uncertainties`: of each kind of
    judged wait (`bench.report.wait_uncertainty`).
    """
    counts = Counter(verdict_of(scenario) for scenario in record.scenarios)
    style, script = _asset("style.css"), _asset("script.js")
    if grid is not None:
        style += grid_style()
    known: dict[str, Permitted] = {}
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            run=record,
            rests_on=rests_on(record),
            as_expected=as_expected(record),
            certified=certified(record),
            strategies=list({s.strategy.key: s.strategy for s in record.scenarios}.values()),
            counts=sorted(counts.items(), key=lambda item: SEVERITY.get(item[0], 9)),
            groups=sorted({scenario.group for scenario in record.scenarios}),
            blocks=blocks(record),
            matrix=_matrix(record),
            named=NAMED,
            particulars=particulars(record, trace, details or Details(), uncertainties),
            symbols=SYMBOLS,
            plain_statuses=PLAIN_STATUSES,
            scenarios=[
                _scenario(
                    record,
                    scenario,
                    trace.of(scenario),
                    index,
                    known,
                    (exchanges or {}).get(scenario.name, NOTHING_PASSED),
                )
                for index, scenario in enumerate(record.scenarios, start=1)
            ],
            lazy=len(record.scenarios) > EAGER,
            grid=None if grid is None else grid_fragment(grid),
            legend=Markup(legend()),
            style=Markup(style),
            script=Markup(script),
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "printable": printable,
        "clock": to_the_millisecond,
        "day": day,
    }
    return environment


@cache
def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _scenario(
    record: RunRecord,
    scenario: ScenarioRecord,
    lines: tuple[Line, ...],
    index: int,
    known: dict[str, Permitted],
    passed: Passed,
) -> _Scenario:
    key = scenario.strategy.key
    if key not in known:
        known[key] = permitted_by(record, scenario.strategy)
    ident = f"t{index}"
    length = None if scenario.not_run else length_of(scenario.started, scenario.ended)
    attempts = sum(isinstance(line.event, Attempt) for line in lines)
    rules = _rules(record, scenario)
    words = (
        scenario.name,
        scenario.suite,
        scenario.about,
        scenario.deviant,
        *scenario.covers,
        *scenario.rules,
        *scenario.faults,
        *scenario.story,
    )
    return _Scenario(
        record=scenario,
        ident=ident,
        verdict=verdict_of(scenario),
        attempts="–" if scenario.not_run else str(attempts),
        length="–" if length is None else rough(length),
        words=printable(" ".join(words)).lower(),
        findings=tuple(_finding(entry, rules) for entry in scenario.findings),
        judged=_judged(scenario),
        drawings=_drawings(scenario, lines, known[key], ident),
        passed=passed,
    )


def _matrix(record: RunRecord) -> list[tuple[Certificate, tuple[Requirement, ...]]]:
    return [(certificate, requirements(record, certificate)) for certificate in record.certificates]


def _drawings(
    scenario: ScenarioRecord, lines: tuple[Line, ...], permitted: Permitted, ident: str
) -> tuple[_Drawn, ...]:
    drawn = []
    for number, (installation, own) in enumerate(by_installation(lines).items(), start=1):
        drawing = draw(
            own, permitted, scenario.findings, name=scenario.name, ident=f"{ident}-{number}-t"
        )
        cut = None if drawing.cut is None else Markup(drawing.cut)
        drawn.append(_Drawn(installation, Markup(drawing.svg), cut))
    return tuple(drawn)


def _rules(record: RunRecord, scenario: ScenarioRecord) -> Mapping[str, RuleRecord]:
    """The rules by id, from the certificate of the scenario's strategy, where it has one."""
    for certificate in record.certificates:
        if certificate.strategy.key == scenario.strategy.key:
            return {rule.rule: rule for rule in certificate.rules}
    return {}


def _finding(entry: Mapping[str, Any], rules: Mapping[str, RuleRecord]) -> _Finding:
    def text(name: str) -> str:
        return printable(entry.get(name, ""))

    rule = rules.get(str(entry.get("rule")))
    return _Finding(
        rule=text("rule"),
        section=text("section"),
        verdict=text("verdict"),
        title=printable(rule.title) if rule else "",
        message=text("message"),
        expected=text("expected"),
        observed=text("observed"),
        where=", ".join(printable(where) for where in entry.get("where", ())),
        source=text("source") or (printable(rule.source) if rule else ""),
        status=text("status"),
        sensitive=bool(entry.get("reading_sensitive")),
    )


def _judged(scenario: ScenarioRecord) -> tuple[tuple[str, list[str]], ...]:
    """The rules by the worst verdict each had in the scenario, worst first."""
    found: dict[str, list[str]] = {}
    for rule, counted in scenario.rules.items():
        worst = next((verdict for verdict in RULE_VERDICTS if counted.get(verdict)), None)
        if worst is not None:
            found.setdefault(worst, []).append(rule)
    return tuple((verdict, found[verdict]) for verdict in RULE_VERDICTS if verdict in found)
