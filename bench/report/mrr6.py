"""`mrr6.csv`: the failures reported in MRR6, one a row.

The form of MRR6 is not public: the columns are the bench's own, and the head of the first column
says so, where a spreadsheet shows it even when no failure was reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bench.report.csv_text import csv_text
from bench.report.trace_lines import TraceLines, by_installation, passages
from bench.result import RunRecord
from bench.trace import Account, Closed, Event, Report, Step
from bench.units import format_instant

COLUMNS: Final = (
    "form (the bench's own: the form of MRR6 is not public)",
    "reported at (UTC)",
    "installation",
    "group",
    "passage",
    "code",
    "section that failed",
    "failed at (UTC)",
    "code of that section",
    "account with",
    "passage closed as",
    "scenario",
    "strategy",
    "evidence",
)

FORM: Final = "1"


def mrr6_csv(record: RunRecord, trace: TraceLines) -> str:
    return csv_text(COLUMNS, _rows(record, trace))


def _rows(record: RunRecord, trace: TraceLines) -> Iterator[tuple[str, ...]]:
    for scenario in record.scenarios:
        tail = (scenario.name, scenario.strategy.label, record.kit)
        for own in by_installation(trace.of(scenario)).values():
            for number, passage in enumerate(passages(line.event for line in own), start=1):
                for row in _passage_rows(passage):
                    yield FORM, *row[:2], scenario.group, str(number), *row[2:], *tail


def _passage_rows(passage: list[Event]) -> Iterator[tuple[str, ...]]:
    outcome = next((event.outcome for event in passage if isinstance(event, Closed)), "")
    failed: Step | None = None
    holder = "SMSO"
    for event in passage:
        if isinstance(event, Step) and event.outcome == "failed":
            failed = event
        elif isinstance(event, Account):
            holder = event.holder
        elif isinstance(event, Report) and event.report == "MRR6":
            yield (
                format_instant(event.at),
                event.installation,
                event.code or "",
                failed.section if failed else "",
                format_instant(failed.at) if failed else "",
                (failed.code or "") if failed else "",
                holder,
                outcome,
            )
