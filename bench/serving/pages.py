"""The two pages and what they ask for: the list of runs, and one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bench.errors import UsageError
from bench.live.status import RUNNING, Status, read_status
from bench.live.words import headline, rows
from bench.printable import printable
from bench.report.marks import SYMBOLS, verdict_of
from bench.report.spoken import moment
from bench.result import read_result
from bench.serving.growing import DRAWN, drawing, new_lines
from bench.serving.runs import TRACE, Run, Runs
from bench.units import SECOND, Micros

TEMPLATES: Final = Path(__file__).parent / "templates"
REPORT_STYLE: Final = Path(__file__).parent.parent / "report" / "templates" / "style.css"

LISTED: Final = 200
"""Runs on the first page; more when asked."""

FINDINGS: Final = 50


def asset(name: str) -> str:
    """`style.css`, shared with the report and followed by the pages' own, or `live.js`."""
    own = (TEMPLATES / ("live.css" if name == "style.css" else name)).read_text(encoding="utf-8")
    return REPORT_STYLE.read_text(encoding="utf-8") + own if name == "style.css" else own


def list_page() -> str:
    return _environment().get_template("list.html.j2").render()


def run_page(run: Run, *, control: bool) -> str:
    scenarios: list[tuple[str, str]] = []
    if run.reported:
        try:
            scenarios = [(s.name, verdict_of(s)) for s in read_result(run.folder).scenarios]
        except UsageError:
            scenarios = []
    return (
        _environment()
        .get_template("run.html.j2")
        .render(run=run, control=control, scenarios=scenarios, symbols=SYMBOLS)
    )


def runs_told(runs: Runs, limit: int) -> dict[str, Any]:
    """What the list asks for, every few seconds."""
    newest, there = runs.newest(limit)
    return {"runs": [_in_list(run) for run in newest], "there": there}


def run_told(
    run: Run,
    offset: int,
    *,
    tolerance: Micros,
    drawn: int,
    wall: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """What a run's page asks for: where it stands, the new lines of its trace, a new drawing.

    `drawn` is the size of the trace when the page last had a drawing; none is made of the same.
    """
    trace = run.folder / TRACE
    told = new_lines(trace, offset)
    status = read_status(run.folder)
    answer: dict[str, Any] = {
        **_in_list(run),
        "lines": told.lines,
        "offset": told.offset,
        "skipped": told.skipped,
        "rows": [],
        "findings": [],
        "question": None,
    }
    if status is None or run.state != RUNNING:
        return answer
    now = status.now if status.clock != "wall" else round(wall() * SECOND)
    answer["rows"] = [(row.label, row.text, row.mark) for row in rows(status, now)]
    answer["headline"] = headline(status)
    answer |= _doubts(status, round(wall() * SECOND))
    if status.current is not None and told.offset != drawn:
        answer["drawing"] = drawing(trace, status.current, tolerance)
        answer["drawn_at_most"] = DRAWN
    return answer


def _doubts(status: Status, wall: Micros) -> dict[str, Any]:
    findings = status.current.findings if status.current else ()
    question = status.question
    return {
        "findings": [printable(finding) for finding in findings[:FINDINGS]],
        "more_findings": max(0, len(findings) - FINDINGS),
        "question": None
        if question is None
        else {
            "number": question.number,
            "text": printable(question.text),
            "answers": question.answers,
            "left": max(0, question.until - wall) // SECOND,
        },
    }


def _in_list(run: Run) -> dict[str, Any]:
    return {
        "name": run.name,
        "state": run.state,
        "verdict": run.verdict,
        "symbol": SYMBOLS.get(run.verdict, ""),
        "kit": run.kit,
        "suite": printable(run.suite),
        "station": printable(run.station),
        "started": "" if run.started is None else moment(run.started - run.started % SECOND),
        "written": round(run.written),
        "scenarios": run.scenarios,
        "done": run.done,
        "reported": run.reported,
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    return environment
