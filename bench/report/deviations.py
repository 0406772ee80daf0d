"""What departed from the plan of a run: stated in every report, so that no reader has to ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from bench.mehrs.strategy import Status
from bench.report.trace_lines import Line, TraceLines
from bench.result import RunRecord
from bench.trace import Operator, Outage
from bench.units import format_instant


@dataclass(frozen=True, slots=True)
class Deviation:
    """`kind`: `stopped`, `placeholder`, `not run`, `bench-error`, `unknown` (nobody can know it of

    real kit), `on purpose`, `fault put in`, `outage` or `operator`. `where` names the scenario and,
    where there is one, the trace's line.
    """

    kind: str
    what: str
    where: str = ""


def deviations(record: RunRecord, trace: TraceLines) -> tuple[Deviation, ...]:
    """Of the run as a whole first, then scenario by scenario."""
    return tuple(_deviations(record, trace))


def deviations_json(record: RunRecord, trace: TraceLines) -> Any:
    """As plain data, with the evidence it belongs to."""
    return {
        "evidence": record.kit,
        "deviations": [asdict(each) for each in deviations(record, trace)],
    }


def _deviations(record: RunRecord, trace: TraceLines) -> Iterator[Deviation]:
    if record.stopped:
        yield Deviation("stopped", f"the run was stopped by {record.stopped}")
    for key, held in record.parameters.items():
        label = next((s.strategy.label for s in record.scenarios if s.strategy.key == key), "")
        missing = [name for name, each in held.items() if each.status == Status.UNSOURCED]
        if missing:
            what = f"the run went by placeholders, which prove nothing, for {', '.join(missing)}"
            yield Deviation("placeholder", what, label)
    for scenario in record.scenarios:
        if scenario.not_run:
            yield Deviation("not run", scenario.not_run, scenario.name)
        if scenario.verdict == "bench-error":
            yield Deviation("bench-error", "; ".join(scenario.mismatches), scenario.name)
        for sentence in scenario.unknown:
            yield Deviation("unknown", sentence, scenario.name)
        if scenario.deviant:
            yield Deviation("on purpose", scenario.deviant, scenario.name)
        for fault in scenario.faults:
            yield Deviation("fault put in", fault, scenario.name)
        for line in trace.of(scenario):
            yield from _seen(line, scenario.name)


def _seen(line: Line, scenario: str) -> Iterator[Deviation]:
    event, where = line.event, f"{scenario}, trace.jsonl:{line.number}"
    if isinstance(event, Outage):
        span = f"from {format_instant(event.from_)} to {format_instant(event.to)}"
        yield Deviation("outage", f"of the {event.of}, {span}", where)
    elif isinstance(event, Operator):
        yield Deviation("operator", f"{event.asked}: {event.answer}, by {event.by}", where)
